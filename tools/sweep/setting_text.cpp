#include "tools/sweep/setting_text.hpp"

#include <set>

#include "tools/sweep/run_numbers.hpp"

namespace regroup::tools {

SettingText::SettingText(const SweepSpec& spec) : spec_(spec) {
  std::set<std::string> keys;
  for (const PolicyForm& form : spec.policies)
    for (const auto& [key, value] : form.params) keys.insert(key);
  params_.assign(keys.begin(), keys.end());
}

std::vector<std::string> SettingText::heading() const {
  std::vector<std::string> names = {"workload", "cluster", "slo_scale", "load", "policy"};
  for (const std::string& key : params_) names.push_back("param_" + key);
  return names;
}

std::vector<std::string> SettingText::fields(const Setting& setting) const {
  std::vector<std::string> all = {spec_.workloads[setting.workload].name(),
                                  cluster_name(spec_, setting), number_text(setting.slo_scale),
                                  number_text(setting.load), spec_.policy_names[setting.policy]};
  const auto& given = spec_.policies[setting.policy].params;
  for (const std::string& key : params_)
    all.push_back(given.contains(key) ? given.at(key) : std::string());
  return all;
}

std::vector<std::string> SettingText::short_heading() const {
  std::vector<std::string> names = {"policy"};
  if (spec_.workloads.size() > 1) names.push_back("workload");
  if (spec_.clusters.size() > 1) names.push_back("cluster");
  if (spec_.slo_scales.size() > 1) names.push_back("SLO scale");
  if (spec_.loads.size() > 1) names.push_back("load");
  return names;
}

std::vector<std::string> SettingText::short_fields(const Setting& setting) const {
  std::vector<std::string> all = {spec_.policy_names[setting.policy]};
  if (spec_.workloads.size() > 1) all.push_back(spec_.workloads[setting.workload].name());
  if (spec_.clusters.size() > 1) all.push_back(cluster_name(spec_, setting));
  if (spec_.slo_scales.size() > 1) all.push_back(number_text(setting.slo_scale));
  if (spec_.loads.size() > 1) all.push_back(number_text(setting.load));
  return all;
}

std::string text_of(SweepSpec::Axis axis) {
  switch (axis) {
    case SweepSpec::Axis::kRate:
      return "rate";
    case SweepSpec::Axis::kGpus:
      return "gpus";
    case SweepSpec::Axis::kSloScale:
      break;
  }
  return "slo_scale";
}

std::string text_of(Capacity::End end) {
  switch (end) {
    case Capacity::End::kBetween:
      return "between";
    case Capacity::End::kAllUnder:
      return "all_under";
    case Capacity::End::kAllOver:
      break;
  }
  return "all_over";
}

}  // namespace regroup::tools
