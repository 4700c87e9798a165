// Measures a backend and turns what it sees into a calibration file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/calibration.hpp"
#include "tools/gpu/gpu_options.hpp"

namespace regroup::tools {

struct CalibrationPlan {
  std::string on = "host";  // or "cuda", with `gpu_options`
  GpuOptions gpu_options;   // devices: as many ranks as the widest degree, at least; host: if busy
  bool busy = false;        // all ranks work, in groups of one degree; else one group alone
  std::string model = "FLUX.1-dev";
  std::string gpu = "H100";         // what the measured machine stands for
  std::vector<std::string> shapes;  // "256x256"
  std::vector<int> degrees = {1, 2};
  int repeat = 8;  // requests of each shape and degree; half of them are held out of the fit
  int steps = 6;   // of each request
};

// One (stage, shape, layout): what was measured, the fit's median and how far the runs that were
// held out of it are from it. A sample is one run: the mean of its steps, or the whole of another
// stage; seconds.
struct MeasuredCell {
  std::string stage;
  bool denoise = false;
  std::string shape;
  Layout layout{};
  std::vector<double> fitted, held_out;  // samples
  double seconds = 0;                    // the median of `fitted`
  std::vector<double> errors;            // of `seconds`, relative, for each that was held out
};

struct MeasuredCalibration {
  models::Calibration calibration;
  std::vector<MeasuredCell> cells;
  double dispatch_s = 0, setup_s = 0, migrate_s = 0;  // medians
  std::vector<std::pair<int, double>>
      barriers_s;  // host, by degree, from 2 on: median of one barrier
};

// The relative errors of all denoising steps that were held out, together.
struct HeldOut {
  std::size_t samples = 0;
  double median = 0, worst = 0;
};
HeldOut held_out(const std::vector<double>& errors);
HeldOut held_out_steps(const MeasuredCalibration& measured);

// Everything that was measured, for programs: {"format": "regroup-calibration-samples", "version":
// 1, ...}; times in seconds, errors as shares.
std::string samples_json(const CalibrationPlan& plan, const MeasuredCalibration& measured);

// Runs requests that are really computed: on threads of this machine the small transformers of
// runtime/dit, on GPUs the model itself. Throws ConfigError for a plan that cannot be carried out.
MeasuredCalibration calibrate(const CalibrationPlan& plan);

}  // namespace regroup::tools
