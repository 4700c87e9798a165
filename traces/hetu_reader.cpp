// Hetu-DiT's trace text: the repr of a Python dataclass on every line.
//
//   Request(request_id=0, timestamp=0.0, height=256, width=256, num_frames=1, prompt='...',
//           negative_prompt='...', num_inference_steps=28)
#include <array>
#include <bitset>
#include <charconv>
#include <limits>

#include "core/errors.hpp"
#include "traces/formats.hpp"
#include "traces/line_reader.hpp"
#include "traces/mixes.hpp"

namespace regroup::traces {

namespace {

constexpr std::string_view kStart = "Request(";

enum Key : std::size_t {
  kRequestId,
  kTimestamp,
  kHeight,
  kWidth,
  kFrames,
  kPrompt,
  kNegativePrompt,
  kSteps,
  kSlo,
  kKeys
};
constexpr std::array<std::string_view, kKeys> kNames = {
    "request_id",      "timestamp",           "height", "width", "num_frames", "prompt",
    "negative_prompt", "num_inference_steps", "slo_ms"};
constexpr bool is_needed(std::size_t key) {
  return key != kPrompt && key != kNegativePrompt && key != kFrames && key != kSlo;
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Whether `rest`, which follows a quote, shows that the quote ended its string: the end of the
// request, or the next key. Prompts with quotes of their own, escaped or not, are read right.
bool ends_value(std::string_view rest) {
  if (rest == ")") return true;
  if (!rest.starts_with(", ")) return false;
  std::size_t at = 2;
  while (at < rest.size() && is_word(rest[at])) ++at;
  return at > 2 && at < rest.size() && rest[at] == '=';
}

class HetuReader final : public Reader {
 public:
  HetuReader(const std::string& path, const OpenOptions& options)
      : lines_(path, options.shown_as), model_(options.default_model), inferred_(model_.empty()) {}

  bool next(Record& record) override {
    do {
      if (!lines_.next(line_)) return false;
    } while (line_.find_first_not_of(" \t") == std::string_view::npos);
    split();
    record.line = lines_.line_number();
    record.id = values_[kRequestId];
    record.arrival = arrival();
    record.shape = {integer(kWidth), integer(kHeight), given_[kFrames] ? integer(kFrames) : 1};
    record.steps = integer(kSteps);
    record.model = model(record.shape);
    record.guidance = model_guidance(record.model);
    record.request_class = shape_name(record.shape);
    record.priority = 0;
    record.deadline.reset();
    if (given_[kSlo]) {
      record.deadline = record.arrival + from_seconds(number(kSlo, 9e11) / 1e3);
    }
    return true;
  }

  std::string where(const Record& record) const override {
    return fmt::format("{}:{}", lines_.path(), record.line);
  }

 private:
  // Finds the value of every key in line_.
  void split() {
    if (!line_.starts_with(kStart)) refuse(0, "'Request('");
    given_.reset();
    at_ = kStart.size();
    for (;;) {
      const std::size_t key = read_key();
      values_[key] = read_value();
      given_.set(key);
      if (line_.substr(at_) == ")") break;
      if (line_.substr(at_, 2) != ", ") refuse(at_, "', ' and the next key, or ')' at the end");
      at_ += 2;
    }
    for (std::size_t key = 0; key < kKeys; ++key) {
      if (!given_[key] && is_needed(key)) {
        fail<ConfigError>("{}: '{}' is missing", lines_.where(), kNames[key]);
      }
    }
  }

  std::size_t read_key() {
    const std::size_t equals = line_.find('=', at_);
    const std::string_view name = line_.substr(at_, equals - at_);
    for (std::size_t key = 0; key < kKeys && equals != std::string_view::npos; ++key) {
      if (kNames[key] != name) continue;
      if (given_[key]) {
        fail<ConfigError>("{}: column {}: '{}' is given twice", lines_.where(), at_ + 1, name);
      }
      at_ = equals + 1;
      return key;
    }
    refuse(at_, fmt::format("{}, each followed by '='", fmt::join(kNames, ", ")));
  }

  std::string_view read_value() {
    const std::size_t from = at_;
    const char quote = at_ < line_.size() ? line_[at_] : ' ';
    if (quote != '\'' && quote != '"') {
      at_ = std::min(line_.find_first_of(",)", at_), line_.size());
      return line_.substr(from, at_ - from);
    }
    for (++at_; at_ < line_.size(); ++at_) {
      if (line_[at_] == '\\') {
        ++at_;
      } else if (line_[at_] == quote && ends_value(line_.substr(at_ + 1))) {
        ++at_;
        return line_.substr(from + 1, at_ - from - 2);
      }
    }
    at_ = line_.size();
    refuse(from, "a text whose closing quote is on the same line");
  }

  TimePoint arrival() {
    const TimePoint time{from_seconds(number(kTimestamp, 9e9))};
    if (time < last_arrival_) {
      refuse_value(kTimestamp, fmt::format("at least {}, the timestamp of the request before",
                                           to_seconds(last_arrival_)));
    }
    last_arrival_ = time;
    return time;
  }

  const std::string& model(Shape shape) {
    if (model_.empty()) model_ = shape.frames == 1 ? "FLUX.1-dev" : "CogVideoX1.5-5B";
    if (inferred_ && model_ == "FLUX.1-dev" && shape.frames != 1) {
      fail<ConfigError>(
          "{}: num_frames is {}, but the file names no model and began with one frame (taken for "
          "FLUX.1-dev, which makes images); name the model of this trace",
          lines_.where(), shape.frames);
    }
    return model_;
  }

  std::int32_t integer(Key key) const {
    std::int32_t value = 0;
    if (!parse(values_[key], value) || value < 1) {
      refuse_value(key, fmt::format("a whole number from 1 to {}",
                                    std::numeric_limits<std::int32_t>::max()));
    }
    return value;
  }

  double number(Key key, double most) const {
    double value = 0;
    if (!parse(values_[key], value) || !(value >= 0 && value <= most)) {
      refuse_value(key, fmt::format("a number from 0 to {}", most));
    }
    return value;
  }

  template <class Number>
  static bool parse(std::string_view text, Number& value) {
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, value);
    return error == std::errc{} && at == end;
  }

  [[noreturn]] void refuse(std::size_t at, std::string_view allowed) const {
    fail<ConfigError>("{}: column {}: found {}; allowed: {}", lines_.where(), at + 1,
                      shown(line_.substr(std::min(at, line_.size()))), allowed);
  }

  [[noreturn]] void refuse_value(Key key, std::string_view allowed) const {
    fail<ConfigError>("{}: column {} ({}): found {}; allowed: {}", lines_.where(),
                      values_[key].data() - line_.data() + 1, kNames[key], shown(values_[key]),
                      allowed);
  }

  LineReader lines_;
  std::string model_;
  bool inferred_;
  TimePoint last_arrival_{};

  // The line being read, and what was found in it.
  std::string_view line_;
  std::size_t at_ = 0;
  std::array<std::string_view, kKeys> values_;
  std::bitset<kKeys> given_;
};

}  // namespace

std::unique_ptr<Reader> open_hetu(const std::string& path, const OpenOptions& options) {
  return std::make_unique<HetuReader>(path, options);
}

}  // namespace regroup::traces
