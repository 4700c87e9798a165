// GF-DiT's workload JSON. The format keeps all requests in one list, so the file is read whole.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/errors.hpp"
#include "traces/formats.hpp"
#include "traces/line_reader.hpp"
#include "traces/mixes.hpp"

namespace regroup::traces {

namespace {

using nlohmann::json;

// "Wan-AI/Wan2.2-TI2V-5B-Diffusers" -> "Wan2.2-TI2V-5B"
std::string card_name(std::string name) {
  if (const std::size_t slash = name.rfind('/'); slash != std::string::npos) {
    name.erase(0, slash + 1);
  }
  constexpr std::string_view kSuffix = "-Diffusers";
  if (name.ends_with(kSuffix)) name.resize(name.size() - kSuffix.size());
  return name;
}

std::string model_of(const json& document, const OpenOptions& options) {
  const json::json_pointer places[] = {json::json_pointer("/model"),
                                       json::json_pointer("/metadata/model")};
  for (const json::json_pointer& place : places) {
    if (document.contains(place) && document.at(place).is_string()) {
      return card_name(document.at(place).get<std::string>());
    }
  }
  return options.default_model;
}

json parse_file(const std::string& path, const std::string& name) {
  std::ifstream in(path, std::ios::binary);
  if (!in) fail<ConfigError>("{}: cannot be opened", name);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  try {
    return json::parse(text);
  } catch (const json::parse_error& error) {
    // The library counts bytes; people and editors count lines and columns.
    const std::size_t at = std::min(error.byte > 0 ? error.byte - 1 : 0, text.size());
    const auto line =
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    const std::size_t line_start = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
    fail<ConfigError>("{}:{}: column {}: not JSON: found {}{}", name, line + 1, at - line_start + 1,
                      shown(std::string_view(text).substr(at, 20)),
                      at == text.size() ? "; the file is cut off here" : "");
  } catch (const json::exception& error) {
    fail<ConfigError>("{}: not JSON that can be used: {}", name, error.what());
  }
}

// One element of `requests`, with errors that name it.
class Fields {
 public:
  Fields(const json& request, std::string place) : request_(request), place_(std::move(place)) {
    if (!request.is_object())
      fail<ConfigError>("{}: found {}; allowed: an object", place_, text_of(request));
  }

  bool has(const char* key) const { return request_.contains(key) && !request_.at(key).is_null(); }

  std::string text(const char* key) const {
    const json& value = need(key);
    if (!value.is_string() || value.get_ref<const std::string&>().empty()) refuse(key, "a text");
    return value.get<std::string>();
  }

  bool boolean(const char* key) const {
    const json& value = need(key);
    if (!value.is_boolean()) refuse(key, "true or false");
    return value.get<bool>();
  }

  std::int32_t integer(const char* key, std::int32_t least) const {
    constexpr std::int32_t kMost = std::numeric_limits<std::int32_t>::max();
    const json& value = need(key);
    if (!value.is_number_integer() || value.get<double>() < least || value.get<double>() > kMost) {
      refuse(key, fmt::format("a whole number from {} to {}", least, kMost));
    }
    return value.get<std::int32_t>();
  }

  TimePoint milliseconds(const char* key, TimePoint least) const {
    constexpr double kMost = 9e12;
    const json& value = need(key);
    if (!value.is_number() || !(value.get<double>() >= 0 && value.get<double>() <= kMost)) {
      refuse(key, fmt::format("milliseconds from 0 to {}", kMost));
    }
    const TimePoint time{Duration(std::llround(value.get<double>() * 1e6))};
    if (time < least) {
      refuse(key, fmt::format("at least {}: the arrival of {}", to_seconds(least) * 1e3,
                              std::string_view(key) == "arrival_ms" ? "the request before"
                                                                    : "the request"));
    }
    return time;
  }

 private:
  static std::string text_of(const json& value) {
    return shown(value.dump(-1, ' ', false, json::error_handler_t::replace));
  }

