// Runs what is left of a sweep.
#pragma once

#include <filesystem>
#include <string>

#include "tools/sweep/cells.hpp"
#include "tools/sweep/run_records.hpp"
#include "tools/sweep/shard.hpp"
#include "tools/sweep/team.hpp"

namespace regroup::tools {

struct SweepShare {
  Shard shard;
  int jobs = 1;          // threads
  Team* team = nullptr;  // null: this process alone
};

// Appends a record for every run of this share that has none. A piece of work is a cell; in a
// capacity search the whole search of a setting, whose runs so far are taken from the records.
// True if all of it is done when this returns, which only rank 0 of a team can say. Throws what
// runs throw, with the run named in front; runs that were done by then are recorded.
bool run_sweep(const SweepSpec& spec, const std::filesystem::path& folder, const SweepShare& share);

// The search of a setting, with runs by `run`.
Capacity search_setting(const SweepSpec& spec, const Setting& setting,
                        const std::function<RunNumbers(const Setting&, int seed)>& run);

}  // namespace regroup::tools
