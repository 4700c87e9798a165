// Nobody waits for ever: a share of the cluster belongs to those who have waited too long.
#pragma once

#include <algorithm>

#include "regroup/policy/types.hpp"

namespace regroup::elastic {

// Credit grows by `share` of the cluster's GPU seconds while somebody is due; a request is promoted
// once the credit covers its work, in the order in which they fell due.
//
// Bound: a request falls due at arrival + starvation x its own length. It is promoted no later than
// W / (share x GPUs) after that, W being the work, on the narrowest group, of the unfinished
// requests that fell due before, and its own. No later arrival can make it wait longer.
class Ageing {
 public:
  explicit Ageing(double share) : share_(share) {}

  // Time goes on to `now`; `due`: somebody waits too long.
  void advance(TimePoint now, int gpus, bool due) {
    credit_ = due && was_due_ ? credit_ + share_ * gpus * to_seconds(now - at_) : 0;
    was_due_ = due;
    at_ = now;
  }
  bool afford(double gpu_seconds) {
    if (credit_ < gpu_seconds) return false;
    credit_ -= gpu_seconds;
    return true;
  }
  // Seconds until the credit covers that much.
  double wait(double gpu_seconds, int gpus) const {
    return std::max(0.0, gpu_seconds - credit_) / (share_ * std::max(1, gpus));
  }

 private:
  double share_;
  double credit_ = 0;  // GPU seconds
  bool was_due_ = false;
  TimePoint at_{};
};

}  // namespace regroup::elastic
