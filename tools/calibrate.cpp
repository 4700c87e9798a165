// regroup calibrate: measures this machine and writes what the simulator needs to know of it.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "core/errors.hpp"
#include "core/output_file.hpp"
#include "core/result_text.hpp"
#include "tools/compare/calibration.hpp"
#include "tools/table.hpp"
#include "tools/verbs.hpp"

namespace regroup::tools {
namespace {

struct CalibrateFlags {
  CalibrationPlan plan;
  std::string on = "host";
  std::string out;
};

std::string milliseconds(double seconds) { return fmt::format("{:.3f} ms", 1e3 * seconds); }
std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

void calibrate(CalibrateFlags f) {
  if (f.plan.shapes.empty()) f.plan.shapes = {"256x256", "512x512", "1024x1024"};
  const std::filesystem::path path(f.out);
  OutputFile file(path.has_parent_path() ? path.parent_path() : ".", path.filename().string());
  const MeasuredCalibration measured = calibrate_host(f.plan);
  file.write(measured.calibration.text());
  file.commit();

  std::vector<std::vector<std::string>> rows = {
      {"stage", "shape", "layout", "runs", "time", "held out: median error", "worst"}};
  for (const MeasuredCell& cell : measured.cells)
    rows.push_back({cell.stage, cell.shape, text_of(cell.layout), fmt::format("{}", cell.samples),
                    milliseconds(cell.seconds), percent(cell.held_out_median),
                    percent(cell.held_out_worst)});
  std::string barriers;
  for (const auto& [degree, seconds] : measured.barriers_s)
    barriers += fmt::format(", barrier of {} {:.2f} us", degree, 1e6 * seconds);
  fmt::print("{}\ndispatch {}, group set-up {}, migration {}{} (medians)\n{} written\n",
             aligned(rows, {0, 1, 2}), milliseconds(measured.dispatch_s),
             milliseconds(measured.setup_s), milliseconds(measured.migrate_s), barriers, f.out);
}

}  // namespace

void add_calibrate(CLI::App& program) {
  CLI::App* verb = program.add_subcommand(
      "calibrate", "Measures step times and overheads and writes a calibration file.");
  auto f = std::make_shared<CalibrateFlags>();
  verb->add_option("--on", f->on, "what to measure: host, threads of this machine that compute")
      ->check(CLI::IsMember({"host"}));
  verb->add_option("--out", f->out, "the calibration file to write")->required();
  verb->add_option("--model", f->plan.model, "for whose card (default FLUX.1-dev)");
  verb->add_option("--gpu", f->plan.gpu,
                   "the kind of GPU that this machine stands for in --cluster (default H100)");
  verb->add_option("--shape", f->plan.shapes,
                   "WIDTHxHEIGHT[xFRAMES], several times (default 256, 512 and 1024 square)")
      ->allow_extra_args(false);
  verb->add_option("--degree", f->plan.degrees, "group sizes, several times (default 1 and 2)")
      ->allow_extra_args(false);
  verb->add_option("--repeat", f->plan.repeat, "requests of each shape and degree (default 8)");
  verb->add_option("--steps", f->plan.steps, "denoising steps of each (default 6)")
      ->check(CLI::Range(1, 1000));
  verb->callback([f] { calibrate(*f); });
}

}  // namespace regroup::tools
