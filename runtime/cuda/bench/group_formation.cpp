#include "runtime/cuda/bench/group_formation.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <optional>

#include "core/errors.hpp"
#include "core/metrics.hpp"
#include "core/random.hpp"
#include "runtime/collectives/describe.hpp"
#include "runtime/collectives/form_group.hpp"
#include "runtime/cuda/bench/formation_ways.hpp"
#include "runtime/cuda/bench/rank_team.hpp"

namespace regroup::cuda {
namespace {

using collectives::RankGroup;
using Clock = std::chrono::steady_clock;

double seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

FormationSpread spread_of(std::vector<double> samples) {
  if (samples.empty()) return {};
  std::sort(samples.begin(), samples.end());
  return {percentile(samples, 0.5), percentile(samples, 0.99), samples.back()};
}

std::vector<int> random_ranks(RandomStream& random, int world, int size) {
  std::vector<int> ranks(static_cast<std::size_t>(world));
  std::iota(ranks.begin(), ranks.end(), 0);
  for (std::size_t i = 0; i < static_cast<std::size_t>(size); ++i)
    std::swap(ranks[i], ranks[i + random.below(ranks.size() - i)]);
  ranks.resize(static_cast<std::size_t>(size));
  return ranks;
}

class Measurement {
 public:
  Measurement(const Machine& machine, const FormationOptions& options)
      : world_(machine.ranks()), options_(options), team_(machine) {}

  void add(FormationWay& way, std::span<const int> sizes, FormationReport& report) {
    for (const int size : sizes)
      if (size <= world_) report.times.push_back(measure(way, size));
  }

 private:
  FormationTimes measure(FormationWay& way, int size) {
    // The same sets for every way; another stream of numbers for every size.
    RandomStream random(options_.seed, fmt::format("groups of {}", size));
    std::vector<double> first, again, formation, destroy;
    // One more than asked for: what is loaded or connected at the first use is no group's cost.
    for (int sample = -1; sample < options_.samples; ++sample) {
      const std::vector<int> ranks = random_ranks(random, world_, size);
      if (way.set_up(ranks)) meet(way, next_group(ranks));

      const Clock::time_point decided = Clock::now();
      const RankGroup group = next_group(ranks);
      way.decide(ranks);
      const double cold = seconds(meet(way, group) - decided);
      const Clock::time_point decided_again = Clock::now();
      const double warm = seconds(meet(way, group) - decided_again);
      const Clock::time_point before = Clock::now();
      const bool given_back = way.give_back(ranks);
      const double gone = seconds(Clock::now() - before);

      if (sample < 0) continue;
      first.push_back(cold);
      again.push_back(warm);
      formation.push_back(cold - warm);
      if (given_back) destroy.push_back(gone);
    }
    return {way.name(),        size,
            options_.samples,  spread_of(first),
            spread_of(again),  spread_of(formation),
            spread_of(destroy)};
  }

  RankGroup next_group(std::span<const int> ranks) {
    return collectives::form_group(ranks, ++step_, world_);
  }
  Clock::time_point meet(FormationWay& way, const RankGroup& group) {
    return team_.run(group, [&](int rank) { way.meet(rank, group); });
  }

  int world_;
  const FormationOptions& options_;
  RankTeam team_;
  std::uint64_t step_ = 0;
};

bool ranks_share_gpus(const Machine& machine) {
  return machine.gpus().size() < static_cast<std::size_t>(machine.ranks());
}

void require_no_failures(const DeviceWorld& world) {
  for (const collectives::Failure& failure : world.failures())
    if (failure.status != collectives::Status::kOk)
      fail<CudaError>("forming groups: {}", collectives::describe(failure));
}

}  // namespace

FormationReport measure_group_formation(const Machine& machine, DeviceWorld& world,
                                        const NcclLibrary* nccl, const std::string& why_not,
                                        const FormationOptions& options) {
  FormationReport report;
  // Before the team's threads, so that it is there as long as they are.
  std::optional<NcclBench> bench;
  if (nccl != nullptr) bench.emplace(*nccl, machine);
  Measurement measurement(machine, options);
  measurement.add(*group_free_way(machine, world), options.sizes, report);
  require_no_failures(world);
  if (nccl == nullptr) {
    report.note = "NCCL is not measured: " + why_not;
    return report;
  }

  const bool alone = ranks_share_gpus(machine);
  const std::vector<int> sizes = alone ? std::vector<int>{1} : options.sizes;
  for (const auto& way : nccl_ways(*bench))
    if (!alone || way->name() != "nccl split") measurement.add(*way, sizes, report);
  report.note = fmt::format("NCCL {}", nccl->version());
  if (alone)
    report.note +=
        "; it takes a GPU once in a communicator and the ranks share GPUs, so its figures are of "
        "one rank, a lower bound, and nothing was split";
  return report;
}

}  // namespace regroup::cuda
