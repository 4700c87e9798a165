#include "models/library.hpp"

#include <algorithm>

#include "core/errors.hpp"
#include "models/embedded.hpp"
#include "models/json.hpp"

namespace regroup::models {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

Json json_of(const EmbeddedFile& file) {
  return Json::parse(file.text, "models/" + std::string(file.path));
}

}  // namespace

template <class T>
const std::shared_ptr<const T>& OnDemand<T>::get() const {
  std::call_once(once_, [&] { value_ = std::make_shared<const T>(T::parse(json_of(file_))); });
  return value_;
}

Overheads Overheads::parse(const Json& json) {
  json.expect_format("regroup-overheads");
  json.allow({"format", "version", "group_setup", "dispatch", "links", "memory"});
  const Json setup = json.at("group_setup"), dispatch = json.at("dispatch");
  const Json links = json.at("links"), memory = json.at("memory");
  setup.allow({"group_free_us", "nccl_ms", "source"});
  dispatch.allow({"us", "source"});
  links.allow({"nvlink_us", "pcie_us", "network_us", "source"});
  memory.allow({"runtime_gb", "source"});
  return {.group_free_s = setup.positive("group_free_us") * 1e-6,
          .nccl_s = setup.positive("nccl_ms") * 1e-3,
          .dispatch_s = dispatch.positive("us") * 1e-6,
          .links = {links.positive("nvlink_us") * 1e-6, links.positive("pcie_us") * 1e-6,
                    links.positive("network_us") * 1e-6},
          .runtime_bytes = static_cast<std::int64_t>(memory.positive("runtime_gb") * 1e9)};
}

Library::Library() {
  for (const EmbeddedFile& file : embedded_files()) {
    if (file.path.starts_with("data/collectives/")) {
      tables_.emplace_back(file);
      continue;
    }
    if (file.path.starts_with("data/calibrations/")) {
      calibrations_.emplace_back(file);
      continue;
    }
    const Json json = json_of(file);
    if (file.path.starts_with("data/cards/"))
      cards_.push_back(ModelCard::parse(json));
    else if (file.path.starts_with("data/gpus/"))
      gpus_.push_back(std::make_shared<const GpuKind>(GpuKind::parse(json)));
    else if (file.path.starts_with("data/quadratic/"))
      quadratics_.push_back(std::make_shared<const QuadraticCosts>(QuadraticCosts::parse(json)));
    else if (file.path.starts_with("data/semantics/"))
      semantics_.push_back(SemanticsSpec::parse(json));
    else if (file.path == "data/analytic.json")
      analytic_ = AnalyticConstants::parse(json);
    else if (file.path == "data/overheads.json")
      overheads_ = Overheads::parse(json);
    else
      json.complain("no one reads a file of this name");
  }
  std::sort(cards_.begin(), cards_.end(),
            [](const ModelCard& a, const ModelCard& b) { return a.name < b.name; });
  for (const ModelCard& card : cards_) card_names_.push_back(card.name);
}

const Library& Library::builtin() {
  static const Library library;
  return library;
}

const ModelCard* Library::find_card(std::string_view name) const {
  for (const ModelCard& card : cards_)
    if (same_name(card.name, name) ||
        std::any_of(card.aliases.begin(), card.aliases.end(),
                    [&](const std::string& alias) { return same_name(alias, name); }))
      return &card;
  return nullptr;
}

const ModelCard& Library::card(std::string_view name) const {
  if (const ModelCard* card = find_card(name)) return *card;
  fail<ConfigError>("model '{}': no such card; there are: {}", name, fmt::join(card_names_, ", "));
}

std::shared_ptr<const GpuKind> Library::gpu(std::string_view name) const {
  std::vector<std::string> names;
  for (const auto& gpu : gpus_) {
    if (same_name(gpu->name, name)) return gpu;
    names.push_back(gpu->name);
  }
  fail<ConfigError>("GPU '{}': no such description; there are: {}", name, fmt::join(names, ", "));
}

Library::Calibrations Library::calibrations() const {
  Calibrations all;
  for (const auto& calibration : calibrations_) all.push_back(*calibration.get());
  return all;
}

Library::Calibrations Library::calibrations(std::string_view gpu) const {
  const std::string ending = fmt::format("-{}.json", gpu);
  Calibrations of_gpu;
  for (const auto& calibration : calibrations_)
    if (calibration.file().path.ends_with(ending)) of_gpu.push_back(*calibration.get());
  return of_gpu;
}

std::shared_ptr<const QuadraticCosts> Library::quadratic(std::string_view name) const {
  for (const auto& quadratic : quadratics_)
    if (quadratic->name() == name) return quadratic;
  return nullptr;
}

SemanticsSpec Library::semantics(const std::string& name_or_file) const {
  std::vector<std::string> names;
  for (const SemanticsSpec& spec : semantics_) {
    if (spec.name == name_or_file) return spec;
    names.push_back(spec.name);
  }
  if (std::filesystem::is_regular_file(name_or_file))
    return SemanticsSpec::parse(Json::read(name_or_file));
  fail<ConfigError>("semantics '{}': neither a file nor one of: {}", name_or_file,
                    fmt::join(names, ", "));
}

Collectives Library::collectives(const GpuKind& gpu, int gpus_per_node) const {
  const Path network{gpu.nic_bytes_per_s, overheads_.links.network_s};
  if (gpu.collectives == "pcie")
    return Collectives(nullptr, analytic_.pcie, network, gpus_per_node);
  const std::string path = fmt::format("data/collectives/{}.json", gpu.collectives);
  for (const auto& table : tables_)
    if (table.file().path == path)
      return Collectives(table.get(), analytic_.pcie, network, gpus_per_node);
  fail<ConfigError>("GPU '{}': no table of collectives named '{}' in models/data/collectives",
                    gpu.name, gpu.collectives);
}

}  // namespace regroup::models
