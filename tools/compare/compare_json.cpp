#include <nlohmann/json.hpp>

#include "core/result_text.hpp"
#include "tools/compare/compare_report.hpp"

namespace regroup::tools {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const ResultFolder& folder) {
  return {{"folder", folder.path.string()}, {"on", folder.on()}};
}

Json json_of(const RateGap& gap) {
  return {{"name", gap.name},           {"requests", gap.requests},
          {"simulated", gap.simulated}, {"measured", gap.measured},
          {"gap", gap.gap.mean},        {"gap_low", gap.gap.low},
          {"gap_high", gap.gap.high},   {"few_requests", gap.requests < kFewRequests}};
}

Json json_of(const Spread& s) {
  return {{"mean_s", s.mean}, {"p50_s", s.p50}, {"p90_s", s.p90},
          {"p95_s", s.p95},   {"p99_s", s.p99}, {"max_s", s.max}};
}

Json json_of(const LatencyGap& latency) {
  return {{"simulated", json_of(latency.simulated)},
          {"measured", json_of(latency.measured)},
          {"finished_in_both", latency.pairs},
          {"median_difference_s", latency.median_difference_s},
          {"p95_difference_s", latency.p95_difference_s},
          {"max_relative", latency.max_relative}};
}

Json json_of(const CellError& each) {
  const auto steps = static_cast<double>(each.steps);
  return {{"model", each.cell.model},
          {"shape", text_of(each.cell.shape)},
          {"stage", each.cell.stage},
          {"layout", text_of(each.cell.layout)},
          {"degree", each.cell.layout.size()},
          {"forwards", each.cell.forwards},
          {"source", each.source},
          {"runs", each.runs},
          {"steps", each.steps},
          {"predicted_s", each.predicted_s / steps},
          {"measured_s", each.measured_s / steps},
          {"error", each.error()},
          {"worst", each.worst}};
}

Json json_of(const OverheadError& part) {
  const auto runs = static_cast<double>(part.runs);
  return {{"runs", part.runs},
          {"predicted_s", part.predicted_s / runs},
          {"measured_s", part.measured_s / runs}};
}

Json json_of(const StepErrors& steps) {
  Json cells = Json::array();
  for (const CellError& each : steps.cells) cells.push_back(json_of(each));
  return {{"error", steps.error()},
          {"cells", cells},
          {"dispatch", json_of(steps.dispatch)},
          {"setup", json_of(steps.setup)},
          {"migrate", json_of(steps.migrate)},
          {"runs", steps.runs},
          {"expected_otherwise", steps.expected_otherwise}};
}

Json json_of(const std::vector<RecordedDecision>& near) {
  Json decisions = Json::array();
  for (const RecordedDecision& each : near)
    decisions.push_back({{"number", each.number},
                         {"at_s", nearest_seconds(each.at.time_since_epoch())},
                         {"what", each.what},
                         {"tasks", each.tasks}});
  return decisions;
}

Json json_of(const Divergence& d) {
  return {{"agreed", d.agreed},
          {"found", d.found},
          {"simulated", d.simulated},
          {"measured", d.measured},
          {"simulated_near", json_of(d.simulated_near)},
          {"measured_near", json_of(d.measured_near)}};
}

Json json_of(const Level& level) {
  return {{"slo_violation_rate", level.slo_violation_rate},
          {"latency_mean_s", level.latency_mean_s}};
}

Json json_of(const Attribution& a) {
  constexpr const char* kParts[] = {"none", "cost model", "overheads", "rest"};
  Json cells = Json::array();
  for (const Attribution::CellEffect& each : a.cells) {
    Json cell = json_of(each.cell);
    cell["effect"] = json_of(each.effect);
    cells.push_back(cell);
  }
  const auto main = a.main_cell();
  return {{"simulated", json_of(a.simulated)},
          {"cost_model", json_of(a.cost_model())},
          {"overheads", json_of(a.overheads())},
          {"rest", json_of(a.rest())},
          {"measured", json_of(a.measured)},
          {"largest", kParts[static_cast<std::size_t>(a.largest())]},
          {"main_cell", main ? json_of(main->cell) : Json()},
          {"cells", cells},
          {"cells_left_out", a.cells_left_out},
          {"setup_replaced", a.setup_replaced}};
}

template <class Part>
Json or_why(const std::optional<Part>& part, const std::string& why) {
  return part ? json_of(*part) : Json{{"why", why}};
}

}  // namespace

std::string compare_json(const Comparison& c) {
  Json classes = Json::array(), gates = Json::array();
  for (const RateGap& each : c.classes) classes.push_back(json_of(each));
  for (const Gate& gate : c.gates)
    gates.push_back({{"name", gate.name},
                     {"subject", gate.subject},
                     {"value", gate.value},
                     {"allowed", gate.allowed},
                     {"kept", gate.kept()}});
  const Json json = {{"format", "regroup-comparison"},
                     {"version", 1},
                     {"simulated", json_of(c.simulated)},
                     {"measured", json_of(c.measured)},
                     {"notes", c.warnings},
                     {"slo_violation_rate", json_of(c.overall)},
                     {"classes", classes},
                     {"latency", json_of(c.latency)},
                     {"steps", or_why(c.steps, c.no_steps)},
                     {"decisions", or_why(c.divergence, c.no_divergence)},
                     {"attribution", or_why(c.attribution, c.no_attribution)},
                     {"gates", gates}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace regroup::tools
