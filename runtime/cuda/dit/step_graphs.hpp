// All steps that one rank can be asked for: a program for each kind, and a CUDA graph of it.
#pragma once

#include <deque>
#include <string>

#include "runtime/cuda/dit/step_program.hpp"
#include "runtime/cuda/gpu/graph.hpp"

namespace regroup::cuda {

// What results say about it.
struct StepGraphStats {
  int programs = 0;
  int graphs = 0;         // of these
  std::size_t nodes = 0;  // of all graphs
  double seconds = 0;     // to record and instantiate them
  std::string refusal;    // why the first program without a graph has none; empty if none tried
};

// Of one rank, used by its thread. Filled before arming; what the steps were made with must outlive
// it. One graph serves every group, member and request of its kind (StepParameters).
class StepGraphs {
 public:
  // kEager where it is wished, and where exchanges cannot be captured: in other sync modes than
  // spin, and with NCCL. A program whose graph cannot be recorded is run eagerly, too.
  enum class Mode { kGraphs, kEager };
  StepGraphs(const RankResources& resources, cudaStream_t stream, Mode mode)
      : resources_(resources), stream_(stream), mode_(mode) {}

  // Throws what StepProgram throws. A second time the same: nothing.
  void add(const DeviceModel& model, const StepVariant& variant);

  // Allocate nothing. InternalError for one that was not added.
  const StepProgram& program(const DeviceModel& model, const StepVariant& variant) const {
    return step(model, variant).program;
  }
  // Enqueues the step, whose state and parameters are enqueued before.
  void run(const DeviceModel& model, const StepVariant& variant) const;

  const StepGraphStats& stats() const { return stats_; }

 private:
  struct Step {
    const DeviceModel* model;
    StepProgram program;
    Graph graph;  // empty: run the program
  };
  const Step* find(const DeviceModel& model, const StepVariant& variant) const;
  const Step& step(const DeviceModel& model, const StepVariant& variant) const;
  void record(Step& step);

  RankResources resources_;
  cudaStream_t stream_;
  Mode mode_;
  std::deque<Step> steps_;  // which do not move
  StepGraphStats stats_;
};

}  // namespace regroup::cuda
