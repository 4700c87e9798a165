// The numbers of a run.
#pragma once

#include <string>
#include <vector>

#include "core/names.hpp"
#include "core/observer.hpp"

namespace regroup {

// How a set of times is spread, in seconds. All NaN if the set is empty.
struct Spread {
  double mean, p50, p90, p95, p99, max;
};

// What is counted over all requests and over those of each class.
struct RequestCounts {
  std::int64_t requests = 0;  // that arrived: finished + rejected + unfinished
  std::int64_t finished = 0;
  std::int64_t rejected = 0;
  std::int64_t unfinished = 0;
  std::int64_t slo_violations = 0;  // finished late, rejected, or unfinished
  double slo_violation_rate = 0;    // of every request, also of those without a deadline
  Spread latency_s{};               // arrival to end, of the finished
};

struct ClassSummary : RequestCounts {
  std::string name;
};

// GPU time by use, in seconds: group size times elapsed time. The five add up to the number of GPUs
// times the makespan.
struct GpuSeconds {
  double compute = 0, setup = 0, migrate = 0, dispatch = 0, idle = 0;
};

struct Summary : RequestCounts {
  std::vector<ClassSummary> classes;  // in order of first appearance

  // Means over the finished requests; NaN if there are none.
  double queueing_mean_s = 0;                                       // arrival to first launch
  double encode_mean_s = 0, denoise_mean_s = 0, decode_mean_s = 0;  // busy, all runs of the stage
  double step_mean_s = 0;  // compute time of one denoising step, over all of them; NaN if none

  double makespan_s = 0;      // first arrival to last end
  double throughput_rps = 0;  // finished requests per second of makespan
  double goodput_rps = 0;     // those finished in time

  GpuSeconds gpu_seconds;
  double utilisation = 0;  // the share of GPU time that is not idle

  std::int64_t runs = 0;
  std::int64_t steps = 0;  // of denoising, each request's counted
  std::int64_t group_setups = 0;
  std::int64_t group_changes = 0;
  std::int64_t migrations = 0;
  std::int64_t migrated_bytes = 0;
  std::int64_t preemptions = 0;
};

// The value at rank (n - 1) p of n ascending values, linear between neighbours (type 7 of Hyndman
// and Fan, "Sample quantiles in statistical packages", 1996; what NumPy does). NaN if n is 0.
double percentile(const std::vector<double>& ascending, double p);

// Exact: keeps the latency of every finished request (8 bytes each).
class Metrics final : public Observer {
 public:
  // `classes` must outlive this; it may grow during the run.
  Metrics(std::size_t gpus, const NameTable<ClassId>& classes);

  void on_arrival(TimePoint at, const Request& request) override;
  void on_run_end(const RunRecord& run) override;
  void on_request_end(const RequestOutcome& outcome) override;

  // So far; requests that have not ended count as unfinished.
  Summary summary() const;
  // Whether any request had a deadline: without one, a violation rate says nothing.
  bool any_deadline() const { return any_deadline_; }

 private:
  struct Tally {
    std::int64_t requests = 0, rejected = 0, in_time = 0;
    std::vector<double> latencies_s;  // of the finished, in order of their ends
  };
  // Sums of whole nanoseconds are exact, so they do not depend on the order of events.
  struct Times {
    Duration queueing{}, encode{}, denoise{}, decode{};  // of finished requests
    Duration step_compute{};                             // of denoise runs
    RunTimes gpu;                                        // times group size
  };
  static RequestCounts counts(const Tally& tally);

  std::size_t gpus_;
  const NameTable<ClassId>& classes_;
  std::vector<Tally> by_class_;  // index = ClassId
  Times times_;
  std::int64_t run_steps_ = 0;  // of denoise runs; a batch counts once
  bool any_deadline_ = false;
  TimePoint first_arrival_ = kNever;
  TimePoint last_end_{};
  Summary totals_;  // its plain counters; the rest is computed by summary()
};

}  // namespace regroup
