// What a run took, against what a cost model says of it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "models/platform.hpp"
#include "tools/result_folder.hpp"
#include "traces/record.hpp"

namespace regroup::tools {

// One entry of the cost model: what one step, or the whole of another stage, takes.
struct Cell {
  std::string model;
  Shape shape{};
  int forwards = 1;  // forward passes in a step: 2 with classifier-free guidance
  std::string stage;
  bool denoise = false;
  Layout layout{};
  friend auto operator<=>(const Cell&, const Cell&) = default;
};
// "FLUX.1-dev 1024x1024, denoise on 4 GPUs (cfg1.u4.r1)"
std::string text_of(const Cell& cell);

// How wrong it was. Errors are measured / predicted - 1: positive where the run took longer.
struct CellError {
  Cell cell;
  double single_s = 0;  // predicted for one step of one request alone
  std::string source;   // of the prediction: "calibrated", "calibrated, scaled", "analytic", ...
  std::int64_t runs = 0, steps = 0;
  double predicted_s = 0, measured_s = 0;  // of all these steps together
  double worst = 0;                        // the error of the run that is furthest off
  double error() const { return measured_s / predicted_s - 1; }
};

// A part of a run that comes before its first step.
struct OverheadError {
  std::int64_t runs = 0;                   // that have it
  double predicted_s = 0, measured_s = 0;  // of all of them together
};

struct StepErrors {
  std::vector<CellError> cells;  // by |measured - predicted| to the microsecond, largest first
  OverheadError dispatch, setup, migrate;
  double predicted_s = 0, measured_s = 0;  // of all denoising steps together
  std::int64_t runs = 0;
  // Runs whose own expectation, written when they were launched, is more than 0.1 % from this cost
  // model's: the run had other costs in hand.
  std::int64_t expected_otherwise = 0;

  double error() const { return measured_s / predicted_s - 1; }
  // The cell of denoising steps with the largest |error|; nullptr without one.
  const CellError* worst_step() const;
};

// `tasks` by run, see read_tasks; `requests` are those they are of. Runs that failed are left out:
// their last step was cut off. The platform remembers what it is asked. Throws ConfigError for a
// task of an unknown request or stage.
StepErrors step_errors(std::span<const TaskRow> tasks, std::span<const traces::Record> requests,
                       models::Platform& platform);

}  // namespace regroup::tools
