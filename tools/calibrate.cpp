// regroup calibrate: measures this machine and writes what the simulator needs to know of it.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "core/errors.hpp"
#include "core/output_file.hpp"
#include "core/result_text.hpp"
#include "runtime/devices/device_list.hpp"
#include "tools/compare/calibration.hpp"
#include "tools/gpu/gpu_bench.hpp"
#include "tools/table.hpp"
#include "tools/verbs.hpp"

namespace regroup::tools {
namespace {

struct CalibrateFlags {
  CalibrationPlan plan;
  std::string out, samples_out, exchanges_out;
};

std::string milliseconds(double seconds) { return fmt::format("{:.3f} ms", 1e3 * seconds); }

OutputFile output_file(const std::string& name) {
  const std::filesystem::path path(name);
  return OutputFile(path.has_parent_path() ? path.parent_path() : ".", path.filename().string());
}

void check_devices(const CalibrateFlags& f) {
  const bool cuda = f.plan.on == "cuda";
  const std::string& devices = f.plan.gpu_options.devices;
  if (cuda && devices.empty())
    fail<ConfigError>("--on cuda: add --devices, as gpu0,gpu1 or gpu0:8x16sm");
  if (!cuda && !f.exchanges_out.empty()) fail<ConfigError>("--exchanges-out is for --on cuda");
  if (f.plan.busy && devices.empty())
    fail<ConfigError>("--busy: add --devices for all the ranks that work, as host:4");
  if (devices.empty()) return;
  const bool gpus = devices::parse_device_list(devices).kind == devices::DeviceList::Kind::kCuda;
  if (gpus != cuda) fail<ConfigError>("--devices {} is not for --on {}", devices, f.plan.on);
}

void calibrate_and_show(CalibrateFlags f) {
  if (f.plan.shapes.empty()) f.plan.shapes = {"256x256", "512x512", "1024x1024"};
  check_devices(f);
  OutputFile file = output_file(f.out);
  const MeasuredCalibration measured = calibrate(f.plan);
  file.write(measured.calibration.text());
  file.commit();
  if (!f.samples_out.empty()) write_file(f.samples_out, samples_json(f.plan, measured));

  std::vector<std::vector<std::string>> rows = {
      {"stage", "shape", "layout", "runs", "time", "held out: median error", "worst"}};
  for (const MeasuredCell& cell : measured.cells)
    rows.push_back({cell.stage, cell.shape, text_of(cell.layout),
                    fmt::format("{}", cell.fitted.size() + cell.held_out.size()),
                    milliseconds(cell.seconds), percent(held_out(cell.errors).median),
                    percent(held_out(cell.errors).worst)});
  const HeldOut steps = held_out_steps(measured);
  std::string barriers;
  for (const auto& [degree, seconds] : measured.barriers_s)
    barriers += fmt::format(", barrier of {} {:.2f} us", degree, 1e6 * seconds);
  fmt::print(
      "{}\ndenoising steps held out of the fit: {}, error median {}, worst {}\n"
      "dispatch {}, group set-up {}, migration {}{} (medians)\n{} written\n",
      aligned(rows, {0, 1, 2}), steps.samples, percent(steps.median), percent(steps.worst),
      milliseconds(measured.dispatch_s), milliseconds(measured.setup_s),
      milliseconds(measured.migrate_s), barriers, f.out);
  if (f.exchanges_out.empty()) return;
  const Measured exchanges = measure_exchange_times(f.plan.gpu_options, {2, 4, 8});
  write_file(f.exchanges_out, exchanges.json);
  fmt::print("\n{}{} written\n", aligned(exchanges.rows), f.exchanges_out);
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
  verb->add_flag(
      "--busy", f->plan.busy,
      "all ranks of --devices work, in groups of one degree, rather than one group alone");
  verb->add_option(
      "--exchanges-out", f->exchanges_out,
      "cuda: measure collectives of 2, 4 and 8 ranks, puts and launches, too, into this "
      "JSON file");
  verb->add_option(
      "--samples-out", f->samples_out,
      "JSON file for every sample, which were held out of the fit, and its error on them");
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
