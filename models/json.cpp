#include "models/json.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "core/errors.hpp"

namespace regroup::models {
namespace {

const nlohmann::json& node(const void* value) { return *static_cast<const nlohmann::json*>(value); }

}  // namespace

struct Json::Document {
  std::string file;
  nlohmann::json root;
};

Json Json::parse(std::string_view text, std::string file) {
  auto document = std::make_shared<Document>();
  document->file = std::move(file);
  try {
    document->root = nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    fail<ConfigError>("{}: not JSON: {}", document->file, error.what());  // has line and column
  }
  const void* root = &document->root;
  return Json(std::move(document), root, "");
}

Json Json::read(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  if (!in.is_open() || in.bad()) fail<SystemError>("{}: cannot be read", file.string());
  return parse(text, file.string());
}

std::string Json::where() const { return document_->file + ": " + (path_.empty() ? "/" : path_); }

void Json::complain(const std::string& text) const { fail<ConfigError>("{}: {}", where(), text); }

void Json::expect_format(std::string_view format) const {
  if (string("format") != format)
    at("format").complain(fmt::format("'{}', expected '{}'", string("format"), format));
  if (integer("version", 0) != 1)
    at("version").complain(fmt::format("version {}, this program reads 1", integer("version", 0)));
}

void Json::allow(std::initializer_list<std::string_view> allowed) const {
  for (const std::string& key : keys())
    if (std::find(allowed.begin(), allowed.end(), key) == allowed.end())
      complain(fmt::format("unknown key '{}'; allowed: {}", key, fmt::join(allowed, ", ")));
}

bool Json::has(std::string_view key) const {
  return node(value_).is_object() && node(value_).contains(key);
}

Json Json::at(std::string_view key) const {
  if (!node(value_).is_object()) complain("expected an object");
  const auto found = node(value_).find(key);
  if (found == node(value_).end()) complain(fmt::format("key '{}' is missing", key));
  return Json(document_, &*found, fmt::format("{}/{}", path_, key));
}

std::vector<std::string> Json::keys() const {
  if (!node(value_).is_object()) complain("expected an object");
  std::vector<std::string> all;
  for (const auto& item : node(value_).items()) all.push_back(item.key());
  return all;
}

std::vector<Json> Json::items() const {
  if (!node(value_).is_array()) complain("expected a list");
  std::vector<Json> all;
  for (std::size_t i = 0; i < node(value_).size(); ++i)
    all.push_back(Json(document_, &node(value_)[i], fmt::format("{}/{}", path_, i)));
  return all;
}

std::string Json::string() const {
  if (!node(value_).is_string()) complain("expected text");
  return node(value_).get<std::string>();
}

double Json::number() const {
  if (!node(value_).is_number() || !std::isfinite(node(value_).get<double>()))
    complain("expected a number");
  return node(value_).get<double>();
}

double Json::positive() const {
  const double value = number();
  if (value <= 0) complain(fmt::format("{} is not greater than 0", value));
  return value;
}

int Json::integer(int at_least) const {
  const double value = number();
  if (value != std::floor(value) || value < at_least || value > 1e9)
    complain(fmt::format("{} is not a whole number of at least {}", value, at_least));
  return static_cast<int>(value);
}

std::vector<std::string> Json::strings(std::string_view key) const {
  std::vector<std::string> all;
  for (const Json& item : at(key).items()) all.push_back(item.string());
  return all;
}

std::vector<double> Json::numbers(std::string_view key) const {
  std::vector<double> all;
  for (const Json& item : at(key).items()) all.push_back(item.number());
  return all;
}

}  // namespace regroup::models
