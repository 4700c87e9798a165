// What elastic remembers of a task.
#pragma once

#include <algorithm>
#include <limits>

#include "policies/builtin/elastic/curve.hpp"
#include "regroup/policy/deadline_order.hpp"

namespace regroup::elastic {

inline constexpr double kForEver = 1e300;  // seconds
inline constexpr std::size_t kLate = std::numeric_limits<std::size_t>::max();

// A plan reads the first cache line of every live task, and the second of every run.
struct alignas(64) Job {
  DeadlineOrder order{};  // as it stands among the live
  const Curve* curve = nullptr;
  double until_boundary = 0;  // seconds until its GPUs can change
  int steps = 0;              // left, at its next boundary
  bool live : 1 = false;
  bool denoise : 1 = false;
  bool running : 1 = false;
  bool leaving : 1 = false;   // runs, and stops at its boundary
  bool saved : 1 = false;     // meets its deadline by the latest plan, or was promoted
  bool promoted : 1 = false;  // waited too long: comes before all others, and is not stopped
  bool reserved : 1 = false;  // waits for GPUs that come together on `node`

  int width = 0;           // planned in this call; of a run: what it has, or will have
  int held = 0;            // running: how many GPUs
  NodeId node{};           // running or reserved: where
  TimePoint boundary{};    // running: what is known of it holds until then; see Ledger::at
  std::uint64_t call = 0;  // running: the latest in which it was looked at
  TimePoint due{};         // from then on it has waited too long; see Ageing
  double rank = 0;         // among those that wait and are not saved, larger is sooner
  RequestId request{};
  Group group{};  // ready: planned in this call

  bool movable() const { return running && denoise; }
  // Seconds from now to the end of the request, with that width from the boundary on.
  double left(std::size_t w, double margin = 0) const {
    return std::max(until_boundary + curve->left(w, steps) * (1 + margin), 1e-6);
  }
  double left_with(int gpus) const { return left(curve->within(gpus)); }
  // GPU seconds.
  double area(std::size_t w) const { return left(w) * curve->gpus[w]; }
  // GPUs that index stands for now: a stage before denoising cannot be as wide.
  int gpus(std::size_t w) const { return std::min<int>(curve->gpus[w], curve->widest_now); }

  // Seconds from `now` to the deadline.
  double until_deadline(TimePoint now) const {
    return order.deadline == kNever ? kForEver : to_seconds(order.deadline - now);
  }
  // Index of the narrowest width in time; kLate if there is none, or no deadline. The margin
  // decides between widths only: who can be in time by the prediction itself is not given up.
  std::size_t need(TimePoint now, double margin) const {
    if (order.deadline == kNever) return kLate;
    constexpr double kRounding = 1e-6;
    const double until = until_deadline(now) + kRounding;
    for (std::size_t w = 0; w < curve->widths; ++w)
      if (left(w, margin) <= until) return w;
    return left(curve->widths - 1) <= until ? curve->widths - 1 : kLate;
  }
};

}  // namespace regroup::elastic
