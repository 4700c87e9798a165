#include "traces/python_random.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace regroup::traces {

namespace {

// A seed sequence (as the standard library asks for) that fills the 624 words of the engine's state
// by init_by_array.
class InitByArray {
 public:
  using result_type = std::uint32_t;

  explicit InitByArray(std::uint64_t seed) : key_{static_cast<std::uint32_t>(seed)} {
    if (const auto high = static_cast<std::uint32_t>(seed >> 32); high != 0) key_.push_back(high);
  }

  template <class Iterator>
  void generate(Iterator begin, Iterator end) const {
    std::array<std::uint32_t, kWords> state = init_genrand(19650218);
    std::size_t i = 1;
    std::size_t j = 0;
    const auto advance = [&] {
      if (++i < kWords) return;
      state[0] = state[kWords - 1];
      i = 1;
    };
    for (std::size_t k = 0; k < kWords; ++k) {  // the key is shorter than the state
      state[i] =
          (state[i] ^ (mixed(state[i - 1]) * 1664525u)) + key_[j] + static_cast<std::uint32_t>(j);
      advance();
      j = (j + 1) % key_.size();
    }
    for (std::size_t k = 0; k + 1 < kWords; ++k) {
      state[i] = (state[i] ^ (mixed(state[i - 1]) * 1566083941u)) - static_cast<std::uint32_t>(i);
      advance();
    }
    state[0] = 0x80000000u;
    std::copy(state.begin(), state.begin() + (end - begin), begin);
  }

 private:
  static constexpr std::size_t kWords = std::mt19937::state_size;

  static std::uint32_t mixed(std::uint32_t word) { return word ^ (word >> 30); }

  static std::array<std::uint32_t, kWords> init_genrand(std::uint32_t seed) {
    std::array<std::uint32_t, kWords> state{seed};
    for (std::size_t i = 1; i < kWords; ++i) {
      state[i] = 1812433253u * mixed(state[i - 1]) + static_cast<std::uint32_t>(i);
    }
    return state;
  }

  std::vector<std::uint32_t> key_;
};

std::mt19937 seeded(std::uint64_t seed) {
  InitByArray sequence(seed);
  return std::mt19937(sequence);
}

}  // namespace

PythonRandom::PythonRandom(std::uint64_t seed) : engine_(seeded(seed)) {}

double PythonRandom::random() {
  const auto high = static_cast<double>(engine_() >> 5);  // 27 bits
  const auto low = static_cast<double>(engine_() >> 6);   // 26 bits
  return (high * 0x1p26 + low) * 0x1p-53;
}

}  // namespace regroup::traces
