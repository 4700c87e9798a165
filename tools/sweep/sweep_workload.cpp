#include "tools/sweep/sweep_workload.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "core/errors.hpp"
#include "tools/bench/published_workload.hpp"
#include "tools/sweep/scaled_deadlines.hpp"
#include "traces/slo.hpp"

namespace regroup::tools {
namespace {

constexpr std::string_view kGfDit = "gfdit-";

models::PlatformOptions costs_of(const Experiment& experiment) {
  models::PlatformOptions options = experiment.platform;
  options.cluster = experiment.cluster;
  return options;
}

traces::ArrivalProcess process_of(const models::Json& json) {
  const std::string name = json.string();
  if (name == "poisson") return traces::ArrivalProcess::kPoisson;
  if (name == "constant") return traces::ArrivalProcess::kConstant;
  if (name == "gamma") return traces::ArrivalProcess::kGamma;
  json.complain(fmt::format("'{}'; allowed: poisson, constant, gamma", name));
}

traces::ArrivalOptions renewal(const models::Json& json, const std::string& recipe) {
  json.allow({"generate", "name", "slo", "steps", "mix", "process", "per_minute", "cv", "count",
              "span_s"});
  traces::ArrivalOptions options;
  if (recipe == "mix")
    options.mix = traces::parse_mix(json.string("mix"));
  else if (json.has("mix"))
    json.at("mix").complain(fmt::format("has no effect on '{}'; allowed with 'mix'", recipe));
  else
    options = traces::tetriserve_workload(recipe == "tetriserve-skewed");
  if (json.has("process")) options.process = process_of(json.at("process"));
  if (json.has("cv") != (options.process == traces::ArrivalProcess::kGamma))
    json.complain("'cv' belongs to \"process\": \"gamma\", and is needed there");
  if (json.has("cv")) options.cv = json.positive("cv");
  if (json.has("per_minute")) options.per_minute = json.positive("per_minute");
  if (json.has("count") || json.has("span_s")) options.count = 0;
  if (json.has("count")) options.count = static_cast<std::uint64_t>(json.integer("count", 1));
  if (json.has("span_s")) options.span = from_seconds(json.positive("span_s"));
  if (options.count == 0 && options.span == Duration{})
    json.complain("needs 'count' or 'span_s', or both");
  return options;
}

traces::GfDitOptions gfdit(const models::Json& json, const std::string& recipe) {
  json.allow({"generate", "name", "slo", "steps", "mix", "gpus", "target_load", "alphas"});
  traces::GfDitOptions options;
  options.profile = recipe.substr(kGfDit.size());
  if (json.has("mix")) options.mix = json.string("mix");
  if (json.has("gpus")) options.gpus = json.integer("gpus", 1);
  if (json.has("target_load")) options.target_load = json.positive("target_load");
  if (json.has("steps")) options.steps = json.integer("steps", 1);
  if (json.has("alphas")) {
    const std::vector<double> alphas = json.numbers("alphas");
    if (alphas.size() != options.alphas.size())
      json.at("alphas").complain("expected three numbers, for classes S, M and L");
    std::ranges::copy(alphas, options.alphas.begin());
  }
  return options;
}

void expect_published(const models::Json& json) {
  const std::string name = json.string();
  // TetriServe's may have any scale behind the @; published_workload() refuses the rest.
  if (name.starts_with("tetriserve-") || std::ranges::count(published_workloads(), name) > 0)
    return;
  json.complain(fmt::format("'{}'; allowed: {}", name, fmt::join(published_workloads(), ", ")));
}

}  // namespace

std::variant<traces::ArrivalOptions, traces::GfDitOptions> SweepWorkload::recipe(
    const models::Json& json, const std::string& name) {
  if (name == "mix" || name == "tetriserve-uniform" || name == "tetriserve-skewed")
    return renewal(json, name);
  const std::vector<std::string> profiles = traces::gfdit_profiles();
  if (name.starts_with(kGfDit) && std::ranges::count(profiles, name.substr(kGfDit.size())) > 0)
    return gfdit(json, name);
  json.at("generate")
      .complain(fmt::format(
          "'{}'; allowed: tetriserve-uniform, tetriserve-skewed, mix, gfdit- with one of {}", name,
          fmt::join(profiles, ", ")));
}

SweepWorkload SweepWorkload::parse(const models::Json& json, const std::filesystem::path& folder) {
  SweepWorkload workload;
  if (json.has("trace")) {
    json.allow({"trace", "name", "slo", "steps", "model", "limit"});
    const std::filesystem::path path = folder / json.string("trace");
    workload.name_ = path.filename().string();
    workload.kind_ =
        File{.path = path.string(), .model = json.has("model") ? json.string("model") : ""};
    if (json.has("limit")) workload.limit_ = static_cast<std::uint64_t>(json.integer("limit", 1));
  } else if (json.has("generate")) {
    workload.name_ = json.string("generate");
    std::visit([&](auto options) { workload.kind_ = std::move(options); },
               recipe(json, workload.name_));
  } else if (json.has("published")) {
    // Its deadline rule is part of it.
    json.allow({"published", "name", "requests"});
    expect_published(json.at("published"));
    workload.name_ = json.string("published");
    workload.kind_ = Published{workload.name_};
    if (json.has("requests"))
      workload.limit_ = static_cast<std::uint64_t>(json.integer("requests", 1));
  } else {
    json.complain("expected one of the keys 'trace', 'generate', 'published'");
  }
  if (json.has("name")) workload.name_ = json.string("name");
  if (json.has("steps")) workload.steps_ = json.integer("steps", 1);
  if (json.has("slo")) {
    workload.slo_ = json.string("slo");
    try {
      traces::SloRule::parse(workload.slo_);
    } catch (const ConfigError& error) {
      json.at("slo").complain(error.what());
    }
  }
  return workload;
}

const std::string& SweepWorkload::file() const {
  static const std::string kNone;
  const File* file = std::get_if<File>(&kind_);
  return file ? file->path : kNone;
}

void SweepWorkload::apply(Experiment& experiment, double load, double slo_scale) const {
  experiment.slo = slo_;
  experiment.steps = steps_;
  experiment.rate_scale = load;
  const auto use = [&](std::vector<traces::Record> records) {
    experiment.workload =
        [shared = std::make_shared<const std::vector<traces::Record>>(std::move(records)),
         name = name_] { return traces::list_reader(*shared, name); };
  };
  if (const auto* file = std::get_if<File>(&kind_)) {
    experiment.trace = file->path;
    experiment.default_model = file->model;
    experiment.limit = limit_;
  } else if (const auto* arrivals = std::get_if<traces::ArrivalOptions>(&kind_)) {
    traces::ArrivalOptions options = *arrivals;
    options.seed = experiment.seed;
    experiment.workload = [options] { return traces::generate(options); };
  } else if (const auto* phases = std::get_if<traces::GfDitOptions>(&kind_)) {
    traces::GfDitOptions options = *phases;
    options.seed = experiment.seed;
    models::Platform platform(costs_of(experiment));
    use(traces::generate_gfdit(options, &platform));
  } else {
    models::Platform platform(costs_of(experiment));
    WorkloadTrace trace = published_workload(std::get<Published>(kind_).name, load, experiment.seed,
                                             limit_, platform);
    experiment.rate_scale = 1;
    experiment.slo = trace.slo;
    use(std::move(trace.requests));
  }
  scale_deadlines(experiment, slo_scale);
}

}  // namespace regroup::tools
