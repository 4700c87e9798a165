#include "core/metrics.hpp"

#include <cmath>
#include <limits>

#include "core/result_text.hpp"

namespace regroup {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

double mean(Duration sum, std::int64_t count) {
  return count > 0 ? static_cast<double>(sum.count()) / static_cast<double>(count) / 1e9 : kNone;
}

Spread spread(std::vector<double> values) {
  if (values.empty()) return {kNone, kNone, kNone, kNone, kNone, kNone};
  std::sort(values.begin(), values.end());
  double sum = 0;
  for (const double value : values) sum += value;
  return {sum / static_cast<double>(values.size()),
          percentile(values, 0.50),
          percentile(values, 0.90),
          percentile(values, 0.95),
          percentile(values, 0.99),
          values.back()};
}

}  // namespace

double percentile(const std::vector<double>& ascending, double p) {
  if (ascending.empty()) return kNone;
  const double rank = static_cast<double>(ascending.size() - 1) * p;
  const auto below = static_cast<std::size_t>(std::floor(rank));
  const double low = ascending[below];
  if (below + 1 == ascending.size()) return low;
  return low + (ascending[below + 1] - low) * (rank - std::floor(rank));
}

Metrics::Metrics(std::size_t gpus, const NameTable<ClassId>& classes)
    : gpus_(gpus), classes_(classes) {}

void Metrics::on_arrival(TimePoint at, const Request& request) {
  first_arrival_ = std::min(first_arrival_, request.arrival);
  last_end_ = std::max(last_end_, at);
  any_deadline_ = any_deadline_ || request.deadline != kNever;
  if (request.request_class.value >= by_class_.size())
    by_class_.resize(request.request_class.value + 1);
  ++by_class_[request.request_class.value].requests;
}

void Metrics::on_run_end(const RunRecord& run) {
  last_end_ = std::max(last_end_, run.ended);
  const auto size = static_cast<std::int64_t>(run.group.size());
  times_.gpu.compute += run.times.compute * size;
  times_.gpu.setup += run.times.setup * size;
  times_.gpu.migrate += run.times.migrate * size;
  times_.gpu.dispatch += run.times.dispatch * size;
  ++totals_.runs;
  if (run.setup_needed) ++totals_.group_setups;
  if (run.tasks.front()->kind != StageKind::kDenoise) return;
  times_.step_compute += run.times.compute;
  run_steps_ += run.steps;
  totals_.steps += static_cast<std::int64_t>(run.tasks.size()) * run.steps;
}

void Metrics::on_request_end(const RequestOutcome& outcome) {
  const Request& request = *outcome.request;
  Tally& tally = by_class_.at(request.request_class.value);
  last_end_ = std::max(last_end_, outcome.ended);
  totals_.group_changes += outcome.group_changes;
  totals_.migrations += outcome.migrations;
  totals_.migrated_bytes += outcome.migrated_bytes;
  totals_.preemptions += outcome.preemptions;
  if (outcome.end == RequestOutcome::End::kRejected) ++tally.rejected;
  if (!outcome.violated()) ++tally.in_time;
  if (outcome.end != RequestOutcome::End::kFinished) return;
  tally.latencies_s.push_back(nearest_seconds(outcome.ended - request.arrival));
  times_.queueing += outcome.started - request.arrival;
  times_.encode += outcome.encode;
  times_.denoise += outcome.denoise;
  times_.decode += outcome.decode;
}

RequestCounts Metrics::counts(const Tally& tally) {
  RequestCounts counts;
  counts.requests = tally.requests;
  counts.finished = static_cast<std::int64_t>(tally.latencies_s.size());
  counts.rejected = tally.rejected;
  counts.unfinished = counts.requests - counts.finished - counts.rejected;
  counts.slo_violations = counts.requests - tally.in_time;
  counts.slo_violation_rate =
      ratio(static_cast<double>(counts.slo_violations), static_cast<double>(counts.requests));
  counts.latency_s = spread(tally.latencies_s);
  return counts;
}

Summary Metrics::summary() const {
  Summary summary = totals_;
  Tally all;
  for (std::size_t i = 0; i < by_class_.size(); ++i) {
    const Tally& tally = by_class_[i];
    if (tally.requests == 0) continue;
    summary.classes.push_back(
        {counts(tally), classes_.name(ClassId{static_cast<std::uint32_t>(i)})});
    all.requests += tally.requests;
    all.rejected += tally.rejected;
    all.in_time += tally.in_time;
    all.latencies_s.insert(all.latencies_s.end(), tally.latencies_s.begin(),
                           tally.latencies_s.end());
  }
  static_cast<RequestCounts&>(summary) = counts(all);

  summary.queueing_mean_s = mean(times_.queueing, summary.finished);
  summary.encode_mean_s = mean(times_.encode, summary.finished);
  summary.denoise_mean_s = mean(times_.denoise, summary.finished);
  summary.decode_mean_s = mean(times_.decode, summary.finished);
  summary.step_mean_s = mean(times_.step_compute, run_steps_);

  const Duration makespan = all.requests > 0 ? last_end_ - first_arrival_ : Duration{};
  summary.makespan_s = nearest_seconds(makespan);
  summary.throughput_rps = ratio(static_cast<double>(summary.finished), summary.makespan_s);
  summary.goodput_rps = ratio(static_cast<double>(all.in_time), summary.makespan_s);

  const Duration capacity = makespan * static_cast<std::int64_t>(gpus_);
  const Duration busy = times_.gpu.total();
  summary.gpu_seconds = {nearest_seconds(times_.gpu.compute), nearest_seconds(times_.gpu.setup),
                         nearest_seconds(times_.gpu.migrate), nearest_seconds(times_.gpu.dispatch),
                         nearest_seconds(capacity - busy)};
  summary.utilisation =
      ratio(static_cast<double>(busy.count()), static_cast<double>(capacity.count()));
  return summary;
}

}  // namespace regroup
