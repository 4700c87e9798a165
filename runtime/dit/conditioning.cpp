#include "runtime/dit/conditioning.hpp"

#include <cmath>

namespace regroup::dit {

VectorMlp::VectorMlp(WeightSource& source, const std::string& name, std::size_t in,
                     std::size_t hidden)
    : in_(source, name + ".in", in, hidden), out_(source, name + ".out", hidden, hidden) {}

std::vector<float> VectorMlp::operator()(std::span<const float> x) const {
  Matrix inner = in_(one_row(x));
  silu(inner.view());
  return out_(inner.view()).values;
}

std::vector<float> time_features(double sigma, std::size_t n) {
  const std::size_t half = n / 2;
  std::vector<float> features(n);
  for (std::size_t i = 0; i < half; ++i) {
    const double frequency = std::pow(10000.0, -static_cast<double>(i) / static_cast<double>(half));
    features[i] = static_cast<float>(std::cos(1000 * sigma * frequency));
    features[half + i] = static_cast<float>(std::sin(1000 * sigma * frequency));
  }
  return features;
}

}  // namespace regroup::dit
