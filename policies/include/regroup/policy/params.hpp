// A policy's own settings, from --param key=value.
#pragma once

#include <string>
#include <string_view>

namespace regroup {

// Ask for every parameter in the constructor: the questions asked there, with their defaults and
// meanings, are what `regroup policy show` prints, and a key that was given but never asked for is
// an error. A value that is not of the asked type is an error too. To refuse a value, throw
// std::invalid_argument from the constructor.
class Params {
 public:
  int get(std::string_view key, int otherwise, std::string_view meaning = {}) const {
    return integer(key, otherwise, meaning);
  }
  double get(std::string_view key, double otherwise, std::string_view meaning = {}) const {
    return number(key, otherwise, meaning);
  }
  bool get(std::string_view key, bool otherwise, std::string_view meaning = {}) const {
    return flag(key, otherwise, meaning);
  }
  std::string get(std::string_view key, const char* otherwise,
                  std::string_view meaning = {}) const {
    return text(key, otherwise, meaning);
  }

 protected:
  ~Params() = default;

 private:
  virtual int integer(std::string_view key, int otherwise, std::string_view meaning) const = 0;
  virtual double number(std::string_view key, double otherwise, std::string_view meaning) const = 0;
  virtual bool flag(std::string_view key, bool otherwise, std::string_view meaning) const = 0;
  virtual std::string text(std::string_view key, std::string_view otherwise,
                           std::string_view meaning) const = 0;
};

}  // namespace regroup
