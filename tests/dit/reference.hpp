// The model once more: in double precision, one number at a time, whole sequences only, straight
// from the papers. Slow and plain, to compare with.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/dit/model.hpp"

namespace regroup::dit::reference {

using Vector = std::vector<double>;
using Table = std::vector<Vector>;

Table table(const Matrix& matrix);
Table slice(const Table& rows, std::size_t first, std::size_t count);
Table columns(const Table& rows, std::size_t first, std::size_t count);

Vector layer_norm(const Vector& x, const Vector& gain, const Vector& offset);
Vector rms_norm(const Vector& x, const Vector& gain);
double gelu(double x);
double silu(double x);
// One head.
Table attend(const Table& q, const Table& k, const Table& v);
// One head at (frame, row, column).
Vector rope(const Vector& head, const DitConfig& config, const double (&at)[3]);

// Seeded weights that remember what they handed out.
class Recorder final : public WeightSource {
 public:
  explicit Recorder(std::uint64_t seed) : seeded_(seed) {}
  std::vector<float> read(const std::string& name, std::span<const std::size_t> shape) override;

  const std::map<std::string, Vector>& tensors() const { return tensors_; }

 private:
  SeededWeights seeded_;
  std::map<std::string, Vector> tensors_;
};

// One forward pass of the whole model: the velocity of every latent token.
Table velocity(const DitConfig& config, const std::map<std::string, Vector>& tensors,
               const LatentShape& shape, const Prompt& prompt, double sigma, const Matrix& latents);

// The largest difference, relative to the largest number of the reference.
double error(const Matrix& actual, const Table& expected);

}  // namespace regroup::dit::reference
