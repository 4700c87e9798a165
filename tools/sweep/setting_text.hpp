// How the settings of a sweep are named in tables.
#pragma once

#include <string>
#include <vector>

#include "tools/sweep/cells.hpp"

namespace regroup::tools {

class SettingText {
 public:
  explicit SettingText(const SweepSpec& spec);  // which must outlive this

  // For files: workload, cluster, slo_scale, load, policy, and param_KEY for each parameter of any
  // policy.
  std::vector<std::string> heading() const;
  std::vector<std::string> fields(const Setting& setting) const;

  // For a terminal: the policy, and whatever has several values.
  std::vector<std::string> short_heading() const;
  std::vector<std::string> short_fields(const Setting& setting) const;

 private:
  const SweepSpec& spec_;
  std::vector<std::string> params_;  // all keys, in alphabetical order
};

std::string text_of(SweepSpec::Axis axis);  // "rate", "gpus", "slo_scale"
std::string text_of(Capacity::End end);     // "between", "all_under", "all_over"

}  // namespace regroup::tools
