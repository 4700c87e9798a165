#include "traces/mixes.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "core/errors.hpp"
#include "traces/line_reader.hpp"

namespace regroup::traces {

namespace {

Mix square_images(std::string_view model, int steps, std::initializer_list<std::int32_t> sizes) {
  Mix mix;
  for (const std::int32_t size : sizes) {
    const Shape shape{size, size, 1};
    mix.push_back({.model = std::string(model),
                   .shape = shape,
                   .steps = steps,
                   .guidance = model_guidance(model),
                   .request_class = shape_name(shape)});
  }
  return mix;
}

Mix tetriserve(bool skewed) {
  Mix mix = square_images("FLUX.1-dev", 50, {256, 512, 1024, 2048});
  const auto tokens = [](Shape shape) { return double(shape.width) * double(shape.height) / 256; };
  const double most = tokens(mix.back().shape);
  for (MixEntry& entry : mix) {
    entry.weight = skewed ? std::exp(tokens(entry.shape) / most) : 1;
  }
  return mix;
}

Mix gfdit(std::string_view model, double guidance, const std::array<Shape, 3>& shapes) {
  constexpr std::array<std::string_view, 3> kClasses = {"S", "M", "L"};
  constexpr std::array<int, 3> kPriorities = {100, 50, 0};
  constexpr std::array<double, 3> kWeights = {.55, .35, .10};
  Mix mix;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    mix.push_back({.model = std::string(model),
                   .shape = shapes[i],
                   .steps = 50,
                   .guidance = guidance,
                   .request_class = std::string(kClasses[i]),
                   .priority = kPriorities[i],
                   .weight = kWeights[i]});
  }
  return mix;
}

// The text up to the next `separator`, which is taken off `rest` with it.
std::string_view take(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

template <class Number>
bool parse_positive(std::string_view text, Number& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && value > 0 && value < 1e9;
}

MixEntry parse_entry(std::string_view text) {
  std::string_view rest = text;
  MixEntry entry;
  entry.model = take(rest, ':');
  const std::optional<Shape> shape = parse_shape(take(rest, ':'));
  const std::string_view steps = take(rest, ':');
  const std::string_view weight = take(rest, ':');

  bool good = !entry.model.empty() && rest.empty() && shape;
  good = good && parse_positive(steps, entry.steps);
  good = good && (weight.empty() || parse_positive(weight, entry.weight));
  if (!good) {
    fail<ConfigError>("mix: found {}; allowed: MODEL:WxH[xF]:STEPS[:WEIGHT], or a name: {}",
                      shown(text), fmt::join(mix_names(), ", "));
  }
  entry.shape = *shape;
  entry.guidance = model_guidance(entry.model);
  entry.request_class = shape_name(entry.shape);
  return entry;
}

}  // namespace

std::optional<Shape> parse_shape(std::string_view text) {
  Shape shape;
  bool good = parse_positive(take(text, 'x'), shape.width);
  good = good && parse_positive(take(text, 'x'), shape.height);
  good = good && (text.empty() || parse_positive(text, shape.frames));
  return good ? std::optional(shape) : std::nullopt;
}

Mix named_mix(std::string_view name) {
  if (name == "tetriserve-uniform") return tetriserve(false);
  if (name == "tetriserve-skewed") return tetriserve(true);
  if (name == "gfdit-wan") {
    return gfdit("Wan2.2-TI2V-5B", model_guidance("Wan2.2-TI2V-5B"),
                 {{{832, 480, 49}, {832, 480, 81}, {1280, 720, 81}}});
  }
  if (name == "gfdit-qwen") {
    return gfdit("Qwen-Image", 1, {{{512, 512, 1}, {1024, 1024, 1}, {1536, 1536, 1}}});
  }
  if (name == "hetu-flux") return square_images("FLUX.1-dev", 28, {128, 256, 512, 1024, 2048});
  fail<ConfigError>("mix {} is not known; allowed: {}", shown(name), fmt::join(mix_names(), ", "));
}

std::vector<std::string> mix_names() {
  return {"tetriserve-uniform", "tetriserve-skewed", "gfdit-wan", "gfdit-qwen", "hetu-flux"};
}

Mix parse_mix(std::string_view text) {
  if (text.find(':') == std::string_view::npos) return named_mix(text);
  Mix mix;
  for (;;) {
    const bool last = text.find(',') == std::string_view::npos;
    mix.push_back(parse_entry(take(text, ',')));
    if (last) break;
  }
  return mix;
}

void fill(Record& record, const MixEntry& entry, std::optional<int> steps) {
  record.model = entry.model;
  record.shape = entry.shape;
  record.steps = steps.value_or(entry.steps);
  record.guidance = entry.guidance;
  record.request_class = entry.request_class;
  record.priority = entry.priority;
  record.deadline.reset();
}

const MixEntry& draw(const Mix& mix, RandomStream& random) {
  double total = 0;
  for (const MixEntry& entry : mix) total += entry.weight;
  double left = random.uniform() * total;
  for (const MixEntry& entry : mix) {
    left -= entry.weight;
    if (left < 0) return entry;
  }
  return mix.back();  // rounding
}

double model_guidance(std::string_view model) {
  // The defaults of the models' own pipelines.
  constexpr std::pair<std::string_view, double> kScales[] = {
      {"CogVideoX1.5-5B", 6}, {"Qwen-Image", 4},     {"SD3-medium", 7},
      {"Wan2.1-T2V-1.3B", 6}, {"Wan2.1-T2V-14B", 5}, {"Wan2.2-TI2V-5B", 5},
  };
  for (const auto& [name, scale] : kScales) {
    if (name == model) return scale;
  }
  return 1;
}

}  // namespace regroup::traces
