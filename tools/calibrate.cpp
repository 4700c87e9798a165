// regroup calibrate: measures this machine and writes what the simulator needs to know of it.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "core/errors.hpp"
#include "core/output_file.hpp"
#include "core/result_text.hpp"
#include "tools/compare/calibration.hpp"
#include "tools/gpu/gpu_bench.hpp"
#include "tools/table.hpp"
#include "tools/verbs.hpp"

namespace regroup::tools {
namespace {

struct CalibrateFlags {
  CalibrationPlan plan;
  std::string out, exchanges_out;
};

std::string milliseconds(double seconds) { return fmt::format("{:.3f} ms", 1e3 * seconds); }
std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

OutputFile output_file(const std::string& name) {
  const std::filesystem::path path(name);
  return OutputFile(path.has_parent_path() ? path.parent_path() : ".", path.filename().string());
}

void calibrate_and_show(CalibrateFlags f) {
  const bool cuda = f.plan.on == "cuda";
  if (f.plan.shapes.empty()) f.plan.shapes = {"256x256", "512x512", "1024x1024"};
  if (cuda && f.plan.gpu_options.devices.empty())
    fail<ConfigError>("--on cuda: add --devices, as gpu0,gpu1 or gpu0:8x16sm");
  if (!cuda && (f.plan.busy || !f.exchanges_out.empty() || !f.plan.gpu_options.devices.empty()))
    fail<ConfigError>("--busy, --devices and --exchanges-out are for --on cuda");
  OutputFile file = output_file(f.out);
  const MeasuredCalibration measured = calibrate(f.plan);
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
  if (!cuda) return;
  const Measured exchanges = measure_exchange_times(f.plan.gpu_options, f.plan.degrees);
  fmt::print("\n{}", aligned(exchanges.rows));
  if (f.exchanges_out.empty()) return;
  OutputFile json = output_file(f.exchanges_out);
  json.write(exchanges.json);
  json.commit();
  fmt::print("{} written\n", f.exchanges_out);
}

}  // namespace

void add_calibrate(CLI::App& program) {
  CLI::App* verb = program.add_subcommand(
      "calibrate", "Measures step times and overheads and writes a calibration file.");
  auto f = std::make_shared<CalibrateFlags>();
  verb->add_option("--on", f->plan.on,
                   "what to measure: host (threads of this machine, which compute small "
                   "transformers; default) or cuda (GPUs, which compute the model; see --devices)")
      ->check(CLI::IsMember({"host", "cuda"}));
  add_gpu_flags(*verb, f->plan.gpu_options);
  verb->add_flag("--busy", f->plan.busy,
                 "cuda: all ranks work, in groups of one degree, rather than one group alone");
  verb->add_option("--exchanges-out", f->exchanges_out,
                   "cuda: file for the times of collectives, puts and launches, as JSON");
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
  verb->callback([f] { calibrate_and_show(*f); });
}

}  // namespace regroup::tools
