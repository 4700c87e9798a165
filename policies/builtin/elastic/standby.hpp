// How many GPUs to keep idle for requests that cannot wait for a step boundary.
#pragma once

#include <algorithm>
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
    asked_ = 0;
    if (slack < 0 || slack > step_) return;
    const double gap = to_seconds(now - latest_);
    if (seen_++ > 0) mean_gap_ += (gap - mean_gap_) * (seen_ == 2 ? 1 : kSmoothing);
    latest_ = now;
  }

  // Steps of that length are begun: what a newcomer may have to wait for.
  void steps(double seconds) {
    step_ += (seconds - step_) * kSmoothing;
    asked_ = 0;
  }

  // Saved requests a second that the n-th idle GPU is worth, n from 1. O(1) if asked for the same
  // again, else O(n).
  double worth(TimePoint now, int n) {
    if (now != asked_at_ || n != asked_) {
      asked_at_ = now;
      asked_ = n;
      answer_ = 0;
      if (seen_ >= 3) {
        Arrivals arrivals(rate(now) * step_);
        while (arrivals.count() < n - 1) arrivals.next();
        answer_ = rate(now) * arrivals.chance();
      }
    }
    return answer_;
  }

  // How many are worth more than a GPU makes of an average request, within reason. O(as many).
  int count(TimePoint now, int limit) const {
    if (seen_ < 3) return 0;
    int n = 0;
    for (Arrivals arrivals(rate(now) * step_);
         n < limit && rate(now) * arrivals.chance() * mean_work_ > kPrice; arrivals.next())
      ++n;
    return n;
  }

 private:
  static constexpr double kSmoothing = 0.1;
  static constexpr double kPrice = 0.25;  // late requests can wait: their share counts less

  // The chance that at least count() requests arrive, for a count of 0, 1, ... (Poisson).
  class Arrivals {
   public:
    explicit Arrivals(double mean)
        : mean_(mean),
          term_(mean < kMost ? std::exp(-mean) : 1),
          log_(mean < kMost ? 0 : -mean),
          scale_(std::exp(log_)) {}
    int count() const { return count_; }
    double chance() const { return std::max(0.0, 1 - below_); }
    void next() {
      below_ += term_ * scale_;
      term_ *= mean_ / ++count_;
      if (log_ == 0 || term_ < kLarge) return;
      term_ /= kLarge;
      log_ += std::log(kLarge);
      scale_ = std::exp(log_);
    }

   private:
    // The first terms of a larger mean are too small for a double: they get a factor, exp(log_).
    static constexpr double kMost = 700, kLarge = 1e100;
    double mean_, term_, log_, scale_;
    double below_ = 0;
    int count_ = 0;
  };

  double rate(TimePoint now) const {
    return 1 / std::max({mean_gap_, to_seconds(now - latest_) / 2, 1e-6});
  }

  double step_ = 0;       // seconds
  double mean_work_ = 0;  // GPU seconds of a request
  double mean_gap_ = 0;   // seconds between arrivals that cannot wait
  TimePoint latest_{};
  int seen_ = 0;
  TimePoint asked_at_ = kNever;  // worth()
  int asked_ = 0;                // 0: nothing is known
  double answer_ = 0;
};

}  // namespace regroup::elastic
