#include "models/semantics.hpp"

#include <fmt/format.h>

#include <numeric>

#include "models/json.hpp"
#include "models/layouts.hpp"

namespace regroup::models {
namespace {

// One of two words.
bool choice(const Json& json, std::string_view key, std::string_view no, std::string_view yes) {
  const std::string word = json.string(key);
  if (word != no && word != yes)
    json.at(key).complain(fmt::format("'{}'; allowed: {}, {}", word, no, yes));
  return word == yes;
}

// As seconds.
double microseconds(const Json& json) {
  const double value = json.number();
  if (value < 0) json.complain("must not be negative");
  return value * 1e-6;
}

}  // namespace

SemanticsSpec SemanticsSpec::parse(const Json& json) {
  json.expect_format("regroup-semantics");
  json.allow({"format", "version", "name", "source", "dispatch_us", "group_setup_us", "reshard",
              "queue_ahead_us", "pinned", "stages"});
  SemanticsSpec spec;
  spec.name = json.string("name");
  spec.source = json.string("source");
  spec.dispatch_s = microseconds(json.at("dispatch_us"));
  spec.group_setup_s = microseconds(json.at("group_setup_us"));
  if (json.has("queue_ahead_us"))
    spec.rules.queue_ahead = from_seconds(microseconds(json.at("queue_ahead_us")));
  spec.rules.pinned_runs_ahead = choice(json, "pinned", "as others", "ahead");
  if (json.has("reshard")) {
    const Json reshard = json.at("reshard");
    reshard.allow({"ms", "occupies"});
    spec.reshard_s = reshard.positive("ms") * 1e-3;
    spec.rules.sources_take_part =
        choice(reshard, "occupies", "destination", "source and destination");
  }
  std::vector<Stage> stages;
  std::vector<StageGraph::Edge> edges;
  for (const Json& item : json.at("stages").items()) {
    item.allow({"name", "kind", "ranks"});
    if (!stages.empty()) edges.push_back({stages.back().name, item.string("name")});
    stages.push_back({item.string("name"), stage_kind(item.at("kind"))});
    spec.on_all_ranks.push_back(choice(item, "ranks", "one", "all"));
  }
  spec.stages = StageGraph(std::move(stages), edges);
  return spec;
}

ModelCard SemanticsSpec::applied_to(const ModelCard& card) const {
  ModelCard changed = card;
  changed.stages = stages;
  changed.stage_specs.clear();
  for (std::size_t i = 0; i < stages.size(); ++i) {
    StageSpec spec{.degrees = {1}, .time = {}};
    if (i == stages.denoise()) {
      spec.degrees.clear();
    } else if (on_all_ranks[i]) {
      spec.degrees.resize(static_cast<std::size_t>(kMaxDegree));
      std::iota(spec.degrees.begin(), spec.degrees.end(), 1);
    }
    changed.stage_specs.push_back(std::move(spec));
  }
  return changed;
}

}  // namespace regroup::models
