#include <gtest/gtest.h>

#include <map>

#include "core/errors.hpp"
#include "tools/sweep/shard.hpp"

namespace regroup::tools {
namespace {

Environment with(std::map<std::string, std::string> values) {
  return [values](const char* name) -> std::optional<std::string> {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  };
}

TEST(Shard, EveryPieceHasOneOwner) {
  for (std::size_t piece = 0; piece < 20; ++piece) {
    int owners = 0;
    for (int i = 1; i <= 3; ++i) owners += parse_shard(fmt::format("{}/3", i)).has(piece) ? 1 : 0;
    EXPECT_EQ(owners, 1) << piece;
  }
}

TEST(Shard, RefusesWhatIsNone) {
  for (const char* text : {"", "1", "0/2", "3/2", "a/2", "1/2/3", "1/", "-1/2"})
    EXPECT_THROW(parse_shard(text), ConfigError) << text;
}

TEST(Shard, OfAJobArray) {
  const Shard shard = job_array_shard(with({{"SLURM_ARRAY_TASK_ID", "7"},
                                            {"SLURM_ARRAY_TASK_MIN", "1"},
                                            {"SLURM_ARRAY_TASK_STEP", "2"},
                                            {"SLURM_ARRAY_TASK_COUNT", "4"}}));
  EXPECT_EQ(shard.index, 3);
  EXPECT_EQ(shard.count, 4);
  EXPECT_EQ(shard.name(), "4-of-4");
  EXPECT_EQ(job_array_shard(with({})).count, 1);
}

TEST(Shard, OfAnUnevenJobArrayIsRefused) {
  EXPECT_THROW(job_array_shard(with({{"SLURM_ARRAY_TASK_ID", "7"},
                                     {"SLURM_ARRAY_TASK_MIN", "1"},
                                     {"SLURM_ARRAY_TASK_COUNT", "3"}})),
               ConfigError);
}

TEST(Shard, OfLaunchedProcesses) {
  const Shard ompi =
      launched_shard(with({{"OMPI_COMM_WORLD_RANK", "2"}, {"OMPI_COMM_WORLD_SIZE", "4"}}));
  EXPECT_EQ(ompi.index, 2);
  EXPECT_EQ(ompi.count, 4);
  const Shard srun = launched_shard(with({{"SLURM_PROCID", "1"}, {"SLURM_STEP_NUM_TASKS", "2"}}));
  EXPECT_EQ(srun.index, 1);
  EXPECT_EQ(srun.count, 2);
  // The batch script is process 0 of a job of many tasks, and alone.
  EXPECT_EQ(launched_shard(with({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}})).count, 1);
}

TEST(Shard, OfAShard) {
  std::map<int, int> seen;
  for (int task = 0; task < 3; ++task)
    for (int process = 0; process < 2; ++process) {
      const Shard part = Shard{process, 2}.of({task, 3});
      EXPECT_EQ(part.count, 6);
      ++seen[part.index];
    }
  EXPECT_EQ(seen.size(), 6u);
}

}  // namespace
}  // namespace regroup::tools
