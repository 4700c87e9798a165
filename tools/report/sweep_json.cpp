#include "tools/report/sweep_json.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <tuple>

#include "core/errors.hpp"
#include "tools/bench/parallel.hpp"
#include "tools/bound/attainment_bound.hpp"
#include "tools/sweep/setting_text.hpp"
#include "tools/sweep/sweep_folder.hpp"
#include "tools/sweep/sweep_results.hpp"

namespace regroup::tools {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFile = "sweep.json";
constexpr std::size_t kMostSeeds = 5;  // of a point of the bound

Json parsed(const std::filesystem::path& file) {
  std::ifstream stream(file);
  try {
    return Json::parse(stream);
  } catch (const Json::exception& error) {
    fail<ConfigError>("{}: {}", file.string(), error.what());
  }
}

SweepSpec::Axis axis_of(const SweepSpec& spec) {
  if (spec.search) return spec.search->axis;
  return spec.loads.size() == 1 && spec.slo_scales.size() > 1 ? SweepSpec::Axis::kSloScale
                                                              : SweepSpec::Axis::kRate;
}

double position(SweepSpec::Axis axis, const Setting& setting) {
  switch (axis) {
    case SweepSpec::Axis::kGpus:
      return setting.count;
    case SweepSpec::Axis::kSloScale:
      return setting.slo_scale;
    case SweepSpec::Axis::kRate:
      break;
  }
  return setting.load;
}

// What the bound depends on: all but the policy.
using Point = std::tuple<std::size_t, std::size_t, double, double, int>;
Point point_of(const Setting& s) { return {s.workload, s.cluster, s.slo_scale, s.load, s.count}; }

struct PointBound {
  Setting setting;
  std::size_t seeds = 0;
  std::vector<double> attainment;  // by seed
};

std::vector<PointBound> points_of(const SweepResults& results) {
  std::map<Point, PointBound> points;
  for (const SettingResult& result : results.settings) {
    PointBound& point = points.try_emplace(point_of(result.setting)).first->second;
    point.setting = result.setting;
    point.seeds = std::clamp(result.runs.size(), point.seeds, kMostSeeds);
  }
  std::vector<PointBound> list;
  for (auto& [key, point] : points) list.push_back(std::move(point));
  return list;
}

std::vector<PointBound> bounds_of(const SweepSpec& spec, const SweepResults& results,
                                  const SweepPageOptions& options) {
  std::vector<PointBound> points = points_of(results);
  std::mutex mutex;
  std::size_t done = 0;
  const int jobs = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  for_each_index(points.size(), jobs, [&](std::size_t i) {
    for (std::size_t seed = 0; seed < points[i].seeds; ++seed)
      points[i].attainment.push_back(
          attainment_bound(experiment_of(spec, points[i].setting, static_cast<int>(seed)))
              .attainment());
    const std::lock_guard lock(mutex);
    ++done;
    if (options.progress) options.progress(done, points.size());
  });
  return points;
}

Json json_of(const SweepSpec& spec, const PointBound& point) {
  const Estimate estimate = student_mean(point.attainment).within(0, 1);
  Json json = {{"workload", spec.workloads[point.setting.workload].name()},
               {"cluster", cluster_name(spec, point.setting)},
               {"slo_scale", point.setting.slo_scale},
               {"x", position(axis_of(spec), point.setting)},
               {"mean", estimate.mean}};
  if (!std::isnan(estimate.half_width)) {
    json["low"] = estimate.low();
    json["high"] = estimate.high();
  }
  return json;
}

}  // namespace

bool is_sweep(const std::filesystem::path& folder) {
  return std::filesystem::exists(folder / kFile);
}

std::string sweep_page_json(const std::filesystem::path& folder, const SweepPageOptions& options) {
  const SweepSpec spec = read_sweep(folder);
  const SweepResults results = collect(spec, read_run_records(runs_folder(folder)));
  Json json = {{"sweep", parsed(folder / kFile)},
               {"axis", text_of(axis_of(spec))},
               {"notes", Json::array()},
               {"bounds", Json::array()}};
  json["x"] = Json::array();
  for (const SettingResult& result : results.settings)
    json["x"].push_back(position(axis_of(spec), result.setting));
  if (spec.search) json["target"] = 1 - spec.search->target;
  if (options.bound) try {
      for (const PointBound& point : bounds_of(spec, results, options))
        json["bounds"].push_back(json_of(spec, point));
    } catch (const Error& error) {
      json["notes"].push_back(std::string("There is no bound here: ") + error.what());
    }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace regroup::tools
