#include "core/summary_json.hpp"

#include <nlohmann/json.hpp>

#include "core/errors.hpp"

namespace regroup {
namespace {

using Json = nlohmann::ordered_json;

void add_block(Json& json, const ConfigBlock& block) {
  for (const auto& [key, value] : block) {
    RG_CHECK(!json.contains(key), "'{}' is given twice", key);
    json[key] = value;
  }
}

void add_counts(Json& json, const RequestCounts& counts) {
  json["requests"] = counts.requests;
  json["finished"] = counts.finished;
  json["rejected"] = counts.rejected;
  json["unfinished"] = counts.unfinished;
  json["slo_violations"] = counts.slo_violations;
  json["slo_violation_rate"] = counts.slo_violation_rate;
  json["latency_mean_s"] = counts.latency_s.mean;
  json["latency_p50_s"] = counts.latency_s.p50;
  json["latency_p90_s"] = counts.latency_s.p90;
  json["latency_p95_s"] = counts.latency_s.p95;
  json["latency_p99_s"] = counts.latency_s.p99;
  json["latency_max_s"] = counts.latency_s.max;
}

// Names come from traces, which may hold bytes that are not UTF-8; JSON may not.
std::string text_of(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace

std::string summary_json(const Summary& summary, const ConfigBlock& config) {
  Json json;
  json["format"] = "regroup-summary";
  json["version"] = 1;
  add_block(json["config"] = Json::object(), config);
  add_counts(json, summary);

  json["queueing_mean_s"] = summary.queueing_mean_s;
  json["encode_mean_s"] = summary.encode_mean_s;
  json["denoise_mean_s"] = summary.denoise_mean_s;
  json["decode_mean_s"] = summary.decode_mean_s;
  json["step_mean_s"] = summary.step_mean_s;

  json["makespan_s"] = summary.makespan_s;
  json["throughput_rps"] = summary.throughput_rps;
  json["goodput_rps"] = summary.goodput_rps;

  Json& gpu_seconds = json["gpu_seconds"];
  gpu_seconds["compute"] = summary.gpu_seconds.compute;
  gpu_seconds["setup"] = summary.gpu_seconds.setup;
  gpu_seconds["migrate"] = summary.gpu_seconds.migrate;
  gpu_seconds["dispatch"] = summary.gpu_seconds.dispatch;
  gpu_seconds["idle"] = summary.gpu_seconds.idle;
  json["utilisation"] = summary.utilisation;

  json["runs"] = summary.runs;
  json["steps"] = summary.steps;
  json["group_setups"] = summary.group_setups;
  json["group_changes"] = summary.group_changes;
  json["migrations"] = summary.migrations;
  json["migrated_bytes"] = summary.migrated_bytes;
  json["preemptions"] = summary.preemptions;

  Json& classes = json["classes"] = Json::object();
  for (const ClassSummary& one : summary.classes) add_counts(classes[one.name], one);
  return text_of(json);
}

std::string provenance_json(const ConfigBlock& facts) {
  Json json;
  json["format"] = "regroup-provenance";
  json["version"] = 1;
  add_block(json, facts);
  return text_of(json);
}

}  // namespace regroup
