// The numbers that a sweep keeps of one run.
#pragma once

#include <array>
#include <limits>
#include <string>

#include "tools/experiment.hpp"

namespace regroup::tools {

// All as doubles: counts are exact, and one loop writes, reads and averages them. NaN: there is
// none, such as the latency of no request.
struct RunNumbers {
  double requests = 0, finished = 0, rejected = 0, unfinished = 0, violations = 0;
  double violation_rate = 0;  // of all requests
  double latency_mean_s = 0, latency_p50_s = 0, latency_p95_s = 0, latency_p99_s = 0;
  double queueing_mean_s = 0;
  double makespan_s = 0;  // first arrival to last end
  double throughput_rps = 0, goodput_rps = 0;
  double utilisation = 0;
  double group_changes = 0, migrations = 0, preemptions = 0;
  double images = 0, videos = 0;  // requests of one frame, and of more
  double gpus = 0;
  double gpu_hours = 0;           // of the makespan, busy or idle: what is paid for
  double gpu_hours_per_1000 = 0;  // finished requests
};

struct Metric {
  const char* name;  // of its column in cells.csv
  double RunNumbers::*value;
  bool averaged;  // has a mean with an interval in summary.csv
  double most = std::numeric_limits<double>::infinity();  // the least is 0
};

// Every member of RunNumbers, in the order of columns.
inline constexpr std::array kMetrics = {
    Metric{"requests", &RunNumbers::requests, false},
    Metric{"finished", &RunNumbers::finished, false},
    Metric{"rejected", &RunNumbers::rejected, false},
    Metric{"unfinished", &RunNumbers::unfinished, false},
    Metric{"violations", &RunNumbers::violations, false},
    Metric{"violation_rate", &RunNumbers::violation_rate, true, 1},
    Metric{"latency_mean_s", &RunNumbers::latency_mean_s, true},
    Metric{"latency_p50_s", &RunNumbers::latency_p50_s, true},
    Metric{"latency_p95_s", &RunNumbers::latency_p95_s, true},
    Metric{"latency_p99_s", &RunNumbers::latency_p99_s, true},
    Metric{"queueing_mean_s", &RunNumbers::queueing_mean_s, true},
    Metric{"makespan_s", &RunNumbers::makespan_s, false},
    Metric{"throughput_rps", &RunNumbers::throughput_rps, true},
    Metric{"goodput_rps", &RunNumbers::goodput_rps, true},
    Metric{"utilisation", &RunNumbers::utilisation, true, 1},
    Metric{"group_changes", &RunNumbers::group_changes, false},
    Metric{"migrations", &RunNumbers::migrations, false},
    Metric{"preemptions", &RunNumbers::preemptions, false},
    Metric{"images", &RunNumbers::images, false},
    Metric{"videos", &RunNumbers::videos, false},
    Metric{"gpus", &RunNumbers::gpus, false},
    Metric{"gpu_hours", &RunNumbers::gpu_hours, false},
    Metric{"gpu_hours_per_1000", &RunNumbers::gpu_hours_per_1000, true},
};

// Runs it, without files. Throws what tools::run throws.
RunNumbers numbers_of_run(Experiment experiment);

// The shortest text that reads back as the same number; nothing for NaN.
std::string number_text(double value);

}  // namespace regroup::tools
