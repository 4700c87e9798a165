// Measured times, as files hold them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "regroup/policy/types.hpp"

namespace regroup::models {

class Json;

// One measured step time.
struct CalibrationStep {
  // kTable: predictions use it. kAnchor: and the analytic rates are fitted to it. kFloor: and the
  // floor of small shapes is. kCheck: only compared with (another measurement of a cell that the
  // table has, or of another release).
  enum class Use { kTable, kAnchor, kFloor, kCheck };

  Shape shape{};
  Layout layout{};
  int forwards = 1;  // forward passes in the step: 2 with classifier-free guidance
  double seconds = 0;
  Use use = Use::kTable;
};

// One measured encode, decode or other stage, on one GPU.
struct CalibrationStage {
  std::string stage;
  Shape shape{};
  double seconds = 0;
};

// A "regroup-calibration" file: one model on one kind of GPU from one source.
struct Calibration {
  std::string model, gpu;
  std::string source;      // who measured; where it was published
  std::string derivation;  // how a step time follows from what was published
  std::vector<CalibrationStep> steps;
  std::vector<CalibrationStage> stages;
  std::optional<double> group_setup_s, dispatch_s;  // instead of models/data/overheads.json

  // Throws ConfigError naming file and key. Model and GPU names are not checked here.
  static Calibration parse(const Json& json);
  // The text of a file that parse() reads back. Seconds keep 9 digits.
  std::string text() const;
};

}  // namespace regroup::models
