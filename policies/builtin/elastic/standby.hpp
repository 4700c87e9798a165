// How many GPUs to keep idle for requests that cannot wait for a step boundary.
#pragma once

#include <cmath>

#include "regroup/policy/types.hpp"

namespace regroup::elastic {

// Some requests are late unless they start as they arrive: their slack is shorter than a step of
// what runs. An idle GPU is worth something then: as many saved requests a second as such requests
// arrive. The second idle GPU is worth that times the chance that the first was taken less than a
// step ago (arrivals taken to be Poisson), and so on.
class Standby {
 public:
  // A request arrived; in time without waiting at all if `slack` is 0. `gpu_seconds`: what it
  // needs.
  void arrived(TimePoint now, double slack, double gpu_seconds) {
    mean_work_ += (gpu_seconds - mean_work_) * (mean_work_ == 0 ? 1 : kSmoothing);
    if (slack < 0 || slack > step_) return;
    const double gap = to_seconds(now - latest_);
    if (seen_++ > 0) mean_gap_ += (gap - mean_gap_) * (seen_ == 2 ? 1 : kSmoothing);
    latest_ = now;
  }

  // Steps of that length are begun: what a newcomer may have to wait for.
  void steps(double seconds) { step_ += (seconds - step_) * kSmoothing; }

  // Saved requests a second that the n-th idle GPU is worth, n from 1.
  double worth(TimePoint now, int n) const {
    if (seen_ < 3) return 0;
    const double rate = 1 / std::max({mean_gap_, to_seconds(now - latest_) / 2, 1e-6});
    // The chance of n - 1 or more arrivals during a step.
    const double mean = rate * step_;
    double term = std::exp(-mean), below = 0;
    for (int k = 0; k < n - 1; ++k) {
      below += term;
      term *= mean / (k + 1);
    }
    return rate * std::max(0.0, 1 - below);
  }

  // How many are worth more than a GPU makes of an average request, within reason.
  int count(TimePoint now, int limit) const {
    int n = 0;
    while (n < limit && worth(now, n + 1) * mean_work_ > kPrice) ++n;
    return n;
  }

 private:
  static constexpr double kSmoothing = 0.1;
  static constexpr double kPrice = 0.25;  // late requests can wait: their share counts less

  double step_ = 0;       // seconds
  double mean_work_ = 0;  // GPU seconds of a request
  double mean_gap_ = 0;   // seconds between arrivals that cannot wait
  TimePoint latest_{};
  int seen_ = 0;
};

}  // namespace regroup::elastic
