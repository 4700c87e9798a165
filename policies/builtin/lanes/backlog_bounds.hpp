// Which lanes can have the least left to do. Private to the built-in policies.
#pragma once

#include <set>
#include <utility>
#include <vector>

#include "regroup/policy/types.hpp"

namespace regroup {

// A lane that works gets nearer to its end by no more than the time that passes, so a bound that
// was true once ("not done before t") stays true until the lane is given or loses something. Lanes
// in order of their bounds are asked one by one until no other can have less: those whose bounds
// lie within a step of the least, where asking all of them would cost O(lanes).
class BacklogBounds {
 public:
  // One more lane, of which nothing is known yet.
  void add_lane() {
    changed_.push_back(bounds_.size());
    bounds_.push_back({.changed = true});
  }

  // What is known of the lane does not hold any more.
  void changed(std::size_t lane) {
    if (bounds_[lane].changed) return;
    bounds_[lane].changed = true;
    changed_.push_back(lane);
  }

  // For each lane that changed: bound(lane) -> TimePoint before which it will not be done, or
  // kNothing if it has nothing to do.
  template <class Bound>
  void renew(Bound bound) {
    for (const std::size_t lane : changed_) {
      forget(lane);
      Known& known = bounds_[lane];
      known = {.bound = bound(lane)};
      if (known.bound == kNothing)
        idle_.insert(lane);
      else
        busy_.emplace(known.bound, lane);
    }
    changed_.clear();
  }

  // The lane with the least backlog(lane) -> Duration, the first of several.
  template <class Backlog>
  std::size_t least(TimePoint now, Backlog backlog) const {
    std::size_t best = bounds_.size();
    Duration least = Duration::max();
    if (!idle_.empty()) {
      best = *idle_.begin();
      least = Duration::zero();
    }
    for (const auto& [bound, lane] : busy_) {
      if (bound - now > least) break;
      const Duration left = backlog(lane);
      if (left > least || (left == least && lane > best)) continue;
      best = lane;
      least = left;
    }
    return best;
  }

  static constexpr TimePoint kNothing = TimePoint::min();

 private:
  struct Known {
    TimePoint bound = kNothing;
    bool changed = false;
  };

  void forget(std::size_t lane) {
    idle_.erase(lane);
    busy_.erase({bounds_[lane].bound, lane});
  }

  std::vector<Known> bounds_;         // by lane
  std::vector<std::size_t> changed_;  // lanes to be asked anew
  std::set<std::size_t> idle_;        // those with nothing to do
  std::set<std::pair<TimePoint, std::size_t>> busy_;
};

}  // namespace regroup
