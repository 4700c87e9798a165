#include "runtime/cuda/dit/device_model.hpp"

#include "core/errors.hpp"
#include "runtime/cuda/dit/step_buffers.hpp"
#include "runtime/cuda/dit/tensors.hpp"
#include "runtime/cuda/ops/seeded.hpp"
#include "runtime/cuda/portable/check.hpp"

namespace regroup::cuda {
namespace {

TokenGrid token_grid(const dit::DitConfig& config, const dit::LatentShape& shape) {
  TokenGrid grid{static_cast<int>(shape.frames), static_cast<int>(shape.rows()),
                 static_cast<int>(shape.columns())};
  for (std::size_t axis = 0; axis < 3; ++axis)
    grid.axes[axis] = static_cast<int>(config.rope_axes[axis]);
  return grid;
}

SeededTensor seeded(std::uint64_t seed, const std::string& name,
                    std::span<const std::size_t> shape) {
  const bool matrix = shape.size() > 1;
  return seeded_tensor(seed, name, matrix ? static_cast<std::int64_t>(shape.back()) : 0);
}

}  // namespace

std::uint64_t DeviceModel::bytes(const dit::DitConfig& config,
                                 std::span<const dit::LatentShape> shapes) {
  Carver counting;
  for (const dit::LatentShape& shape : shapes)
    counting.take<float>(static_cast<std::int64_t>(rope_angles(token_grid(config, shape)).size()));
  return weight_bytes(config) + counting.used();
}

DeviceModel::DeviceModel(dit::DitConfig config, std::span<const dit::LatentShape> shapes,
                         std::byte* memory)
    : config_(std::move(config)) {
  dit::check(config_);
  if (config_.head_dim() != 64 && config_.head_dim() != 128)
    fail<ConfigError>("transformer '{}': {} numbers a head; attention on GPUs has 64 or 128",
                      config_.name, config_.head_dim());
  Carver carver(memory);
  for (const WeightTensor& tensor : weight_tensors(config_))
    tensors_[tensor.name] = {tensor.shape,
                             carver.take<Bf16>(static_cast<std::int64_t>(tensor.size()))};
  for (const dit::LatentShape& shape : shapes) {
    const TokenGrid grid = token_grid(config_, shape);
    const std::vector<float> angles = rope_angles(grid);
    float* const on_device = carver.take<float>(static_cast<std::int64_t>(angles.size()));
    check(cudaMemcpy(on_device, angles.data(), angles.size() * sizeof(float), cudaMemcpyDefault),
          "copying the angles of a rotary embedding");
    ropes_.emplace_back(shape, DeviceRope{grid, on_device});
  }
}

void DeviceModel::fill_seeded(cudaStream_t stream, std::uint64_t seed) {
  for (const WeightTensor& tensor : weight_tensors(config_))
    cuda::fill_seeded(stream, seeded(seed, tensor.name, tensor.shape),
                      static_cast<std::int64_t>(tensor.size()), tensors_.at(tensor.name).data);
}

void DeviceModel::fill_from(dit::WeightSource& source) {
  std::vector<Bf16> rounded;
  for (const WeightTensor& tensor : weight_tensors(config_)) {
    const std::vector<float> values = source.read(tensor.name, tensor.shape);
    rounded.resize(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) rounded[i] = to_bf16(values[i]);
    check(cudaMemcpy(tensors_.at(tensor.name).data, rounded.data(), rounded.size() * sizeof(Bf16),
                     cudaMemcpyDefault),
          "copying weights");
  }
}

const DeviceModel::Tensor& DeviceModel::tensor(const std::string& name) const {
  const auto found = tensors_.find(name);
  RG_CHECK(found != tensors_.end(), "transformer '{}' has no weights '{}'", config_.name, name);
  return found->second;
}

const Bf16* DeviceModel::vector(const std::string& name) const { return tensor(name).data; }

DeviceLinear DeviceModel::linear(const std::string& name) const {
  const Tensor& weight = tensor(name + ".weight");
  const auto out = static_cast<std::int64_t>(weight.shape[0]);
  const auto in = static_cast<std::int64_t>(weight.shape[1]);
  return {{weight.data, out, in, in}, vector(name + ".bias")};
}

DeviceRope DeviceModel::rope(const dit::LatentShape& shape) const {
  for (const auto& [known, rope] : ropes_)
    if (known == shape) return rope;
  RG_CHECK(false, "transformer '{}' was not prepared for {} x {} x {} latents", config_.name,
           shape.frames, shape.height, shape.width);
}

std::vector<float> SeededDeviceWeights::read(const std::string& name,
                                             std::span<const std::size_t> shape) {
  std::size_t size = 1;
  for (const std::size_t n : shape) size *= n;
  const SeededTensor tensor = seeded(seed_, name, shape);
  std::vector<float> values(size);
  for (std::size_t i = 0; i < size; ++i) values[i] = to_float(to_bf16(seeded_value(tensor, i)));
  return values;
}

}  // namespace regroup::cuda
