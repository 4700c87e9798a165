// Which share of a sweep this process has, where processes cannot talk to one another.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace regroup::tools {

// Of every `count` pieces of work the one at `index`, which counts from 0.
struct Shard {
  int index = 0, count = 1;

  bool has(std::size_t piece) const {
    return piece % static_cast<std::size_t>(count) == static_cast<std::size_t>(index);
  }
  // This part of a part.
  Shard of(const Shard& whole) const { return {whole.index * count + index, whole.count * count}; }
  std::string name() const;  // "2-of-4", for names of files
};

// "2/4": the second of four. Throws ConfigError for anything else.
Shard parse_shard(const std::string& text);

using Environment = std::function<std::optional<std::string>(const char* name)>;
Environment process_environment();

// The task of a Slurm job array (SLURM_ARRAY_TASK_ID, _MIN, _STEP, _COUNT); the whole outside of
// one. Throws ConfigError for an array whose tasks are not evenly spaced.
Shard job_array_shard(const Environment& environment);
// The process among those that mpirun (OMPI_COMM_WORLD_RANK, _SIZE) or srun (SLURM_PROCID,
// SLURM_STEP_NUM_TASKS, which the batch script itself does not have) started together.
Shard launched_shard(const Environment& environment);

}  // namespace regroup::tools
