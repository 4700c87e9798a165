#include "tools/bench/speed_report.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace regroup::tools {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kMebibyte = 1024 * 1024;

Json json_of(const SpeedRow& row) {
  return {{"policy", row.of.policy},
          {"params", row.of.params},
          {"gpus", row.of.gpus},
          {"requests", row.of.requests},
          {"load", row.of.load},
          {"outputs", !row.of.out.empty()},
          {"events", row.events},
          {"steps", row.steps},
          {"cpu_s", row.cpu_s},
          {"wall_s", row.wall_s},
          {"events_per_s", row.events_per_s()},
          {"requests_per_s", row.requests_per_s()},
          {"floor_events_per_s", row.floor_events_per_s},
          {"floor_ratio", row.floor_ratio()},
          {"streamed_floor_events_per_s", row.streamed_floor_events_per_s},
          {"streamed_floor_ratio", row.streamed_floor_ratio()},
          {"decision_p99_us", row.decision_p99_us},
          {"peak_rss_bytes", row.peak_rss_bytes}};
}

}  // namespace

std::string speed_json(std::span<const SpeedRow> rows) {
  Json all = Json::array();
  for (const SpeedRow& row : rows) all.push_back(json_of(row));
  return Json{{"format", "regroup-bench"}, {"version", 1}, {"rows", all}}.dump(2) + "\n";
}

std::string growth_csv(std::span<const GrowthCurve> curves) {
  std::string text = "growth,policy,x,ns_per_event\n";
  for (const GrowthCurve& curve : curves)
    for (const GrowthCurve::Point& point : curve.points)
      text +=
          fmt::format("{},{},{},{:.1f}\n", curve.title, curve.policy, point.x, point.ns_per_event);
  return text;
}

std::string speed_text(std::span<const SpeedRow> rows) {
  std::string text =
      fmt::format("{:<14} {:>6} {:>9} {:>8} {:>11} {:>11} {:>7} {:>9} {:>8}\n", "policy", "GPUs",
                  "requests", "outputs", "events/s", "requests/s", "floor", "streamed", "RSS MiB");
  for (const SpeedRow& row : rows)
    text += fmt::format(
        "{:<14} {:>6} {:>9} {:>8} {:>11.0f} {:>11.0f} {:>6.1f}x {:>8.1f}x {:>8.0f}\n",
        row.of.policy, row.of.gpus, row.of.requests, row.of.out.empty() ? "no" : "yes",
        row.events_per_s(), row.requests_per_s(), row.floor_ratio(), row.streamed_floor_ratio(),
        static_cast<double>(row.peak_rss_bytes) / kMebibyte);
  return text;
}

}  // namespace regroup::tools
