// How a runtime carries out decisions, where that differs from ours: so that what another simulator
// answers can be compared like for like.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/catalog.hpp"
#include "models/card.hpp"

namespace regroup::models {

class Json;

// A file of models/data/semantics, or of a user's.
struct SemanticsSpec {
  std::string name, source;
  Semantics rules;
  double dispatch_s = 0;
  double group_setup_s = 0;
  // Time of a hand-over to any other ordered group, instead of that of the bytes over the links.
  std::optional<double> reshard_s;
  // Instead of the model card's. Stages have the names of GF-DiT's cost files, which give their
  // times; those on all ranks have the layouts of denoising.
  StageGraph stages = StageGraph::chain();
  std::vector<bool> on_all_ranks;  // by stage

  // Throws ConfigError naming file and key.
  static SemanticsSpec parse(const Json& json);

  // The card with these stages.
  ModelCard applied_to(const ModelCard& card) const;
};

}  // namespace regroup::models
