#include "tools/sweep/run_numbers.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

namespace regroup::tools {
namespace {

// A sweep may mix images and videos; what a thousand of them cost is said of what they are.
class FrameCounter final : public Observer {
 public:
  void on_arrival(TimePoint, const Request& request) override {
    ++(request.shape.frames > 1 ? videos_ : images_);
  }
  std::int64_t images() const { return images_; }
  std::int64_t videos() const { return videos_; }

 private:
  std::int64_t images_ = 0, videos_ = 0;
};

}  // namespace

RunNumbers numbers_of_run(Experiment experiment) {
  FrameCounter frames;
  experiment.observers.push_back(&frames);
  const Summary s = run(experiment).summary;
  models::PlatformOptions cluster;
  cluster.cluster = experiment.cluster;
  RunNumbers n;
  n.requests = static_cast<double>(s.requests);
  n.finished = static_cast<double>(s.finished);
  n.rejected = static_cast<double>(s.rejected);
  n.unfinished = static_cast<double>(s.unfinished);
  n.violations = static_cast<double>(s.slo_violations);
  n.violation_rate = s.slo_violation_rate;
  n.latency_mean_s = s.latency_s.mean;
  n.latency_p50_s = s.latency_s.p50;
  n.latency_p95_s = s.latency_s.p95;
  n.latency_p99_s = s.latency_s.p99;
  n.queueing_mean_s = s.queueing_mean_s;
  n.makespan_s = s.makespan_s;
  n.throughput_rps = s.throughput_rps;
  n.goodput_rps = s.goodput_rps;
  n.utilisation = s.utilisation;
  n.group_changes = static_cast<double>(s.group_changes);
  n.migrations = static_cast<double>(s.migrations);
  n.preemptions = static_cast<double>(s.preemptions);
  n.images = static_cast<double>(frames.images());
  n.videos = static_cast<double>(frames.videos());
  n.gpus = static_cast<double>(models::Platform(cluster).gpus().size());
  n.gpu_hours = n.gpus * n.makespan_s / 3600;
  n.gpu_hours_per_1000 =
      s.finished > 0 ? 1000 * n.gpu_hours / n.finished : std::numeric_limits<double>::quiet_NaN();
  return n;
}

std::string number_text(double value) {
  return std::isnan(value) ? std::string() : fmt::format("{}", value);
}

}  // namespace regroup::tools
