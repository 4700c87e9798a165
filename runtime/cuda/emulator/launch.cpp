#include <map>
#include <utility>

#include "runtime/cuda/emulator/block.hpp"
#include "runtime/cuda/emulator/state.hpp"

namespace regroup::cuda::emulator {
namespace {

// Limits of compute capability 9.0.
constexpr int kSharedByDefault = 48 * 1024;
constexpr int kSharedAtMost = 227 * 1024;
constexpr int kThreadsAtMost = 1024;

struct Kernels {
  std::mutex mutex;
  std::map<const void*, int> shared_at_most;  // where cudaFuncSetAttribute was called
};

int shared_at_most(const void* kernel, int set_to = 0) {
  static auto* const kernels = new Kernels;
  const std::lock_guard lock(kernels->mutex);
  int& bytes = kernels->shared_at_most.try_emplace(kernel, kSharedByDefault).first->second;
  if (set_to > 0) bytes = set_to;
  return bytes;
}

bool within(const dim3& shape, const dim3& limit) {
  return shape.x >= 1 && shape.y >= 1 && shape.z >= 1 && shape.x <= limit.x && shape.y <= limit.y &&
         shape.z <= limit.z;
}

cudaError_t check(const cudaLaunchConfig_t& config, const void* kernel) {
  const dim3& block = config.blockDim;
  if (!within(config.gridDim, {0x7fffffff, 65535, 65535}) || !within(block, {1024, 1024, 64}) ||
      std::size_t{block.x} * block.y * block.z > kThreadsAtMost)
    return cudaErrorInvalidConfiguration;
  const auto shared = static_cast<std::size_t>(shared_at_most(kernel));
  if (config.dynamicSmemBytes > shared || config.numAttrs > 0) return cudaErrorInvalidValue;
  return cudaSuccess;
}

}  // namespace

cudaError_t launch(const cudaLaunchConfig_t& config, const void* kernel,
                   std::function<void()> thread) {
  if (const cudaError_t error = check(config, kernel); error != cudaSuccess) return report(error);
  const Grid grid{config.gridDim, config.blockDim, config.dynamicSmemBytes, std::move(thread)};
  return report(submit(config.stream, [grid] {
    count_kernel();
    Block::mine().run(grid);
  }));
}

cudaError_t set_attribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 ||
      value > kSharedAtMost)
    return report(cudaErrorInvalidValue);
  shared_at_most(kernel, value);
  return cudaSuccess;
}

cudaError_t get_attributes(const void* kernel, cudaFuncAttributes* attributes) {
  *attributes = {kThreadsAtMost, shared_at_most(kernel)};
  return cudaSuccess;
}

}  // namespace regroup::cuda::emulator
