// The weights of one model on one GPU, shared by all ranks that are slices of it.
#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/cuda/ops/device_rows.hpp"
#include "runtime/cuda/ops/rope.hpp"
#include "runtime/dit/config.hpp"
#include "runtime/dit/latents.hpp"
#include "runtime/dit/weights.hpp"

namespace regroup::cuda {

// y = W x + b, as kernels take it.
struct DeviceLinear {
  ConstBf16Rows weight;  // [out][in]
  const Bf16* bias = nullptr;
};

// Immutable once filled. Not the owner of its memory; whoever makes it has the GPU current.
class DeviceModel {
 public:
  // What it needs: weights in bf16 and the angles of the shapes' rotary embedding.
  static std::uint64_t bytes(const dit::DitConfig& config,
                             std::span<const dit::LatentShape> shapes);

  // `memory`: that many bytes on the device, aligned to 256. Copies the angles and waits for that;
  // fills no weights. Throws ConfigError for a config that dit::check() refuses or whose head_dim
  // is neither 64 nor 128.
  DeviceModel(dit::DitConfig config, std::span<const dit::LatentShape> shapes, std::byte* memory);

  // Makes the numbers on the device: milliseconds, even for 24 GB. Enqueues.
  void fill_seeded(cudaStream_t stream, std::uint64_t seed);
  // Copies a file's, rounded to bf16, and waits for that. Throws what the source throws.
  void fill_from(dit::WeightSource& source);

  const dit::DitConfig& config() const { return config_; }
  // Throws InternalError for a name that weight_tensors() does not have.
  const Bf16* vector(const std::string& name) const;
  DeviceLinear linear(const std::string& name) const;  // "<name>.weight" and "<name>.bias"
  // Throws InternalError for a shape it was not made with.
  DeviceRope rope(const dit::LatentShape& shape) const;

 private:
  struct Tensor {
    std::vector<std::size_t> shape;
    Bf16* data;
  };
  const Tensor& tensor(const std::string& name) const;

  dit::DitConfig config_;
  std::map<std::string, Tensor> tensors_;
  std::vector<std::pair<dit::LatentShape, DeviceRope>> ropes_;
};

// The numbers of fill_seeded(), for runtime/dit to compute the same model on the CPU.
class SeededDeviceWeights final : public dit::WeightSource {
 public:
  explicit SeededDeviceWeights(std::uint64_t seed) : seed_(seed) {}
  std::vector<float> read(const std::string& name, std::span<const std::size_t> shape) override;

 private:
  std::uint64_t seed_;
};

}  // namespace regroup::cuda
