#include "tools/sweep/sweep_run.hpp"

#include <algorithm>
#include <future>
#include <numeric>

#include "core/errors.hpp"
#include "core/policy_handle.hpp"
#include "policies/builtin_policies.hpp"
#include "tools/sweep/sweep_folder.hpp"

namespace regroup::tools {
namespace {

// Calls `work`; what it throws gets the name of the run in front.
template <class Work>
auto named(const std::string& run, Work work) {
  try {
    return work();
  } catch (const ConfigError& error) {
    fail<ConfigError>("{}: {}", run, error.what());
  } catch (const PolicyError& error) {
    fail<PolicyError>("{}: {}", run, error.what());
  } catch (const SystemError& error) {
    fail<SystemError>("{}: {}", run, error.what());
  } catch (const InternalError& error) {
    fail<InternalError>("{}: {}", run, error.what());
  }
}

// Parameters that a policy refuses are found before anything runs.
void check_policies(const SweepSpec& spec) {
  for (const PolicyForm& form : spec.policies)
    PolicyHandle(find_policy(form.policy, kBuiltinPolicies), PolicyParams(form.params));
}

struct GridCell {
  Setting setting;
  int seed = 0;
};

// One process's part in a sweep.
class Worker {
 public:
  Worker(const SweepSpec& spec, const std::filesystem::path& folder, const SweepShare& share)
      : spec_(spec),
        share_(share),
        known_(read_run_records(runs_folder(folder))),
        recorder_(runs_folder(folder), recorder_name(share)) {
    for (const Setting& setting : settings_of(spec)) {
      if (spec.search)
        searches_.push_back(setting);
      else
        for (int seed = 0; seed < seeds_of(spec, setting); ++seed) grid_.push_back({setting, seed});
    }
  }

  bool run() {
    const auto work = [this](std::size_t piece) { do_piece(piece); };
    if (share_.team && share_.team->rank() > 0) {
      // The queue is left when everything is on the disk; see Team.
      const auto queue = share_.team->queue_of_rank_0();
      work_through(*queue, share_.jobs, work);
      recorder_.close();
      return false;
    }
    WorkQueue queue(pieces_left(), progress_bar(spec_.search ? "searches" : "cells"));
    auto working = std::async(std::launch::async, [&] { work_through(queue, share_.jobs, work); });
    if (share_.team) share_.team->serve(queue);
    working.get();
    recorder_.close();
    return queue.finished();
  }

 private:
  static std::string recorder_name(const SweepShare& share) {
    const std::string name = share.shard.name();
    return share.team ? fmt::format("{}.rank{}", name, share.team->rank()) : name;
  }

  std::vector<std::size_t> pieces_left() const {
    std::vector<std::size_t> pieces(spec_.search ? searches_.size() : grid_.size());
    std::iota(pieces.begin(), pieces.end(), std::size_t{0});
    std::erase_if(pieces, [&](std::size_t piece) {
      return !share_.shard.has(piece) || (!spec_.search && known_.contains(id_of(grid_[piece])));
    });
    return pieces;
  }

  std::string id_of(const GridCell& cell) const { return run_id(spec_, cell.setting, cell.seed); }

  void do_piece(std::size_t piece) {
    const auto numbers_of = [this](const Setting& setting, int seed) {
      return known_or_run(setting, seed);
    };
    if (spec_.search)
      search_setting(spec_, searches_[piece], numbers_of);
    else
      numbers_of(grid_[piece].setting, grid_[piece].seed);
  }

  RunNumbers known_or_run(const Setting& setting, int seed) {
    const std::string id = run_id(spec_, setting, seed);
    if (const auto known = known_.find(id); known != known_.end()) return known->second;
    const RunNumbers numbers =
        named(id, [&] { return numbers_of_run(experiment_of(spec_, setting, seed)); });
    recorder_.append(id, numbers);
    return numbers;
  }

  const SweepSpec& spec_;
  const SweepShare& share_;
  const RunRecords known_;  // when this process began
  RunRecorder recorder_;
  std::vector<GridCell> grid_;
  std::vector<Setting> searches_;
};

}  // namespace

bool run_sweep(const SweepSpec& spec, const std::filesystem::path& folder,
               const SweepShare& share) {
  check_policies(spec);
  return Worker(spec, folder, share).run();
}

Capacity search_setting(const SweepSpec& spec, const Setting& setting,
                        const std::function<RunNumbers(const Setting&, int seed)>& run) {
  CapacitySearch search = *spec.search;
  // More runs of what no seed changes would be one and the same.
  search.max_seeds = std::min(search.max_seeds, seeds_of(spec, setting));
  search.min_seeds = std::min(search.min_seeds, search.max_seeds);
  return search_capacity(search, [&](double point, int seed) -> ProbeRun {
    const RunNumbers numbers = run(at_point(spec, setting, point), seed);
    return {numbers.violation_rate, numbers.requests};
  });
}

}  // namespace regroup::tools
