#include <algorithm>
#include <deque>
#include <thread>

#include "core/errors.hpp"
#include "runtime/collectives/form_group.hpp"
#include "runtime/cuda/gpu/rank_threads.hpp"
#include "runtime/cuda/nccl/nccl_exchanges.hpp"
#include "runtime/cuda/portable/check.hpp"
#include "tests/collectives/program.hpp"
#include "tests/cuda/nccl/nccl_fixture.hpp"
#include "tests/cuda/support/emulated_machine.hpp"

namespace regroup::cuda::testing {
namespace {

using collectives::kStagingSlots;
using collectives::Op;
using collectives::RankGroup;
using collectives::testing::Bytes;
using collectives::testing::Item;
using collectives::testing::kLargestShape;
using collectives::testing::Oracle;
using collectives::testing::Program;

// What tests/collectives forms groups in.
struct Ranks {
  int count;
  int ranks() const { return count; }
  RankGroup form(std::span<const int> ranks, std::uint64_t step) const {
    return collectives::form_group(ranks, step, count);
  }
};

struct Job {
  Bytes input, expected;
  DeviceBuffer output;
};

class ExchangesTest : public NcclTest {
 protected:
  static constexpr std::uint64_t kSlotBytes =
      collectives::HeapLayout::round_up(kLargestShape.bytes());

  // Every rank's part of the program, on a thread of its own; all outputs must be the oracle's.
  void carry_out(const Program& program, NcclIssuer& issuer, const Machine& machine) {
    std::vector<std::deque<Job>> jobs(static_cast<std::size_t>(machine.ranks()));
    on_every_rank(machine, [&](int rank) {
      const cudaStream_t stream = machine.rank(rank).compute;
      NcclExchanges exchanges(issuer, machine, rank, kLargestShape.bytes());
      int slot = 0;
      for (const Item& item : program) {
        if (!item.concerns(rank)) continue;
        slot = (slot + 1) % kStagingSlots;
        auto& own = jobs[static_cast<std::size_t>(rank)];
        enqueue(item, rank, stream, exchanges, slot, own);
      }
      check(cudaStreamSynchronize(stream), "waiting");
    });
    for (const auto& of_rank : jobs)
      for (const Job& job : of_rank) expect_right(job);
  }

  static void enqueue(const Item& item, int rank, cudaStream_t stream, NcclExchanges& exchanges,
                      int slot, std::deque<Job>& jobs) {
    if (item.op == Op::kBarrier) return exchanges.barrier(stream, item.group);
    const Oracle oracle(item.shape, item.group.size, item.group.step);
    const int me = item.group.position(rank);
    jobs.push_back({oracle.input(item.op, me), oracle.output(item.op, me), {}});
    Job& job = jobs.back();
    job.output = DeviceBuffer(job.expected.size(), "an output");
    exchanges.set_groups(item.group, {});
    exchanges.reserve(stream, slot);
    check(cudaMemcpyAsync(exchanges.staging(slot), job.input.data(), job.input.size(),
                          cudaMemcpyDefault, stream),
          "copying");
    exchanges.exchange(stream, {item.op, Among::kBranch, item.shape, slot, job.output.data()});
  }

  static void expect_right(const Job& job) {
    const std::byte* const got = job.output.data();
    EXPECT_TRUE(std::equal(job.expected.begin(), job.expected.end(), got));
  }
};

TEST_F(ExchangesTest, RandomGroupsShapesAndOperationsAreBitExact) {
  for (const int ranks : {1, 2, 3, 5}) {
    const auto machine = emulated_machine({ranks, kSlotBytes, 0});
    const NcclWorld world{library, *machine, 0, {}, 60s};
    NcclIssuer issuer(world, 3);
    RandomStream random(static_cast<std::uint64_t>(ranks), "nccl");
    const Program program = collectives::testing::random_collectives(random, Ranks{ranks}, 60);
    carry_out(program, issuer, *machine);
    EXPECT_EQ(issuer.failure(), "");
    EXPECT_LE(fake.alive, 3 * ranks);
    if (ranks == 5) {
      EXPECT_GT(issuer.counts().destroyed, 0u);
    }
  }
}

TEST_F(ExchangesTest, SlowCommunicatorsAreWaitedFor) {
  fake.in_progress = 5;
  const auto machine = emulated_machine({4, kSlotBytes, 0});
  const NcclWorld world{library, *machine, 0, {}, 60s};
  NcclIssuer issuer(world, 8);
  RandomStream random(7, "nccl");
  carry_out(collectives::testing::random_collectives(random, Ranks{4}, 20), issuer, *machine);
}

TEST_F(ExchangesTest, AfterAFailureAllIsAsNew) {
  const auto machine = emulated_machine({3, kSlotBytes, 0});
  const NcclWorld world{library, *machine, 0, {}, 60s};
  NcclIssuer issuer(world, 8);
  RandomStream random(1, "nccl");
  const Program program = collectives::testing::random_collectives(random, Ranks{3}, 10);
  carry_out(program, issuer, *machine);

  fake.async_result = static_cast<int>(NcclResult::kRemoteError);
  while (issuer.failure().empty()) std::this_thread::sleep_for(1ms);
  EXPECT_SAYS(issuer.failure(), "remote process exited");
  EXPECT_THROW(carry_out(program, issuer, *machine), NcclError);

  fake.async_result = 0;
  issuer.rearm();
  EXPECT_EQ(issuer.failure(), "");
  carry_out(program, issuer, *machine);
}

}  // namespace
}  // namespace regroup::cuda::testing
