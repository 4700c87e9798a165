// What a policy knows about one piece of work.
#pragma once

#include <memory_resource>
#include <set>

#include "regroup/policy/types.hpp"

namespace regroup {

// The next runnable piece of one request: a stage of its model, and for a denoise stage the steps
// that are left of it. The host owns tasks; each stays where it is until a call has told of its
// end, or of that of its request.
struct Task {
  TaskId id{};  // kept from the moment the stage becomes ready until it is done
  RequestId request{};
  // Small and dense: index your own arrays by it. Used again once a call has told of the task's
  // end, so that no two tasks of one call have the same.
  std::uint32_t slot = 0;
  ModelId model{};
  ShapeId shape_id{};
  ClassId request_class{};
  std::uint8_t stage = 0;  // index in the model's stage graph
  StageKind kind = StageKind::kDenoise;
  bool running = false;
  bool preempting = false;  // running, and told to stop at its next step boundary

  Shape shape{};
  std::int32_t priority = 0;       // larger is more important
  std::int32_t denoise_steps = 1;  // of the request, whatever this task's stage is
  std::int32_t steps_total = 1;
  std::int32_t steps_done =
      0;  // at the last boundary the host was told of; see ClusterView::progress

  TimePoint arrival{};          // of the request
  TimePoint deadline = kNever;  // of the request
  TimePoint ready_since{};      // when it last became ready

  RunId run{};  // running: the launched placement it belongs to

  // Those worth considering: one for each size, ascending, never empty. The model may be able to
  // have others of the same size; they may be placed too. Valid throughout the run.
  std::span<const Layout> layouts{};
  Layout layout{};  // of `group`
  Group group{};    // running: where. Ready: where its state lies (empty: nothing to move)

  constexpr int steps_left() const { return steps_total - steps_done; }
  // The widest of `layouts` of at most `gpus` GPUs (the narrowest one if none is that narrow).
  constexpr Layout widest(int gpus) const {
    Layout best = layouts.front();
    for (const Layout each : layouts)
      if (each.size() <= gpus) best = each;
    return best;
  }
};

// Earliest arrival first, then trace order, then stage: the order in which the host shows tasks.
struct ByArrival {
  bool operator()(const Task* a, const Task* b) const {
    if (a->arrival != b->arrival) return a->arrival < b->arrival;
    if (a->request != b->request) return a->request < b->request;
    return a->stage < b->stage;
  }
};
using TaskSet = std::pmr::set<const Task*, ByArrival>;

}  // namespace regroup
