// The time of a denoising step from first principles: FLOPs at an achieved rate, floors for small
// shapes, and collectives.
#pragma once

#include <string>
#include <vector>

#include "models/card.hpp"
#include "models/collectives.hpp"
#include "models/gpu.hpp"

namespace regroup::models {

class Json;

// What one GPU of a group does in one step.
struct StepWork {
  double linear_flops = 0, attention_flops = 0;
  int blocks = 0;
  double weight_bytes = 0;  // read once
  int ulysses = 1, ring = 1, cfg = 1;
  double all_to_alls = 0;       // q, k, v and the output of every block
  double all_to_all_bytes = 0;  // of each: the GPU's share of the tokens of all passes, bf16
  double ring_hops = 0;         // transfers of keys and values to the neighbour
  double ring_bytes = 0;        // of each
  double exchange_bytes = 0;    // cfg: the model's output, once a step
};

// Shares are fractions of the sequence: uneven splits of a few tokens are not modelled.
StepWork step_work(const ModelCard& card, Shape shape, int forwards, Layout layout, int batch);

// Fitted to a few published rows (fit.hpp); models/data/analytic.json.
struct AnalyticConstants {
  struct Efficiency {
    std::string gpu;
    double linear = 0, attention = 0;  // achieved share of the dense bf16 rate
    std::string as;                    // not fitted: taken from this GPU
    double block_floor_s = 0;          // zero: the general one
  };
  std::vector<Efficiency> gpus;
  double block_floor_s = 0;   // a block never takes less: kernel launches, small kernels
  double hbm_efficiency = 0;  // achieved share of the memory rate
  Path pcie;                  // collectives of groups on PCIe

  static AnalyticConstants parse(const Json& json);
  // Throws ConfigError for a GPU that has none.
  const Efficiency& of(const GpuKind& gpu) const;
};

class AnalyticCosts {
 public:
  AnalyticCosts(const GpuKind& gpu, const AnalyticConstants& constants, Collectives collectives);

  // max(FLOPs at achieved rates, block floors, reading the weights) + collectives; what of a ring
  // hop the attention of that hop hides is free.
  double step(const StepWork& work) const;
  // The last term alone.
  double communication(const StepWork& work) const;

 private:
  double linear_rate_, attention_rate_, hbm_rate_, block_floor_s_;
  Collectives collectives_;
};

}  // namespace regroup::models
