// regroup trace: makes, imports and describes traces.
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>

#include "core/errors.hpp"
#include "models/platform.hpp"
#include "tools/run_flags.hpp"
#include "tools/table.hpp"
#include "tools/verbs.hpp"
#include "traces/generate.hpp"
#include "traces/import.hpp"
#include "traces/stats.hpp"
#include "traces/writer.hpp"

namespace regroup::tools {
namespace {

std::unique_ptr<models::Platform> platform_of(const std::string& cluster,
                                              const std::vector<std::string>& calibrations) {
  models::PlatformOptions options;
  options.cluster = cluster;
  options.calibrations.assign(calibrations.begin(), calibrations.end());
  return std::make_unique<models::Platform>(options);
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// To a file, or to standard output where none is named.
void write_records(traces::Reader& reader, const std::string& path, const std::string& comment) {
  if (path.empty()) {
    traces::CsvWriter writer(std::cout, comment);
    copy(reader, writer);
    return;
  }
  try {
    std::ofstream file(path, std::ios::binary);
    if (!file) fail<SystemError>("cannot be written: {}", std::strerror(errno));
    traces::CsvWriter writer(file, comment);
    const std::uint64_t count = copy(reader, writer);
    file.close();
    if (!file) fail<SystemError>("writing failed: {}", std::strerror(errno));
    fmt::print(stderr, "{} requests in {}\n", count, path);
  } catch (...) {
    // Half a trace must not be taken for a whole one.
    if (std::filesystem::is_regular_file(path)) std::filesystem::remove(path);
    throw;
  }
}

struct GenerateFlags {
  std::string workload = "tetriserve-uniform";
  std::string mix;
  std::string process = "poisson";
  double per_minute = 12;
  double cv = 1;
  std::uint64_t count = 0;
  double span_s = 0;
  std::uint64_t seed = 0;
  int steps = 0;
  int gpus = 8;
  double rate_scale = 1;
  double target_load = 0;
  std::vector<double> alphas;
  bool no_deadlines = false;
  std::string cluster = "8xH100";
  std::vector<std::string> calibrations;
  std::string out;
};

// The command that was given, without the file it writes: the trace says how it was made.
std::string command_of(const CLI::App& verb) {
  std::string text = "regroup trace " + verb.get_name();
  for (const CLI::Option* option : verb.get_options()) {
    const std::string name = option->get_name();
    if (option->count() == 0 || name == "--out") continue;
    if (name.starts_with("-")) text += " " + name;
    if (option->get_items_expected() == 0) continue;  // a flag
    for (const std::string& value : option->results())
      text +=
          " " + (name.starts_with("-") ? value : std::filesystem::path(value).filename().string());
  }
  return text;
}

// Refuses flags that the workload would ignore.
void expect_unused(const CLI::App& verb, const std::string& workload,
                   std::initializer_list<const char*> flags) {
  for (const char* flag : flags)
    if (verb.count(flag) > 0)
      fail<ConfigError>("{} has no effect on --workload {}", flag, workload);
}

void generate_gfdit_profile(const GenerateFlags& f, const std::string& command) {
  traces::GfDitOptions options;
  options.profile = f.workload.substr(f.workload.find('-') + 1);
  if (!f.mix.empty()) options.mix = f.mix;
  options.seed = f.seed;
  options.gpus = f.gpus;
  options.rate_scale = f.rate_scale;
  if (f.target_load > 0) options.target_load = f.target_load;
  if (!f.alphas.empty()) {
    if (f.alphas.size() != 3) fail<ConfigError>("--alphas: three numbers, for classes S, M and L");
    std::ranges::copy(f.alphas, options.alphas.begin());
  }
  if (f.steps > 0) options.steps = f.steps;
  std::unique_ptr<models::Platform> platform;
  if (!f.no_deadlines || f.target_load > 0) platform = platform_of(f.cluster, f.calibrations);
  auto records = traces::generate_gfdit(options, platform.get());
  if (f.no_deadlines)
    for (traces::Record& record : records) record.deadline.reset();
  const auto reader = traces::list_reader(std::move(records), f.workload);
  write_records(*reader, f.out, command);
}

void generate(const GenerateFlags& f, const CLI::App& verb) {
  const std::string command = command_of(verb);
  if (f.workload.starts_with("gfdit-")) {
    expect_unused(verb, f.workload, {"--per-minute", "--count", "--span", "--process", "--cv"});
    return generate_gfdit_profile(f, command);
  }
  expect_unused(
      verb, f.workload,
      {"--gpus", "--target-load", "--alphas", "--no-deadlines", "--cluster", "--calibration"});

  traces::ArrivalOptions options;
  if (f.workload == "tetriserve-uniform" || f.workload == "tetriserve-skewed") {
    options = traces::tetriserve_workload(f.workload == "tetriserve-skewed");
    expect_unused(verb, f.workload, {"--mix"});
  } else if (f.workload == "mix") {
    if (f.mix.empty())
      fail<ConfigError>("--workload mix needs --mix: {}, or MODEL:WxH[xF]:STEPS[:WEIGHT],...",
                        joined(traces::mix_names()));
    options.mix = traces::parse_mix(f.mix);
  } else {
    fail<ConfigError>(
        "--workload {}: expected tetriserve-uniform, tetriserve-skewed, mix, or gfdit- with one of "
        "{}",
        f.workload, joined(traces::gfdit_profiles()));
  }
  using Process = traces::ArrivalProcess;
  options.process = f.process == "constant" ? Process::kConstant
                    : f.process == "gamma"  ? Process::kGamma
                                            : Process::kPoisson;
  options.per_minute = f.per_minute * f.rate_scale;
  options.cv = f.cv;
  if (f.count > 0 || f.span_s > 0) options.count = f.count;
  options.span = from_seconds(f.span_s);
  options.seed = f.seed;
  if (f.steps > 0) options.steps = f.steps;
  const auto reader = traces::generate(options);
  write_records(*reader, f.out, command);
}

void add_generate(CLI::App& trace) {
  CLI::App* verb = trace.add_subcommand("generate", "Makes a trace by a published recipe.");
  auto f = std::make_shared<GenerateFlags>();
  verb->add_option("--workload", f->workload,
                   "tetriserve-uniform (default), tetriserve-skewed, gfdit-PROFILE (" +
                       joined(traces::gfdit_profiles()) + "), or mix");
  verb->add_option("--mix", f->mix,
                   "shapes: " + joined(traces::mix_names()) +
                       ", or MODEL:WxH[xF]:STEPS[:WEIGHT],... (gfdit: gfdit-wan or gfdit-qwen)");
  verb->add_option("--process", f->process, "arrivals: poisson (default), constant or gamma")
      ->check(CLI::IsMember({"poisson", "constant", "gamma"}));
  verb->add_option("--per-minute", f->per_minute, "requests a minute (default 12)")
      ->check(above_zero());
  verb->add_option("--cv", f->cv, "gamma: coefficient of variation of the gaps");
  verb->add_option("--count", f->count, "how many requests (tetriserve: default 300)");
  verb->add_option("--span", f->span_s, "seconds of arrivals, instead of or beside --count");
  verb->add_option("--seed", f->seed, "default 0");
  verb->add_option("--steps", f->steps, "denoising steps, instead of the recipe's");
  verb->add_option("--gpus", f->gpus,
                   "gfdit: rates are for 8 GPUs and scale with this (default 8)");
  verb->add_option("--rate-scale", f->rate_scale, "factor on all rates (default 1)")
      ->check(above_zero());
  verb->add_option("--target-load", f->target_load,
                   "gfdit: scale rates to this share of what --gpus GPUs can do");
  verb->add_option("--alphas", f->alphas, "gfdit: deadline factors of S, M, L (default 1.5 2 6)")
      ->expected(3);
  verb->add_flag("--no-deadlines", f->no_deadlines, "gfdit: leave them to replay --slo");
  verb->add_option("--cluster", f->cluster, "gfdit: whose GPU times set deadlines and load");
  verb->add_option("--calibration", f->calibrations, "gfdit: calibration file or folder")
      ->allow_extra_args(false);
  verb->add_option("-o,--out", f->out, "file to write (default: standard output)");
  verb->callback([f, verb] { generate(*f, *verb); });
}

// Divides arrivals by a factor and stops after a number of records.
class Scaled final : public traces::Reader {
 public:
  Scaled(std::unique_ptr<traces::Reader> inner, double rate, std::uint64_t limit)
      : inner_(std::move(inner)), rate_(rate), limit_(limit) {}
  bool next(traces::Record& record) override {
    if (limit_ != 0 && given_ == limit_) return false;
    if (!inner_->next(record)) return false;
    ++given_;
    const TimePoint arrival(from_seconds(to_seconds(record.arrival) / rate_));
    if (record.deadline) *record.deadline += arrival - record.arrival;
    record.arrival = arrival;
    return true;
  }
  std::string where(const traces::Record& record) const override { return inner_->where(record); }

 private:
  std::unique_ptr<traces::Reader> inner_;
  double rate_;
  std::uint64_t limit_;
  std::uint64_t given_ = 0;
};

struct ImportFlags {
  std::string from;
  std::string file;
  std::string mix;
  std::string model;
  std::uint64_t seed = 0;
  std::uint64_t limit = 0;
  double rate_scale = 1;
  int steps = 0;
  std::string out;
};

void import(const ImportFlags& f, const CLI::App& verb) {
  traces::ImportOptions options;
  options.open.default_model = f.model;
  if (!f.mix.empty()) {
    options.mix = traces::parse_mix(f.mix);
    if (!f.model.empty())
      for (traces::MixEntry& entry : options.mix) entry.model = f.model;
  }
  options.seed = f.seed;
  if (f.steps > 0) options.steps = f.steps;
  Scaled reader(traces::open_import(f.from, f.file, options), f.rate_scale, f.limit);
  write_records(reader, f.out, command_of(verb));
}

void add_import(CLI::App& trace) {
  CLI::App* verb = trace.add_subcommand("import", "Turns a foreign trace into ours.");
  auto f = std::make_shared<ImportFlags>();
  verb->add_option("FILE", f->file, "the foreign trace")->required();
  verb->add_option("--from", f->from, "its kind: " + joined(traces::import_kinds()))->required();
  verb->add_option("--mix", f->mix,
                   "azure, mooncake: the shapes to draw from: " + joined(traces::mix_names()) +
                       ", or MODEL:WxH[xF]:STEPS[:WEIGHT],...");
  verb->add_option("--model", f->model, "the model of every request");
  verb->add_option("--seed", f->seed, "of the draws (default 0)");
  verb->add_option("--limit", f->limit, "only the first N requests")->check(above_zero());
  verb->add_option("--rate-scale", f->rate_scale, "2: requests arrive twice as fast (default 1)")
      ->check(above_zero());
  verb->add_option("--steps", f->steps, "denoising steps, instead of the mix's or trace's");
  verb->add_option("-o,--out", f->out, "file to write (default: standard output)");
  verb->callback([f, verb] { import(*f, *verb); });
}

void stats(const std::string& file, const std::string& model, const std::string& cluster,
           const std::vector<std::string>& calibrations) {
  const auto platform =
      cluster.empty() ? std::unique_ptr<models::Platform>() : platform_of(cluster, calibrations);
  const auto reader = traces::open_trace(file, {model});
  const traces::TraceStats s = traces::measure(*reader, platform.get());
  fmt::print("requests       {}\n", s.requests);
  fmt::print("with deadline  {}\n", s.with_deadline);
  fmt::print("span           {:.3f} s\n", to_seconds(s.span()));
  fmt::print("rate           {:.4f} /s\n", s.rate_per_s);
  fmt::print("gaps           mean {:.4f} s, CV {:.3f}\n", s.gap_mean_s, s.gap_cv);
  if (s.work_gpu_s) {
    const double gpus = static_cast<double>(platform->gpus().size());
    fmt::print("work           {:.1f} GPU-seconds at degree 1\n", *s.work_gpu_s);
    fmt::print("offered load   {:.2f} GPUs, {:.0f} % of {}\n", *s.offered_load_gpus,
               100 * *s.offered_load_gpus / gpus, cluster);
  }
  const auto share = [&](std::uint64_t n) {
    return fmt::format("{:.1f} %",
                       100.0 * static_cast<double>(n) / static_cast<double>(s.requests));
  };
  std::vector<std::vector<std::string>> rows = {{"", "requests", "share"}};
  const auto add = [&](const std::string& name, std::uint64_t n) {
    rows.push_back({name, fmt::format("{}", n), share(n)});
  };
  for (const auto& [name, n] : s.by_model) add("model " + name, n);
  for (const auto& [name, n] : s.by_class) add("class " + (name.empty() ? "(none)" : name), n);
  for (const auto& [shape, n] : s.by_shape) add("shape " + traces::shape_name(shape), n);
  for (const auto& [steps, n] : s.by_steps) add(fmt::format("steps {}", steps), n);
  if (s.requests > 0) fmt::print("\n{}", aligned(rows));
}

void add_stats(CLI::App& trace) {
  CLI::App* verb = trace.add_subcommand("stats", "Describes a trace in numbers.");
  auto file = std::make_shared<std::string>();
  auto model = std::make_shared<std::string>();
  auto cluster = std::make_shared<std::string>();
  auto calibrations = std::make_shared<std::vector<std::string>>();
  verb->add_option("FILE", *file, "a trace of any known format")->required();
  verb->add_option("--model", *model, "the model of a trace that names none");
  verb->add_option("--cluster", *cluster, "also the work and load it means for these GPUs");
  verb->add_option("--calibration", *calibrations, "calibration file or folder")
      ->allow_extra_args(false);
  verb->callback([=] { stats(*file, *model, *cluster, *calibrations); });
}

}  // namespace

void add_trace(CLI::App& program) {
  CLI::App* verb = program.add_subcommand("trace", "Makes, imports and describes traces.");
  verb->require_subcommand(1);
  add_generate(*verb);
  add_import(*verb);
  add_stats(*verb);
}

}  // namespace regroup::tools
