// The numbers that Python's random.Random(seed).random() gives.
#pragma once

#include <cstdint>
#include <random>

namespace regroup::traces {

// Mersenne Twister MT19937 (Matsumoto, Nishimura 1998), seeded as CPython seeds it from a
// non-negative int (init_by_array over its 32-bit words, Modules/_randommodule.c).
class PythonRandom {
 public:
  explicit PythonRandom(std::uint64_t seed);

  double random();  // [0, 1), 53 bits

 private:
  std::mt19937 engine_;
};

}  // namespace regroup::traces
