#include "runtime/cuda/bench/group_formation.hpp"

#include <atomic>
#include <memory>
#include <set>
#include <stdexcept>
#include <thread>

#include "runtime/collectives/form_group.hpp"
#include "runtime/cuda/bench/rank_team.hpp"
#include "runtime/cuda/gpu/device_memory.hpp"
#include "tests/cuda/nccl/nccl_fixture.hpp"
#include "tests/cuda/support/emulated_machine.hpp"

namespace regroup::cuda::testing {
namespace {

// The emulator has one GPU; this says there is one for each rank.
class ManyGpus final : public Machine {
 public:
  explicit ManyGpus(const Machine& machine) : machine_(machine) {
    for (int rank = 0; rank < machine.ranks(); ++rank) {
      of_ranks_.push_back(machine.rank(rank));
      gpus_.push_back(machine.gpus().front());
    }
    heap_ = machine.heap();
  }
  void make_current(int rank) const override { machine_.make_current(rank); }
  std::uint64_t free_bytes(int ordinal) const override { return machine_.free_bytes(ordinal); }

 private:
  const Machine& machine_;
};

class GroupFormationTest : public NcclTest {
 protected:
  static constexpr int kRanks = 4;
  GroupFormationTest() {
    std::vector<DeviceRank*> ranks;
    for (int rank = 0; rank < kRanks; ++rank)
      ranks.push_back(memory_.emplace_back(sizeof(DeviceRank), "a rank").as<DeviceRank>());
    WorldOptions world_options;
    world_options.watchdog_ns = 60'000'000'000;
    world = std::make_unique<DeviceWorld>(machine->heap(), ranks, world_options);
    options.sizes = {2, 3, 9};
    options.samples = 5;
  }

  std::unique_ptr<Machine> machine =
      emulated_machine({kRanks, collectives::kHeapAlignment, collectives::kHeapAlignment});
  std::unique_ptr<DeviceWorld> world;
  FormationOptions options;

 private:
  std::vector<DeviceBuffer> memory_;
};

void expect_sound(const FormationSpread& spread) {
  EXPECT_GT(spread.median, 0);
  EXPECT_LE(spread.median, spread.p99);
  EXPECT_LE(spread.p99, spread.most);
}

TEST_F(GroupFormationTest, EveryWayAndSizeIsMeasured) {
  const ManyGpus many(*machine);
  const FormationReport report = measure_group_formation(many, *world, &library, "", options);
  std::multiset<std::string> measured;
  for (const FormationTimes& times : report.times) {
    measured.insert(times.way + " " + std::to_string(times.size));
    EXPECT_EQ(times.samples, 5);
    expect_sound(times.first);
    expect_sound(times.again);
    EXPECT_LE(times.formation.median, times.first.most);
    if (times.way == "group-free")
      EXPECT_EQ(times.destroy.most, 0);
    else
      expect_sound(times.destroy);
  }
  EXPECT_EQ(measured, (std::multiset<std::string>{"group-free 2", "group-free 3", "nccl new 2",
                                                  "nccl new 3", "nccl split 2", "nccl split 3",
                                                  "nccl cached 2", "nccl cached 3"}));
  EXPECT_EQ(report.note, "NCCL 2.28.9");
  // 6 samples of 2 and of 3 ranks: new and cached are made from an id, each end once; and the
  // parent, of all ranks, which all splits share.
  EXPECT_EQ(fake.inits, 2 * 6 * (2 + 3) + kRanks);
  EXPECT_EQ(fake.splits, 2 * 6 * kRanks);
  EXPECT_EQ(fake.aborted, 0);
}

TEST_F(GroupFormationTest, SharedGpusLeaveNcclALowerBound) {
  const FormationReport report = measure_group_formation(*machine, *world, &library, "", options);
  ASSERT_EQ(report.times.size(), 4u);
  EXPECT_EQ(report.times[1].size, 3);
  EXPECT_EQ(report.times[2].way, "nccl new");
  EXPECT_EQ(report.times[2].size, 1);
  EXPECT_EQ(report.times[3].way, "nccl cached");
  EXPECT_SAYS(report.note, "of one rank, a lower bound");
}

TEST_F(GroupFormationTest, WithoutNcclItSaysWhy) {
  const FormationReport report =
      measure_group_formation(*machine, *world, nullptr, "libnccl.so.2 was not found", options);
  EXPECT_EQ(report.times.size(), 2u);
  EXPECT_EQ(report.note, "NCCL is not measured: libnccl.so.2 was not found");
}

TEST_F(GroupFormationTest, ATeamRunsItsMembersAtTheSameTime) {
  RankTeam team(*machine);
  const int ranks[] = {3, 1};
  const collectives::RankGroup group = collectives::form_group(ranks, 1, kRanks);
  std::atomic<int> came = 0;
  const auto before = std::chrono::steady_clock::now();
  const auto last = team.run(group, [&](int rank) {
    EXPECT_TRUE(rank == 1 || rank == 3);
    ++came;
    while (came < 2) std::this_thread::yield();
  });
  EXPECT_GE(last, before);
  EXPECT_LE(last, std::chrono::steady_clock::now());
  EXPECT_THROW(team.run(group,
                        [](int rank) {
                          if (rank == 3) throw std::runtime_error("no");
                        }),
               std::runtime_error);
  EXPECT_NO_THROW(team.run(group, [](int) {}));
}

}  // namespace
}  // namespace regroup::cuda::testing
