#include "tools/sweep/cells.hpp"

#include <fmt/format.h>

#include <cmath>

namespace regroup::tools {

std::vector<Setting> settings_of(const SweepSpec& spec) {
  std::vector<Setting> all;
  for (std::size_t workload = 0; workload < spec.workloads.size(); ++workload)
    for (std::size_t cluster = 0; cluster < spec.clusters.size(); ++cluster)
      for (const double slo_scale : spec.slo_scales)
        for (const double load : spec.loads)
          for (std::size_t policy = 0; policy < spec.policies.size(); ++policy)
            all.push_back({workload, cluster, policy, slo_scale, load});
  return all;
}

int seeds_of(const SweepSpec& spec, const Setting& setting) {
  const bool drawn = spec.workloads[setting.workload].drawn() || spec.base.jitter > 0;
  return drawn ? spec.seeds : 1;
}

Setting at_point(const SweepSpec& spec, Setting setting, double point) {
  switch (spec.search->axis) {
    case SweepSpec::Axis::kRate:
      setting.load = point;
      break;
    case SweepSpec::Axis::kGpus:
      setting.count = static_cast<int>(std::lround(point));
      break;
    case SweepSpec::Axis::kSloScale:
      setting.slo_scale = point;
      break;
  }
  return setting;
}

std::string cluster_of(const SweepSpec& spec, const Setting& setting) {
  std::string cluster = spec.clusters[setting.cluster];
  if (setting.count > 0) cluster.replace(cluster.find('*'), 1, fmt::format("{}", setting.count));
  return cluster;
}

std::string cluster_name(const SweepSpec& spec, const Setting& setting) {
  return std::filesystem::path(cluster_of(spec, setting)).filename().string();
}

std::string run_id(const SweepSpec& spec, const Setting& setting, int seed) {
  return fmt::format("{}, {}, slo {}, load {}, {}, seed {}",
                     spec.workloads[setting.workload].name(), cluster_name(spec, setting),
                     setting.slo_scale, setting.load, spec.policy_names[setting.policy], seed);
}

Experiment experiment_of(const SweepSpec& spec, const Setting& setting, int seed) {
  Experiment experiment = spec.base;
  const PolicyForm& form = spec.policies[setting.policy];
  experiment.policy = form.policy;
  experiment.params = form.params;
  experiment.cluster = cluster_of(spec, setting);
  experiment.seed = static_cast<std::uint64_t>(seed);
  spec.workloads[setting.workload].apply(experiment, setting.load, setting.slo_scale);
  return experiment;
}

}  // namespace regroup::tools
