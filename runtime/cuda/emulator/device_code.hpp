// portable/device_code.hpp on the CPU; contracts are there. What is no template is in the sources.
#pragma once

#include <bit>

namespace regroup::cuda {

namespace emulator {
// shfl with `source` computed by each lane.
std::uint64_t exchange_in_warp(std::uint64_t value, int source);
void async_wait(int latest);
}  // namespace emulator

template <class Value>
Value shfl(Value value, int source) {
  static_assert(sizeof(Value) == 4 || sizeof(Value) == 8);
  std::uint64_t bits = 0;
  memcpy(&bits, &value, sizeof(value));
  bits = emulator::exchange_in_warp(bits, source);
  memcpy(&value, &bits, sizeof(value));
  return value;
}
template <class Value>
Value shfl_xor(Value value, int mask) {
  return shfl(value, lane_id() ^ mask);
}

template <int kLatest>
void async_wait() {
  emulator::async_wait(kLatest);
}

}  // namespace regroup::cuda