  const json& need(const char* key) const {
    if (!request_.contains(key)) fail<ConfigError>("{}: '{}' is missing", place_, key);
    return request_.at(key);
  }

  [[noreturn]] void refuse(const char* key, std::string_view allowed) const {
    fail<ConfigError>("{}.{}: found {}; allowed: {}", place_, key, text_of(request_.at(key)),
                      allowed);
  }

  const json& request_;
  std::string place_;
};

class GfDitReader final : public Reader {
 public:
  GfDitReader(const std::string& path, const OpenOptions& options)
      : name_(options.shown_as.empty() ? path : options.shown_as),
        document_(parse_file(path, name_)),
        model_(model_of(document_, options)) {
    if (!document_.contains("requests") || !document_.at("requests").is_array()) {
      fail<ConfigError>("{}: 'requests' is missing or not a list; a GF-DiT workload has one",
                        name_);
    }
    requests_ = &document_.at("requests");
    order_ties();
  }

  bool next(Record& record) override {
    if (next_ == order_.size()) return false;
    record.line = order_[next_++] + 1;
    const Fields fields((*requests_)[record.line - 1], where(record));
    record.id = fields.text("request_id");
    record.arrival = last_arrival_ = fields.milliseconds("arrival_ms", last_arrival_);
    record.shape = {fields.integer("width", 1), fields.integer("height", 1),
                    fields.has("num_frames") ? fields.integer("num_frames", 1) : 1};
    const bool image = record.shape.frames == 1;
    record.model = !model_.empty() ? model_ : image ? "Qwen-Image" : "Wan2.2-TI2V-5B";
    record.steps = fields.integer("num_steps", 1);
    // The generator's own default where the key is missing: Wan true, Qwen false.
    const bool guided = fields.has("do_true_cfg") ? fields.boolean("do_true_cfg") : !image;
    record.guidance = guided ? std::max(model_guidance(record.model), kGuided) : 1.0;
    record.request_class =
        fields.has("request_class") ? fields.text("request_class") : shape_name(record.shape);
    record.priority = fields.has("priority")
                          ? fields.integer("priority", -std::numeric_limits<std::int32_t>::max())
                          : 0;
    record.deadline.reset();
    if (fields.has("deadline_ms")) {
      record.deadline = fields.milliseconds("deadline_ms", record.arrival);
    }
    return true;
  }

  std::string where(const Record& record) const override {
    return fmt::format("{}: requests[{}]", name_, record.line - 1);
  }

 private:
  // do_true_cfg only says that there is guidance. A model whose scale is not known here gets one
  // that turns it on.
  static constexpr double kGuided = 4;

  // GF-DiT takes in requests that arrive at one instant by their ids. Values of the wrong kind are
  // complained of when they are read.
  void order_ties() {
    order_.resize(requests_->size());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    const auto value = [&](std::size_t i, const char* key) {
      const json& request = (*requests_)[i];
      return request.is_object() && request.contains(key) ? request.at(key) : json();
    };
    for (auto first = order_.begin(); first != order_.end();) {
      const json arrival = value(*first, "arrival_ms");
      const auto last = std::find_if(
          first, order_.end(), [&](std::size_t i) { return value(i, "arrival_ms") != arrival; });
      std::stable_sort(first, last, [&](std::size_t a, std::size_t b) {
        return value(a, "request_id") < value(b, "request_id");
      });
      first = last;
    }
  }

  std::string name_;
  json document_;
  std::string model_;
  const json* requests_ = nullptr;
  std::vector<std::size_t> order_;  // of the requests
  std::size_t next_ = 0;
  TimePoint last_arrival_{};
};

}  // namespace

std::unique_ptr<Reader> open_gfdit(const std::string& path, const OpenOptions& options) {
  return std::make_unique<GfDitReader>(path, options);
}

}  // namespace regroup::traces
