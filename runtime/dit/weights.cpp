#include "runtime/dit/weights.hpp"

#include <cmath>

#include "core/random.hpp"

namespace regroup::dit {

std::vector<float> SeededWeights::read(const std::string& name,
                                       std::span<const std::size_t> shape) {
  std::size_t size = 1;
  for (const std::size_t n : shape) size *= n;
  RandomStream random(seed_, name);
  const bool gain = name.ends_with("gain");
  const double deviation =
      shape.size() > 1 ? 1 / std::sqrt(static_cast<double>(shape.back())) : 0.1;
  std::vector<float> values(size);
  for (float& value : values)
    value = static_cast<float>((gain ? 1.0 : 0.0) + deviation * random.normal());
  return values;
}

std::vector<float> FileWeights::read(const std::string& name, std::span<const std::size_t> shape) {
  return file_.read(name, shape);
}

Linear::Linear(WeightSource& source, const std::string& name, std::size_t in, std::size_t out) {
  const std::size_t shape[] = {out, in};
  const std::vector<float> weight = source.read(name + ".weight", shape);
  weight_ = Panels::from_columns({weight.data(), out, in, in});
  bias_ = read_vector(source, name + ".bias", out);
}

Matrix Linear::operator()(ConstRows x) const {
  Matrix y(x.rows, out());
  apply(x, y.view());
  return y;
}

std::vector<float> read_vector(WeightSource& source, const std::string& name, std::size_t size) {
  const std::size_t shape[] = {size};
  return source.read(name, shape);
}

}  // namespace regroup::dit
