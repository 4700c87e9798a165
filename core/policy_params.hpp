// The --param key=value pairs of one policy.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "regroup/policy/params.hpp"

namespace regroup {

// Remembers what the policy's constructor asked, which is how a policy's parameters are known.
class PolicyParams final : public Params {
 public:
  struct Question {
    std::string key;
    std::string type;  // "integer", "number", "flag" or "text"
    std::string otherwise;
    std::string meaning;
  };

  PolicyParams() = default;
  explicit PolicyParams(std::map<std::string, std::string> given) : given_(std::move(given)) {}

  // In the order asked.
  const std::vector<Question>& asked() const { return asked_; }
  // Throws ConfigError for a given key that was never asked for, and says which keys there are.
  void check_all_asked(std::string_view policy) const;

 private:
  int integer(std::string_view key, int otherwise, std::string_view meaning) const override;
  double number(std::string_view key, double otherwise, std::string_view meaning) const override;
  bool flag(std::string_view key, bool otherwise, std::string_view meaning) const override;
  std::string text(std::string_view key, std::string_view otherwise,
                   std::string_view meaning) const override;
  // The given text, or nullptr.
  const std::string* ask(std::string_view key, std::string_view type, std::string otherwise,
                         std::string_view meaning) const;

  std::map<std::string, std::string> given_;
  mutable std::vector<Question> asked_;  // asking is const for the policy that asks
};

}  // namespace regroup
