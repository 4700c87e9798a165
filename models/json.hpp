// Reading JSON that a person may have written: every complaint names file and key, and what is
// allowed there.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace regroup::models {

// One value of a document, which it keeps alive. All accessors throw ConfigError: a missing or
// unknown key, a value of another kind or out of range.
class Json {
 public:
  // `file` is only named in messages.
  static Json parse(std::string_view text, std::string file);
  // Throws SystemError if the file cannot be read.
  static Json read(const std::filesystem::path& file);

  // Checks "format" and "version": 1.
  void expect_format(std::string_view format) const;
  // Every key of this object must be one of these.
  void allow(std::initializer_list<std::string_view> keys) const;

  bool has(std::string_view key) const;
  Json at(std::string_view key) const;
  std::vector<std::string> keys() const;
  std::vector<Json> items() const;

  std::string string() const;
  double number() const;    // finite
  double positive() const;  // > 0
  int integer(int at_least) const;

  // Shorthands of at(key).
  std::string string(std::string_view key) const { return at(key).string(); }
  double number(std::string_view key) const { return at(key).number(); }
  double positive(std::string_view key) const { return at(key).positive(); }
  int integer(std::string_view key, int at_least) const { return at(key).integer(at_least); }
  std::vector<std::string> strings(std::string_view key) const;
  std::vector<double> numbers(std::string_view key) const;

  // "cluster.json: /nodes/0/gpus"
  std::string where() const;
  // Throws ConfigError with where() before the text.
  [[noreturn]] void complain(const std::string& text) const;

 private:
  struct Document;
  Json(std::shared_ptr<const Document> document, const void* value, std::string path)
      : document_(std::move(document)), value_(value), path_(std::move(path)) {}

  std::shared_ptr<const Document> document_;
  const void* value_;  // a node of document_
  std::string path_;   // from the root, as a JSON pointer
};

}  // namespace regroup::models
