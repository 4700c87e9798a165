#include "models/calibration.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "models/json.hpp"

namespace regroup::models {
namespace {

Shape parse_shape(const Json& json) {
  return {json.integer("width", 1), json.integer("height", 1), json.integer("frames", 1)};
}

Layout parse_layout(const Json& json) {
  json.allow({"cfg", "ulysses", "ring"});
  const auto degree = [&](std::string_view key) {
    const int value = json.has(key) ? json.integer(key, 1) : 1;
    if (value > static_cast<int>(kMaxGroupSize))
      json.at(key).complain(fmt::format("{}; at most {}", value, kMaxGroupSize));
    return static_cast<std::uint8_t>(value);
  };
  return {.cfg = degree("cfg"), .ulysses = degree("ulysses"), .ring = degree("ring")};
}

CalibrationStep::Use parse_use(const Json& json) {
  const std::string use = json.string();
  if (use == "table") return CalibrationStep::Use::kTable;
  if (use == "anchor") return CalibrationStep::Use::kAnchor;
  if (use == "floor") return CalibrationStep::Use::kFloor;
  if (use == "check") return CalibrationStep::Use::kCheck;
  json.complain(fmt::format("'{}'; allowed: table, anchor, floor, check", use));
}

CalibrationStep parse_step(const Json& json) {
  json.allow({"width", "height", "frames", "layout", "forwards", "seconds", "use", "note"});
  CalibrationStep step{.shape = parse_shape(json),
                       .layout = parse_layout(json.at("layout")),
                       .forwards = json.integer("forwards", 1),
                       .seconds = json.positive("seconds")};
  if (step.forwards > 2) json.at("forwards").complain("allowed: 1, 2");
  if (json.has("use")) step.use = parse_use(json.at("use"));
  if (json.has("note")) json.string("note");
  return step;
}

CalibrationStage parse_stage(const Json& json) {
  json.allow({"stage", "width", "height", "frames", "seconds", "note"});
  if (json.has("note")) json.string("note");
  return {json.string("stage"), parse_shape(json), json.positive("seconds")};
}

using OrderedJson = nlohmann::ordered_json;

double digits(double seconds) { return std::stod(fmt::format("{:.9g}", seconds)); }

void put_shape(OrderedJson& json, Shape shape) {
  json["width"] = shape.width;
  json["height"] = shape.height;
  json["frames"] = shape.frames;
}

OrderedJson put_step(const CalibrationStep& step) {
  OrderedJson json;
  put_shape(json, step.shape);
  json["layout"] = OrderedJson::object();
  if (step.layout.cfg > 1) json["layout"]["cfg"] = step.layout.cfg;
  if (step.layout.ulysses > 1) json["layout"]["ulysses"] = step.layout.ulysses;
  if (step.layout.ring > 1) json["layout"]["ring"] = step.layout.ring;
  json["forwards"] = step.forwards;
  json["seconds"] = digits(step.seconds);
  constexpr const char* kUses[] = {"table", "anchor", "floor", "check"};
  if (step.use != CalibrationStep::Use::kTable)
    json["use"] = kUses[static_cast<std::size_t>(step.use)];
  return json;
}

}  // namespace

std::string Calibration::text() const {
  OrderedJson json = {{"format", "regroup-calibration"},
                      {"version", 1},
                      {"model", model},
                      {"gpu", gpu},
                      {"source", source}};
  if (!derivation.empty()) json["derivation"] = derivation;
  json["steps"] = OrderedJson::array();
  for (const CalibrationStep& step : steps) json["steps"].push_back(put_step(step));
  for (const CalibrationStage& stage : stages) {
    OrderedJson row = {{"stage", stage.stage}};
    put_shape(row, stage.shape);
    row["seconds"] = digits(stage.seconds);
    json["stages"].push_back(row);
  }
  if (group_setup_s) json["overheads"]["group_setup_us"] = digits(*group_setup_s * 1e6);
  if (dispatch_s) json["overheads"]["dispatch_us"] = digits(*dispatch_s * 1e6);
  return json.dump(2) + "\n";
}

Calibration Calibration::parse(const Json& json) {
  json.expect_format("regroup-calibration");
  json.allow({"format", "version", "model", "gpu", "source", "derivation", "steps", "stages",
              "overheads"});
  Calibration calibration;
  calibration.model = json.string("model");
  calibration.gpu = json.string("gpu");
  calibration.source = json.string("source");
  if (json.has("derivation")) calibration.derivation = json.string("derivation");
  for (const Json& item : json.at("steps").items()) calibration.steps.push_back(parse_step(item));
  if (json.has("stages"))
    for (const Json& item : json.at("stages").items())
      calibration.stages.push_back(parse_stage(item));
  if (json.has("overheads")) {
    const Json overheads = json.at("overheads");
    overheads.allow({"group_setup_us", "dispatch_us"});
    if (overheads.has("group_setup_us"))
      calibration.group_setup_s = overheads.positive("group_setup_us") * 1e-6;
    if (overheads.has("dispatch_us"))
      calibration.dispatch_s = overheads.positive("dispatch_us") * 1e-6;
  }
  return calibration;
}

}  // namespace regroup::models
