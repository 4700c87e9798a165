// The least GPU time that a stage of a request needs, by how long it may take.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/catalog.hpp"

namespace regroup::tools {

// One way to do the whole stage: on one layout from its first step to its last.
struct Mode {
  Duration time{};      // it takes so long
  Duration gpu_time{};  // and so much of the GPUs: GPUs times time, shared evenly by a batch
};

// A stage that changes its layout between steps does a share of it in each mode, so what it takes
// and uses is an average of modes: never below their lower convex hull, which this keeps.
class StageWork {
 public:
  // No mode at all: the stage cannot run.
  explicit StageWork(std::vector<Mode> modes);

  bool possible() const { return !hull_.empty(); }
  // Of a possible stage.
  Duration fastest() const { return hull_.front().time; }
  // For a stage that takes at most `window`, which is at least fastest(). Rounded down.
  Duration least_gpu_time(Duration window) const;
  // The most GPUs that it ever has any use for: more finish it no sooner, and use no less of them.
  double most_gpus() const;

 private:
  std::vector<Mode> hull_;  // longer and longer, cheaper and cheaper, each time by less
};

// What the modes of a request's stage depend on, beside the stage.
struct WorkQuery {
  ModelId model{};
  ShapeId shape{};
  int steps = 1;
  int max_batch = 1;    // batches of up to so many
  double slowness = 1;  // times are so many times the cost model's, at least
};

// Every layout that the model can have, on groups of the whole cluster, in every batch that fits
// the memory of an idle GPU. Dispatch, group set-up and migration are left out. Whole nanoseconds a
// step, as in a run.
StageWork stage_work(const Catalog& catalog, std::size_t stage, const WorkQuery& query);

}  // namespace regroup::tools
