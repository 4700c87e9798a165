#include "models/quadratic.hpp"

#include <algorithm>
#include <regex>

#include "core/errors.hpp"
#include "models/json.hpp"

namespace regroup::models {
namespace {

std::vector<std::filesystem::path> cost_files(const std::filesystem::path& folder) {
  static const std::regex kName("tp[0-9]+_ulysses[0-9]+_ring[0-9]+_cfg[0-9]+\\.json");
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (std::regex_match(entry.path().filename().string(), kName)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());  // the order of a folder is the machine's
  return files;
}

constexpr const char* kStages[] = {
    "text_encode",        "dit_prepare",          "timestep_prepare", "dit_step_chunk",
    "dit_step_chunk_cfg", "dit_step_chunk_nocfg", "vae_decode",       "finalize"};

Layout layout_of(const Json& json) {
  const auto degree = [&](const char* key) {
    const int value = json.has(key) ? json.integer(key, 1) : 1;
    if (value > static_cast<int>(kMaxGroupSize))
      json.at(key).complain(fmt::format("{}; at most {}", value, kMaxGroupSize));
    return static_cast<std::uint8_t>(value);
  };
  return {.cfg = degree("cfg"), .ulysses = degree("ulysses"), .ring = degree("ring")};
}

Layout parse_layout(const Json& json) {
  json.allow({"tp", "sp", "ulysses", "ring", "cfg"});
  if (json.integer("tp", 1) != 1)
    json.at("tp").complain("tensor parallelism is not modelled; tp must be 1");
  for (const char* key : {"ulysses", "ring", "cfg"}) json.at(key);
  return layout_of(json);
}

}  // namespace

double QuadraticCosts::Quadratic::seconds(double x) const {
  return std::max(0.0, a * x * x + b * x + c) * 1e-3;
}

bool QuadraticCosts::is_folder(const std::filesystem::path& folder) {
  return std::filesystem::is_directory(folder) && !cost_files(folder).empty();
}

QuadraticCosts::Stages QuadraticCosts::parse_stages(const Json& json) {
  Stages stages;
  for (const std::string& name : json.keys()) {
    if (std::find(std::begin(kStages), std::end(kStages), name) == std::end(kStages))
      json.complain(fmt::format("unknown stage '{}'; allowed: {}", name,
                                fmt::join(std::begin(kStages), std::end(kStages), ", ")));
    const Json item = json.at(name);
    // Our own files hold the coefficients and nothing else.
    if (item.has("coeffs")) item.allow({"x_name", "coeffs", "r2", "samples"});
    const Json coefficients = item.has("coeffs") ? item.at("coeffs") : item;
    coefficients.allow({"a", "b", "c"});
    stages[name] = {coefficients.number("a"), coefficients.number("b"), coefficients.number("c")};
  }
  return stages;
}

QuadraticCosts QuadraticCosts::read(const std::filesystem::path& folder) {
  QuadraticCosts costs;
  costs.source_ = folder.string();
  for (const std::filesystem::path& file : cost_files(folder)) {
    const Json json = Json::read(file);
    json.allow({"model", "options", "parallelism", "stages"});
    const std::string model = json.string("model");
    if (!costs.model_.empty() && model != costs.model_)
      json.at("model").complain(
          fmt::format("'{}', but other files of the folder are of '{}'", model, costs.model_));
    costs.model_ = model;
    const Json parallelism = json.at("parallelism");
    if (!costs.files_.emplace(parse_layout(parallelism), parse_stages(json.at("stages"))).second)
      parallelism.complain("another file of the folder has the same layout");
  }
  costs.check();
  return costs;
}

QuadraticCosts QuadraticCosts::parse(const Json& json) {
  json.expect_format("regroup-quadratic");
  json.allow({"format", "version", "name", "model", "source", "degrees"});
  QuadraticCosts costs;
  costs.name_ = json.string("name");
  costs.model_ = json.string("model");
  costs.source_ = json.string("source");
  for (const Json& degree : json.at("degrees").items()) {
    degree.allow({"ulysses", "ring", "cfg", "stages"});
    const Layout layout = layout_of(degree);
    if (!costs.files_.emplace(layout, parse_stages(degree.at("stages"))).second)
      degree.complain("this layout is given twice");
  }
  costs.check();
  return costs;
}

void QuadraticCosts::check() const {
  if (!files_.contains(Layout{}))
    fail<ConfigError>("{}: no file for one GPU (tp1_ulysses1_ring1_cfg1.json)", source_);
  for (const auto& [layout, stages] : files_)
    if (!stages.contains("dit_step_chunk") && !stages.contains("dit_step_chunk_cfg") &&
        !stages.contains("dit_step_chunk_nocfg"))
      fail<ConfigError>("{}: the file for ulysses {}, ring {}, cfg {} has no dit_step_chunk",
                        source_, layout.ulysses, layout.ring, layout.cfg);
}

std::vector<Layout> QuadraticCosts::layouts() const {
  std::vector<Layout> layouts;
  for (const auto& [layout, stages] : files_) layouts.push_back(layout);
  return layouts;
}

std::optional<double> QuadraticCosts::step(const ModelCard& card, Shape shape, int forwards,
                                           Layout layout) const {
  const auto file = files_.find(layout);
  if (file == files_.end()) return std::nullopt;
  const Stages& stages = file->second;
  const auto x = static_cast<double>(card.latent_tokens(shape));
  const auto time = [&](const char* name) -> std::optional<double> {
    const auto stage = stages.find(name);
    if (stage == stages.end()) return std::nullopt;
    return stage->second.seconds(x);
  };
  const std::optional<double> plain = time("dit_step_chunk"), guided = time("dit_step_chunk_cfg"),
                              unguided = time("dit_step_chunk_nocfg");
  if (!card.classifier_free) return plain ? plain : unguided ? unguided : guided;
  if (forwards == 2) return guided ? guided : plain ? plain : 2 * *unguided;
  return unguided ? *unguided : 0.5 * (guided ? *guided : *plain);
}

double QuadraticCosts::time(Layout layout, std::string_view stage, const ModelCard& card,
                            Shape shape) const {
  const double voxels = static_cast<double>(shape.width) * shape.height * shape.frames;
  const double x = stage == "text_encode"        ? card.text_tokens
                   : stage == "dit_prepare"      ? static_cast<double>(card.latent_tokens(shape))
                   : stage == "timestep_prepare" ? card.steps
                   : stage == "vae_decode"       ? voxels
                                                 : 1;
  for (const Layout from : {layout, Layout{}}) {
    const auto file = files_.find(from);
    if (file == files_.end()) continue;
    if (const auto found = file->second.find(stage); found != file->second.end())
      return found->second.seconds(x);
  }
  return 0;
}

double QuadraticCosts::stage(const ModelCard& card, const Stage& stage, Shape shape,
                             Layout layout) const {
  if (std::find(std::begin(kStages), std::end(kStages), stage.name) != std::end(kStages))
    return time(layout, stage.name, card, shape);
  const auto sum = [&](std::initializer_list<const char*> names) {
    double all = 0;
    for (const char* name : names) all += time({}, name, card, shape);
    return all;
  };
  if (stage.kind == StageKind::kEncode)
    return sum({"text_encode", "dit_prepare", "timestep_prepare"});
  if (stage.kind == StageKind::kDecode) return sum({"vae_decode", "finalize"});
  return 0;
}

}  // namespace regroup::models
