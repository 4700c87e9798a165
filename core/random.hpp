// Random numbers that are the same on every machine: a specified engine and our own distributions
// (those of the standard library differ between implementations).
#pragma once

#include <cstdint>
#include <string_view>

namespace regroup {

// SplitMix64's finaliser (Steele, Lea, Flood: Fast splittable pseudorandom number generators,
// 2014).
constexpr std::uint64_t mix64(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// The top 53 bits as a number in [0, 1).
constexpr double unit_interval(std::uint64_t bits) {
  return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

// A stream of its own for every consumer, so that drawing more in one place changes nothing in
// another. Engine: xoshiro256** (Blackman, Vigna 2018), seeded from (seed, name) by SplitMix64.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::string_view name);

  std::uint64_t bits();
  double uniform() { return unit_interval(bits()); }  // [0, 1)
  double exponential(double rate);                    // mean 1 / rate; by inversion
  double normal();                                    // mean 0, variance 1; Marsaglia polar
  std::uint64_t below(std::uint64_t n);               // [0, n), unbiased (Lemire 2019)

 private:
  std::uint64_t state_[4];
};

// One number of a family, by position rather than by order of drawing: the k-th step of task t has
// the same value whoever asks first. Used for jitter. Standard normal.
double normal_at(std::uint64_t seed, std::uint64_t a, std::uint64_t b);

}  // namespace regroup
