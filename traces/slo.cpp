#include "traces/slo.hpp"

#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <utility>

#include "core/errors.hpp"
#include "traces/line_reader.hpp"
#include "traces/record.hpp"

namespace regroup::traces {

namespace {

constexpr const char* kRules =
    "trace, none, alpha=A[+SECONDS], standalone=A[+SECONDS], class:NAME=A,...[+SECONDS], "
    "tetriserve[=SCALE], hetu";

std::optional<double> positive(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (!(value > 0 && value <= 1e6)) return std::nullopt;
  return value;
}

[[noreturn]] void refuse(std::string_view rule, std::string_view part) {
  fail<ConfigError>("SLO rule {}: {} is not a number above 0, at most 1e6; the rules are: {}",
                    shown(rule), shown(part), kRules);
}

double need_positive(std::string_view rule, std::string_view text) {
  const std::optional<double> value = positive(text);
  if (!value) refuse(rule, text);
  return *value;
}

// Denoising alone in the fastest layout of exactly that many GPUs; nullopt if there is none.
std::optional<double> denoise_seconds(const Request& request, int gpus, const Catalog& catalog) {
  const StageGraph& stages = catalog.stages(request.model);
  Task task;
  task.model = request.model;
  task.shape_id = request.shape_id;
  task.shape = request.shape;
  task.stage = static_cast<std::uint8_t>(stages.denoise());
  task.kind = StageKind::kDenoise;
  task.steps_total = request.steps;
  std::optional<double> best;
  for (const Layout layout : catalog.layouts(request.shape_id, stages.denoise())) {
    if (layout.size() != gpus) continue;
    const double seconds = to_seconds(catalog.cost().predict(task, layout, request.steps));
    if (!best || seconds < *best) best = seconds;
  }
  return best;
}

// hetu_dit/utils.py estimate_ddl. Python's round() goes to the even number at a tie, as
// nearbyint() does, and int() cuts off. Its docstring says twice where the code has 1.1.
double hetu_seconds(const Request& request, const Catalog& catalog) {
  const std::optional<double> alone = denoise_seconds(request, 1, catalog);
  if (!alone) {
    fail<ConfigError>("SLO rule 'hetu': {} of {} does not run on one GPU",
                      shape_name(request.shape), catalog.model_name(request.model));
  }
  double efficient = *alone;
  for (const int gpus : {2, 4, 8}) {
    const std::optional<double> time = denoise_seconds(request, gpus, catalog);
    if (time && *alone / *time / gpus >= 0.8) efficient = *time;
  }
  return std::trunc(std::nearbyint(4 * efficient) * 1.1) + 2;
}

double tetriserve_seconds(Shape shape) {
  constexpr std::pair<std::int32_t, double> kSeconds[] = {
      {256, 1.5}, {512, 2.0}, {1024, 3.0}, {2048, 5.0}};
  for (const auto& [size, seconds] : kSeconds) {
    if (shape == Shape{size, size, 1}) return seconds;
  }
  fail<ConfigError>(
      "SLO rule 'tetriserve' has no deadline for {}; it knows 256x256, 512x512, "
      "1024x1024 and 2048x2048",
      shape_name(shape));
}

}  // namespace

SloRule SloRule::parse(std::string_view text) {
  SloRule rule;
  rule.text_ = text;
  const bool by_class = text.starts_with("class:");
  const std::size_t head = std::min(text.find_first_of(by_class ? ":" : "="), text.size());
  const std::string_view name = text.substr(0, head);
  const bool has_value = head < text.size();
  std::string_view value = has_value ? text.substr(head + 1) : std::string_view{};

  const bool of_t1 = name == "alpha" || name == "standalone" || by_class;
  if (const std::size_t plus = value.rfind('+'); of_t1 && plus != std::string_view::npos) {
    rule.constant_s_ = need_positive(text, value.substr(plus + 1));
    value = value.substr(0, plus);
  }

  if (name == "trace" && !has_value) {
    rule.kind_ = Kind::kTrace;
  } else if (name == "none" && !has_value) {
    rule.kind_ = Kind::kNone;
  } else if (name == "hetu" && !has_value) {
    rule.kind_ = Kind::kHetu;
  } else if (name == "tetriserve") {
    rule.kind_ = Kind::kTetriServe;
    if (has_value) rule.scale_ = need_positive(text, value);
  } else if (by_class) {
    rule.kind_ = Kind::kByClass;
    while (true) {
      const std::size_t comma = std::min(value.find(','), value.size());
      const std::string_view part = value.substr(0, comma);
      const std::size_t equals = part.rfind('=');
      if (equals == std::string_view::npos || equals == 0) {
        fail<ConfigError>("SLO rule {}: {} is not NAME=A; the rules are: {}", shown(text),
                          shown(part), kRules);
      }
      const std::string request_class(part.substr(0, equals));
      if (!rule.alpha_.emplace(request_class, need_positive(text, part.substr(equals + 1)))
               .second) {
        fail<ConfigError>("SLO rule {}: class {} is given twice", shown(text),
                          shown(request_class));
      }
      if (comma == value.size()) break;
      value.remove_prefix(comma + 1);
    }
  } else if (of_t1 && has_value) {
    rule.kind_ = Kind::kAlpha;
    if (name == "standalone" && value.ends_with('x')) value.remove_suffix(1);
    rule.scale_ = need_positive(text, value);
  } else {
    fail<ConfigError>("SLO rule {} is not known; the rules are: {}", shown(text), kRules);
  }
  return rule;
}

std::optional<Duration> SloRule::allowance(const Request& request, std::string_view request_class,
                                           const Catalog& catalog) const {
  const auto t1_s = [&] {
    return to_seconds(catalog.standalone(request.shape_id, request.steps, 1));
  };
  switch (kind_) {
    case Kind::kNone:
      return std::nullopt;
    case Kind::kAlpha:
      return from_seconds(scale_ * t1_s() + constant_s_);
    case Kind::kByClass: {
      const auto found = alpha_.find(request_class);
      if (found == alpha_.end()) {
        std::vector<std::string> known;
        for (const auto& [name, alpha] : alpha_) known.push_back(name);
        fail<ConfigError>("SLO rule {} has no alpha for class {}; it knows: {}", shown(text_),
                          shown(request_class), fmt::join(known, ", "));
      }
      return from_seconds(found->second * t1_s() + constant_s_);
    }
    case Kind::kTetriServe:
      return from_seconds(scale_ * tetriserve_seconds(request.shape));
    case Kind::kHetu:
      return from_seconds(hetu_seconds(request, catalog));
    case Kind::kTrace:
      break;
  }
  RG_CHECK(false, "the deadlines of the trace are not computed");
}

}  // namespace regroup::traces
