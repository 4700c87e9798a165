#include "runtime/cuda/backend/slot_pool.hpp"

#include <fmt/format.h>

#include "core/errors.hpp"

namespace regroup::cuda {

Slot::~Slot() {
  if (pool_ != nullptr) pool_->give_back(index_);
}

std::byte* Slot::data() const {
  return pool_->memory_ + static_cast<std::uint64_t>(index_) * pool_->slot_bytes_;
}

SlotPool::SlotPool(std::byte* memory, std::uint64_t slot_bytes, int slots, std::string what)
    : memory_(memory), slot_bytes_(slot_bytes), slots_(slots), what_(std::move(what)) {
  free_.reserve(static_cast<std::size_t>(slots));
  for (int index = slots; index-- > 0;) free_.push_back(index);
}

Slot SlotPool::take(std::uint64_t bytes) {
  if (bytes > slot_bytes_)
    fail<SystemError>("{} of {} bytes: there is room for {}", what_, bytes, slot_bytes_);
  const std::lock_guard lock(mutex_);
  if (free_.empty())
    fail<SystemError>("all {} slots for {} are in use; --states N reserves more", slots_, what_);
  const int index = free_.back();
  free_.pop_back();
  return {*this, index};
}

int SlotPool::in_use() const {
  const std::lock_guard lock(mutex_);
  return slots_ - static_cast<int>(free_.size());
}

void SlotPool::give_back(int index) noexcept {
  const std::lock_guard lock(mutex_);
  free_.push_back(index);
}

}  // namespace regroup::cuda
