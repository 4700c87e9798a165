// Sets the analytic constants from a few published rows, and says how well they do on the others.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/library.hpp"

namespace regroup::models {

// models/data/analytic.json as it follows from the rows with "use": "anchor" and "floor". For each
// GPU with anchors, least squares of the relative error in
//   seconds = linear FLOPs / (peak x linear) + attention FLOPs / (peak x attention)
//             [+ all-to-alls x latency + bytes sent / bandwidth, for GPUs on PCIe]
// and the floor of a block is the mean of seconds / blocks over its rows. Other GPUs keep what they
// take from another one.
AnalyticConstants fit_analytic(const Library& library);

// One published step time, and what was predicted without it. Errors are predicted / published - 1.
struct StepError {
  std::string model, gpu;
  CalibrationStep step;
  std::optional<double> analytic;  // not of a row that the constants were fitted to
  std::optional<double> left_out;  // from the other rows of model and GPU; not if there are none
};
std::vector<StepError> step_errors(const Library& library);

// The table of models/README.md.
std::string error_table(const std::vector<StepError>& errors);

// The middle of the absolute values, the mean of the two middle ones if they are even in number.
// There must be one.
double median_absolute(std::vector<double> errors);

}  // namespace regroup::models
