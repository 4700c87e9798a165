#include "tools/bound/attainment_bound.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "core/errors.hpp"
#include "tools/bound/stage_work.hpp"

namespace regroup::tools {
namespace {

// What a request needs, but for when: the same for all of one model, shape and number of steps.
class RequestWork {
 public:
  RequestWork(const Catalog& catalog, const WorkQuery& query)
      : graph_(catalog.stages(query.model)) {
    for (std::size_t s = 0; s < graph_.size(); ++s)
      stages_.push_back(stage_work(catalog, s, query));
    possible_ = std::ranges::all_of(stages_, &StageWork::possible);
    if (!possible_) return;
    before_.resize(graph_.size());
    after_.resize(graph_.size());
    const std::span<const std::uint8_t> order = graph_.topological();
    for (const std::uint8_t s : order)
      for (const std::uint8_t b : graph_.before(s))
        before_[s] = std::max(before_[s], before_[b] + stages_[b].fastest());
    for (auto s = order.rbegin(); s != order.rend(); ++s)
      for (const std::uint8_t a : graph_.after(*s))
        after_[*s] = std::max(after_[*s], after_[a] + stages_[a].fastest());
  }

  // Nothing if no schedule can be in time. Each stage has the window that the fastest runs of the
  // stages before and after it leave; it uses at least what it needs if it takes all of that.
  std::optional<Demand> demand(TimePoint arrival, TimePoint deadline) const {
    if (!possible_) return std::nullopt;
    Demand demand;
    std::vector<GpuRate> windows;  // one a stage
    for (std::size_t s = 0; s < stages_.size(); ++s) {
      const TimePoint from = arrival + before_[s];
      const TimePoint to = deadline - after_[s];
      if (to - from < stages_[s].fastest()) return std::nullopt;
      demand.gpu_time += stages_[s].least_gpu_time(to - from);
      windows.push_back({from, to, stages_[s].most_gpus()});
    }
    demand.rates = rates(windows);
    return demand;
  }

 private:
  // At each instant the GPUs of the stages that may run then. Stages before denoising may run
  // beside one another, and so may those after it; of these two and denoising only one runs.
  std::vector<GpuRate> rates(std::span<const GpuRate> windows) const {
    std::set<TimePoint> instants;
    for (const GpuRate& window : windows) instants.insert({window.from, window.to});
    const std::span<const std::uint8_t> order = graph_.topological();
    const auto denoise = std::ranges::find(order, graph_.denoise());
    std::vector<GpuRate> result;
    for (auto at = instants.begin(); std::next(at) != instants.end(); ++at) {
      const auto gpus = [&](auto first, auto last) {
        double sum = 0;
        for (auto s = first; s != last; ++s)
          if (windows[*s].from <= *at && *at < windows[*s].to) sum += windows[*s].gpus;
        return sum;
      };
      result.push_back({*at, *std::next(at),
                        std::max({gpus(order.begin(), denoise), gpus(denoise, denoise + 1),
                                  gpus(denoise + 1, order.end())})});
    }
    return result;
  }

  const StageGraph& graph_;
  std::vector<StageWork> stages_;
  bool possible_ = false;
  std::vector<Duration> before_, after_;  // the longest way to the stage, and from its end
};

// The smallest factor that jitter gives any step: a batch takes that of its first request, so it
// may help the others.
double least_jitter(std::span<const Request> requests, const Catalog& catalog,
                    const Jitter& jitter) {
  if (jitter.spread == 0) return 1;
  constexpr Duration kUnit = std::chrono::seconds(1);
  double least = 1;
  for (const Request& request : requests) {
    const StageGraph& graph = catalog.stages(request.model);
    for (std::size_t stage = 0; stage < graph.size(); ++stage) {
      const int steps = stage == graph.denoise() ? request.steps : 1;
      for (int step = 0; step < steps; ++step)
        least = std::min(least, to_seconds(jitter.step(kUnit, request.id,
                                                       static_cast<std::uint8_t>(stage), step)));
    }
  }
  return std::max(least - 1e-8, 0.0);  // the factor of a second, rounded to a nanosecond
}

// The GPUs that work. Of two things that befall one at the same instant, its repair is believed.
std::vector<GpuRate> supply(std::size_t gpus, std::span<const sim::Failure> failures) {
  std::map<TimePoint, std::map<std::uint32_t, bool>> changes;  // by time and GPU: does it work?
  for (const sim::Failure& failure : failures) {
    changes[failure.at].emplace(failure.gpu.value, false);
    if (failure.repaired != kNever) changes[failure.repaired][failure.gpu.value] = true;
  }
  std::vector<bool> works(gpus, true);
  std::vector<GpuRate> rates = {{TimePoint::min(), kNever, static_cast<double>(gpus)}};
  for (const auto& [at, states] : changes) {
    for (const auto& [gpu, state] : states) works.at(gpu) = state;
    rates.back().to = at;
    rates.push_back({at, kNever, static_cast<double>(std::ranges::count(works, true))});
  }
  return rates;
}

}  // namespace

AttainmentBound attainment_bound(std::span<const Request> requests, const Catalog& catalog,
                                 const BoundOptions& options) {
  AttainmentBound bound;
  bound.requests = static_cast<std::int64_t>(requests.size());
  bound.gpus = static_cast<int>(catalog.gpus().size());

  std::map<ShapeId, int> of_shape;  // so many could be in one batch
  for (const Request& request : requests) ++of_shape[request.shape_id];
  const double slowness = least_jitter(requests, catalog, options.jitter);

  std::map<std::tuple<ShapeId, int>, RequestWork> works;
  std::vector<Demand> demands;
  for (const Request& request : requests) {
    if (request.deadline == kNever) continue;
    ++bound.with_deadline;
    const std::tuple key(request.shape_id, request.steps);
    auto work = works.find(key);
    if (work == works.end()) {
      const int together = of_shape.at(request.shape_id);
      const WorkQuery query{
          .model = request.model,
          .shape = request.shape_id,
          .steps = request.steps,
          .max_batch = options.max_batch == 0 ? together : std::min(together, options.max_batch),
          .slowness = slowness};
      work = works.emplace(key, RequestWork(catalog, query)).first;
    }
    if (auto demand = work->second.demand(request.arrival, request.deadline))
      demands.push_back(std::move(*demand));
    else
      ++bound.too_late_alone;
  }
  bound.competing =
      most_that_fit(std::move(demands), supply(catalog.gpus().size(), options.failures));
  return bound;
}

AttainmentBound attainment_bound(const Experiment& e, int max_batch) {
  models::Platform platform(platform_of(e));
  NameTable<ClassId> classes;
  traces::TraceSource source(open_requests(e), platform, classes, source_options(e));
  std::vector<Request> requests;
  for (Request request; source.next(request);) requests.push_back(request);

  const Jitter jitter{e.jitter, e.seed};
  // Refuses what a run would refuse.
  const sim::SimBackend checked(platform, {.jitter = jitter, .failures = e.failures});
  return attainment_bound(requests, platform,
                          {.max_batch = max_batch, .jitter = jitter, .failures = e.failures});
}

}  // namespace regroup::tools
