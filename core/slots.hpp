// Values by small numbers that are used again.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace regroup {

// Memory follows the most that were taken at one time, and once that is reached nothing is
// allocated. Values stay where they are, also when others are taken. One thread.
template <class T>
class Slots {
 public:
  // A slot of nobody's: the value is as its last user left it, or new.
  std::uint32_t take() {
    if (free_.empty()) {
      if (size_ % kBlock == 0) blocks_.push_back(std::make_unique<T[]>(kBlock));
      return size_++;
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    return slot;
  }
  // Must be taken. The value can be read until the next take().
  void give_back(std::uint32_t slot) { free_.push_back(slot); }

  T& operator[](std::uint32_t slot) { return blocks_[slot / kBlock][slot % kBlock]; }
  const T& operator[](std::uint32_t slot) const { return blocks_[slot / kBlock][slot % kBlock]; }
  // Slots that were ever taken: 0 to size() - 1.
  std::uint32_t size() const { return size_; }

 private:
  static constexpr std::uint32_t kBlock = 64;

  std::vector<std::unique_ptr<T[]>> blocks_;
  std::uint32_t size_ = 0;
  std::vector<std::uint32_t> free_;
};

}  // namespace regroup
