// What a thread of a block does alone: time, arithmetic, copies in the background.
#include <chrono>
#include <cmath>

#include "runtime/cuda/emulator/block.hpp"
#include "runtime/cuda/portable/device_code.hpp"

namespace regroup::cuda {

namespace emulator {

std::byte* dynamic_shared() { return Block::mine().shared(); }

void async_wait(int latest) {
  AsyncCopies& copies = Block::mine().async_copies();
  const auto due = [&](const AsyncCopies::Copy& copy) {
    return copy.group < copies.group - latest;
  };
  for (const AsyncCopies::Copy& copy : copies.pending) {
    if (!due(copy)) continue;
    if (copy.from != nullptr)
      std::memcpy(copy.to, copy.from, 16);
    else
      std::memset(copy.to, 0, 16);
  }
  std::erase_if(copies.pending, due);
}

}  // namespace emulator

void async_copy16(void* shared, const void* from, bool valid) {
  emulator::Block& block = emulator::Block::mine();
  if (reinterpret_cast<std::uintptr_t>(shared) % 16 != 0 ||
      reinterpret_cast<std::uintptr_t>(from) % 16 != 0)
    block.fail("async_copy16: an address is not a multiple of 16");
  std::memset(shared, 0xff, 16);
  emulator::AsyncCopies& copies = block.async_copies();
  copies.pending.push_back({static_cast<std::byte*>(shared),
                            valid ? static_cast<const std::byte*>(from) : nullptr, copies.group});
}

void async_commit() { ++emulator::Block::mine().async_copies().group; }

void fence_system() { __threadfence_system(); }

std::int64_t global_timer_ns() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

void nap(std::uint32_t) { emulator::Block::mine().nap(); }

float fast_exp2(float x) { return std::exp2(x); }
float fast_exp(float x) { return std::exp(x); }
float fast_rsqrt(float x) { return 1.0f / std::sqrt(x); }
float fast_divide(float a, float b) { return a / b; }

}  // namespace regroup::cuda
