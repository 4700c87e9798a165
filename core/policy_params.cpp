#include "core/policy_params.hpp"

#include <charconv>

#include "core/errors.hpp"

namespace regroup {
namespace {

template <class Number>
Number parse(std::string_view key, const std::string& text, std::string_view type) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    fail<ConfigError>("parameter {}={}: expected a value of type {}", key, text, type);
  return value;
}

}  // namespace

const std::string* PolicyParams::ask(std::string_view key, std::string_view type,
                                     std::string otherwise, std::string_view meaning) const {
  asked_.push_back(
      {std::string(key), std::string(type), std::move(otherwise), std::string(meaning)});
  const auto found = given_.find(std::string(key));
  return found == given_.end() ? nullptr : &found->second;
}

int PolicyParams::integer(std::string_view key, int otherwise, std::string_view meaning) const {
  const auto* text = ask(key, "integer", fmt::format("{}", otherwise), meaning);
  return text ? parse<int>(key, *text, "integer") : otherwise;
}

double PolicyParams::number(std::string_view key, double otherwise,
                            std::string_view meaning) const {
  const auto* text = ask(key, "number", fmt::format("{}", otherwise), meaning);
  return text ? parse<double>(key, *text, "number") : otherwise;
}

bool PolicyParams::flag(std::string_view key, bool otherwise, std::string_view meaning) const {
  const auto* text = ask(key, "flag", otherwise ? "1" : "0", meaning);
  if (!text) return otherwise;
  if (*text == "1" || *text == "true") return true;
  if (*text == "0" || *text == "false") return false;
  fail<ConfigError>("parameter {}={}: expected 0, 1, false or true", key, *text);
}

std::string PolicyParams::text(std::string_view key, std::string_view otherwise,
                               std::string_view meaning) const {
  const auto* text = ask(key, "text", std::string(otherwise), meaning);
  return text ? *text : std::string(otherwise);
}

void PolicyParams::check_all_asked(std::string_view policy) const {
  std::string known;
  for (const Question& question : asked_) known += (known.empty() ? "" : ", ") + question.key;
  for (const auto& [key, value] : given_) {
    bool was_asked = false;
    for (const Question& question : asked_) was_asked |= question.key == key;
    if (!was_asked)
      fail<ConfigError>("policy '{}' has no parameter '{}'; it has: {}", policy, key,
                        known.empty() ? "none" : known);
  }
}

}  // namespace regroup
