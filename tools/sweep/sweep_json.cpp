#include <nlohmann/json.hpp>

#include "tools/sweep/setting_text.hpp"
#include "tools/sweep/sweep_report.hpp"

namespace regroup::tools {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Estimate& estimate) {
  return {{"mean", estimate.mean}, {"low", estimate.low()}, {"high", estimate.high()}};
}

Json json_of(const SweepSpec& spec, const Setting& setting) {
  Json json;
  json["workload"] = spec.workloads[setting.workload].name();
  json["cluster"] = cluster_name(spec, setting);
  json["slo_scale"] = setting.slo_scale;
  json["load"] = setting.load;
  json["policy"] = spec.policy_names[setting.policy];
  json["params"] = Json::object();
  for (const auto& [key, value] : spec.policies[setting.policy].params) json["params"][key] = value;
  return json;
}

Json json_of(const SweepSpec& spec, const SearchResult& search) {
  Json json = json_of(spec, search.setting);
  const Capacity& capacity = search.capacity;
  const bool none = capacity.end == Capacity::End::kAllOver;
  json["search"] = text_of(spec.search->axis);
  json["end"] = text_of(capacity.end);
  json["capacity"] = none ? Json() : Json(capacity.answer().point);
  json["over"] = capacity.over ? Json(*capacity.over_point()) : Json();
  json["decided"] = capacity.decided;
  json["monotone"] = capacity.monotone;
  json["gpus"] = search.gpus;
  json["throughput_rps"] = search.throughput_rps;
  json["gpu_hours_per_1000"] = none ? Json() : Json(search.gpu_hours_per_1000);
  json["unit"] = search.unit;
  for (const Probe& probe : capacity.probes)
    json["probes"].push_back({{"point", probe.point},
                              {"seeds", probe.seeds},
                              {"violation_rate", json_of(probe.violation_rate)},
                              {"under", probe.under},
                              {"decided", probe.decided}});
  return json;
}

}  // namespace

std::string sweep_json(const SweepSpec& spec, const SweepResults& results,
                       const std::string& spec_text) {
  Json json;
  json["format"] = "regroup-sweep-results";
  json["version"] = 1;
  json["spec"] = Json::parse(spec_text);
  json["settings"] = Json::array();
  for (const SettingResult& result : results.settings) {
    Json& setting = json["settings"].emplace_back(json_of(spec, result.setting));
    setting["seeds"] = result.runs.size();
    const SettingResult* baseline = baseline_of(spec, results, result);
    for (const Metric& metric : kMetrics) {
      if (!metric.averaged) continue;
      setting[metric.name] = json_of(result.estimate(metric));
      if (baseline)
        setting[std::string(metric.name) + "_minus_baseline"] =
            json_of(less_baseline(result, *baseline, metric));
    }
  }
  for (const SearchResult& search : results.searches)
    json["capacity"].push_back(json_of(spec, search));
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace regroup::tools
