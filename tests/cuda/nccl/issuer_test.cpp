#include "runtime/cuda/nccl/nccl_issuer.hpp"

#include <thread>

#include "core/errors.hpp"
#include "runtime/collectives/form_group.hpp"
#include "runtime/cuda/gpu/device_memory.hpp"
#include "tests/cuda/nccl/nccl_fixture.hpp"
#include "tests/cuda/support/emulated_machine.hpp"

namespace regroup::cuda::testing {
namespace {

using collectives::Op;
using collectives::RankGroup;

class IssuerTest : public NcclTest {
 protected:
  RankGroup group(std::vector<int> ranks, std::uint64_t step) const {
    return collectives::form_group(ranks, step, machine->ranks());
  }
  NcclCall barrier(int rank, const RankGroup& members) const {
    NcclCall call;
    call.group = members;
    call.op = Op::kBarrier;
    call.stream = machine->rank(rank).compute;
    call.incoming = arrived.data() + 32 * rank;
    return call;
  }
  // What that rank is told.
  std::string issue(NcclIssuer& issuer, int rank, const NcclCall& call) const {
    return complaint<NcclError>([&] { issuer.issue(rank, call); });
  }

  std::unique_ptr<Machine> machine = emulated_machine({4, 0, 0});
  DeviceBuffer arrived{32 * 4, "barriers"};
  NcclWorld world{library, *machine, 0, {}, 60s};
};

TEST_F(IssuerTest, EnqueuesWhenAllHaveCome) {
  NcclIssuer issuer(world, 2);
  const RankGroup members = group({2, 0}, 1);
  std::atomic<bool> second_came = false;
  std::jthread first([&] {
    EXPECT_EQ(issue(issuer, 2, barrier(2, members)), "");
    EXPECT_TRUE(second_came);
  });
  std::this_thread::sleep_for(20ms);
  second_came = true;
  EXPECT_EQ(issue(issuer, 0, barrier(0, members)), "");
  first.join();
  EXPECT_EQ(issuer.counts(), (CacheCounts{0, 1, 0, 0}));
}

TEST_F(IssuerTest, WhoDoesNotComeIsNamed) {
  world.patience = 1s;
  NcclIssuer issuer(world, 2);
  const RankGroup members = group({0, 3, 1}, 17);
  std::string said;
  std::jthread other([&] { said = issue(issuer, 1, barrier(1, members)); });
  const std::string mine = issue(issuer, 0, barrier(0, members));
  other.join();
  EXPECT_EQ(mine, "NCCL: ranks 3 have not come to their group's collective of step 17");
  EXPECT_EQ(said, mine);
  EXPECT_EQ(issue(issuer, 3, barrier(3, members)), mine) << "until it is armed again";
}

TEST_F(IssuerTest, DifferentOperationsOfAGroupAreAnError) {
  NcclIssuer issuer(world, 2);
  const RankGroup members = group({0, 1}, 1);
  NcclCall gather = barrier(1, members);
  gather.op = Op::kAllGather;
  std::string said;
  std::jthread other([&] { said = issue(issuer, 1, gather); });
  EXPECT_SAYS(issue(issuer, 0, barrier(0, members)), "different operations");
  other.join();
  EXPECT_SAYS(said, "ranks 0 and 1 of one group");
}

TEST_F(IssuerTest, ACommunicatorThatCannotBeMadeEndsInAnErrorForAllMembers) {
  fake.init_hangs = true;
  world.patience = 1s;
  NcclIssuer issuer(world, 2);
  const RankGroup members = group({0, 1}, 1);
  std::string said;
  std::jthread other([&] { said = issue(issuer, 1, barrier(1, members)); });
  EXPECT_SAYS(issue(issuer, 0, barrier(0, members)), "ranks 0, 1, did not end in time");
  other.join();
  EXPECT_SAYS(said, "did not end in time");
}

// A member that is late on its stream, not with its call: NCCL's part waits in the other's stream.
TEST_F(IssuerTest, AbortEndsWhatIsEnqueued) {
  NcclIssuer issuer(world, 2);
  const RankGroup members = group({0, 1}, 1);
  std::atomic<bool> gate = false;
  const auto wait_at_gate = [](void* open) { static_cast<std::atomic<bool>*>(open)->wait(false); };
  ASSERT_EQ(cudaLaunchHostFunc(machine->rank(1).compute, wait_at_gate, &gate), cudaSuccess);
  std::jthread other([&] { issue(issuer, 1, barrier(1, members)); });
  EXPECT_EQ(issue(issuer, 0, barrier(0, members)), "");
  other.join();
  EXPECT_EQ(cudaStreamQuery(machine->rank(0).compute), cudaErrorNotReady);
  issuer.abort("step 1 took too long");
  EXPECT_EQ(cudaStreamSynchronize(machine->rank(0).compute), cudaSuccess);
  EXPECT_EQ(issuer.failure(), "NCCL: aborted: step 1 took too long");
  gate = true;
  gate.notify_all();
  EXPECT_EQ(cudaStreamSynchronize(machine->rank(1).compute), cudaSuccess);
  issuer.rearm();
  EXPECT_EQ(issuer.failure(), "");
}

TEST_F(IssuerTest, WorkRunsOnItsThread) {
  NcclIssuer issuer(world, 2);
  const std::vector<int> ranks = {0, 1};
  std::thread::id thread;
  issuer.run([&](CommunicatorCache& cache) {
    thread = std::this_thread::get_id();
    cache.get(ranks);
  });
  EXPECT_NE(thread, std::this_thread::get_id());
  EXPECT_THROW(issuer.run([](CommunicatorCache&) { throw NcclError("no"); }), NcclError);
  const RankGroup members = group(ranks, 1);
  std::jthread other([&] { issue(issuer, 1, barrier(1, members)); });
  EXPECT_EQ(issue(issuer, 0, barrier(0, members)), "");
  other.join();
  EXPECT_EQ(issuer.counts(), (CacheCounts{1, 1, 0, 0}));
}

}  // namespace
}  // namespace regroup::cuda::testing
