#include "models/layouts.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace regroup::models {

std::string why_not(const ModelCard& card, std::size_t stage, int forwards, Layout layout) {
  if (layout.cfg < 1 || layout.ulysses < 1 || layout.ring < 1 || layout.tp < 1)
    return "every degree of a layout is at least 1";
  if (layout.tp != 1)
    return fmt::format("tensor parallel {} is not modelled; tp must be 1", layout.tp);
  if (layout.size() > kMaxDegree)
    return fmt::format("{} GPUs; a group has at most {}", layout.size(), kMaxDegree);
  const StageSpec& spec = card.stage_specs[stage];
  if (card.stages.stage(stage).kind != StageKind::kDenoise) {
    if (layout.cfg == 1 && layout.ring == 1 &&
        std::find(spec.degrees.begin(), spec.degrees.end(), layout.ulysses) != spec.degrees.end())
      return {};
    return fmt::format("stage '{}' of {} runs on {} GPUs (as ulysses), not on {}",
                       card.stages.stage(stage).name, card.name, fmt::join(spec.degrees, " or "),
                       to_string(layout));
  }
  if (card.heads % layout.ulysses != 0)
    return fmt::format("ulysses {} does not divide the {} heads of {}", layout.ulysses, card.heads,
                       card.name);
  if (layout.cfg > 2 || layout.cfg > forwards)
    return fmt::format("cfg {}: a step of {} at this guidance has {} forward pass{}", layout.cfg,
                       card.name, forwards, forwards == 1 ? "" : "es");
  return {};
}

std::vector<Layout> usual_layouts(const ModelCard& card, std::size_t stage, int forwards,
                                  int gpus) {
  std::vector<Layout> layouts;
  for (int size = 1; size <= std::min(gpus, kMaxDegree); ++size) {
    const bool split = forwards == 2 && size % 2 == 0;
    Layout layout{.cfg = static_cast<std::uint8_t>(split ? 2 : 1),
                  .ulysses = static_cast<std::uint8_t>(split ? size / 2 : size)};
    if (!why_not(card, stage, forwards, layout).empty())
      layout = {.ulysses = static_cast<std::uint8_t>(size)};
    if (why_not(card, stage, forwards, layout).empty()) layouts.push_back(layout);
  }
  return layouts;
}

std::string to_string(Layout layout) {
  std::string text;
  const auto add = [&](const char* name, int degree) {
    if (degree > 1) text += fmt::format("{}{} {}", text.empty() ? "" : " x ", name, degree);
  };
  add("cfg", layout.cfg);
  add("ulysses", layout.ulysses);
  add("ring", layout.ring);
  add("tp", layout.tp);
  return text.empty() ? "1 GPU" : text;
}

}  // namespace regroup::models
