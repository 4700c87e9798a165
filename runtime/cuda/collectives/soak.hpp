// Very many collectives of random groups, every byte checked; and one order turned round, which
// must be noticed. On GPUs a verb runs it at full length, on the emulator a test runs it small.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/cuda/collectives/device_world.hpp"
#include "runtime/cuda/gpu/machine.hpp"

namespace regroup::cuda {

struct SoakOptions {
  std::uint64_t seed = 1;
  std::uint64_t operations = 100'000;  // of the world; a rank has part in those of its groups
  // Of a random shape. A staging slot must hold all of it, for groups of one rank.
  collectives::TensorShape largest{160, 12, 64, 3, 0};
};

struct SoakReport {
  int ranks = 0;
  std::string sync;
  std::uint64_t operations = 0;
  std::uint64_t checked_bytes = 0;  // of all ranks
  std::uint64_t wrong_bytes = 0;
  double seconds = 0;
  std::string failure;  // in words, the first that there should not have been; empty: none

  // Two ranks were given two operations in two orders. From the last rank's having enqueued them
  // until all streams had run empty.
  bool inversion_noticed = false;
  std::string inversion;  // what was reported, in words
  double inversion_seconds = 0;
  // After re-arming, a tenth of the operations again.
  bool right_after_rearm = false;

  // An inversion is to be noticed within a second.
  bool passed() const;
};

// Before arming, all streams idle and no rank's context current to another thread: the ranks' work
// buffers are allocated first, then it arms, works, and disarms. `world` is the machine's, of at
// least two ranks, with a watchdog that slow ranks do not run into; it is re-armed at the end.
// ConfigError: slots too small; CudaError.
SoakReport collectives_soak(const Machine& machine, DeviceWorld& world, const SoakOptions& options);

// One object of JSON.
std::string soak_json(const SoakReport& report);

}  // namespace regroup::cuda
