#include <nlohmann/json.hpp>

#include "core/result_text.hpp"
#include "tools/compare/calibration.hpp"

namespace regroup::tools {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const HeldOut& held_out) {
  return {{"samples", held_out.samples}, {"median", held_out.median}, {"worst", held_out.worst}};
}

}  // namespace

std::string samples_json(const CalibrationPlan& plan, const MeasuredCalibration& measured) {
  Json json = {{"format", "regroup-calibration-samples"},
               {"version", 1},
               {"on", plan.on},
               {"devices", plan.gpu_options.devices},
               {"busy", plan.busy},
               {"model", measured.calibration.model},
               {"requests", plan.repeat},
               {"steps", plan.steps},
               {"held_out_steps", json_of(held_out_steps(measured))},
               {"dispatch_s", measured.dispatch_s},
               {"setup_s", measured.setup_s},
               {"migrate_s", measured.migrate_s}};
  for (const MeasuredCell& cell : measured.cells)
    json["cells"].push_back({{"stage", cell.stage},
                             {"denoise", cell.denoise},
                             {"shape", cell.shape},
                             {"layout", text_of(cell.layout)},
                             {"degree", cell.layout.size()},
                             {"seconds", cell.seconds},
                             {"held_out_errors", json_of(held_out(cell.errors))},
                             {"fitted", cell.fitted},
                             {"held_out", cell.held_out}});
  for (const auto& [degree, seconds] : measured.barriers_s)
    json["barriers"].push_back({{"degree", degree}, {"seconds", seconds}});
  return json.dump(1) + "\n";
}

}  // namespace regroup::tools
