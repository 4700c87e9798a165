// Memory of equal slots, carved at start-up, for what comes and goes while serving.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace regroup::cuda {

class SlotPool;

// One slot, given back when it goes out of scope. On any thread.
class Slot {
 public:
  Slot() = default;
  Slot(SlotPool& pool, int index) : pool_(&pool), index_(index) {}
  Slot(Slot&& other) noexcept : pool_(std::exchange(other.pool_, nullptr)), index_(other.index_) {}
  Slot& operator=(Slot other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(index_, other.index_);
    return *this;
  }
  ~Slot();

  std::byte* data() const;
  int index() const { return index_; }

 private:
  SlotPool* pool_ = nullptr;
  int index_ = 0;
};

// Outlives its slots, and the memory outlives it. Any thread; allocates nothing after it was made.
class SlotPool {
 public:
  // `what`: what is kept there, for the message when it is full.
  SlotPool(std::byte* memory, std::uint64_t slot_bytes, int slots, std::string what);
  SlotPool(const SlotPool&) = delete;
  SlotPool& operator=(const SlotPool&) = delete;

  // SystemError: none is free, or `bytes` are more than a slot has.
  Slot take(std::uint64_t bytes);

  int slots() const { return slots_; }
  int in_use() const;

 private:
  friend class Slot;
  void give_back(int index) noexcept;

  std::byte* memory_;
  std::uint64_t slot_bytes_;
  int slots_;
  std::string what_;
  mutable std::mutex mutex_;
  std::vector<int> free_;  // the one given back last is taken first
};

}  // namespace regroup::cuda
