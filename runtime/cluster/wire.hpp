// Values to bytes and back. All processes of a job run the same program on the same kind of
// machine, so a value travels as it lies in memory; what is checked is that the sizes agree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "core/errors.hpp"

namespace regroup::cluster {

using Bytes = std::vector<std::byte>;

class Writer {
 public:
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void put(const T& value) { append(&value, sizeof value); }
  void put(const std::string& text) { put_span(std::span(text)); }
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void put(const std::vector<T>& values) { put_span(std::span(values)); }

  Bytes take() { return std::move(bytes_); }

 private:
  template <class T>
  void put_span(std::span<const T> values) {
    put(static_cast<std::uint64_t>(values.size()));
    append(values.data(), values.size_bytes());
  }
  void append(const void* from, std::size_t count) {
    const auto* bytes = static_cast<const std::byte*>(from);
    bytes_.insert(bytes_.end(), bytes, bytes + count);
  }

  Bytes bytes_;
};

// Throws SystemError where the bytes are not what a Writer wrote.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : left_(bytes), size_(bytes.size()) {}

  template <class T>
  requires std::is_trivially_copyable_v<T>
  void get(T& value) { std::memcpy(&value, take(sizeof value), sizeof value); }
  void get(std::string& text) { get_span(text); }
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void get(std::vector<T>& values) { get_span(values); }
  // How many values follow, each of at least one byte.
  std::size_t get_count() {
    std::uint64_t count = 0;
    get(count);
    if (count > left_.size()) too_short();
    return static_cast<std::size_t>(count);
  }
  void finish() const {
    if (!left_.empty())
      fail<SystemError>("a message of {} bytes is {} too long", size_, left_.size());
  }

 private:
  template <class Container>
  void get_span(Container& values) {
    constexpr std::size_t kEach = sizeof values[0];
    values.resize(get_count());
    if (values.empty()) return;
    std::memcpy(values.data(), take(values.size() * kEach), values.size() * kEach);
  }
  const std::byte* take(std::size_t count) {
    if (count > left_.size()) too_short();
    const std::byte* from = left_.data();
    left_ = left_.subspan(count);
    return from;
  }
  [[noreturn]] void too_short() const {
    fail<SystemError>("a message of {} bytes ends too early", size_);
  }

  std::span<const std::byte> left_;
  std::size_t size_;
};

}  // namespace regroup::cluster
