#include "runtime/cuda/gpu/driver.hpp"

#include <cuda_runtime_api.h>

#include "core/errors.hpp"

namespace regroup::cuda {
namespace {

constexpr const char* kWithoutGpu = "--on cuda needs a GPU; --on sim and --on host do not";

// Of a machine that lacks the driver, a driver new enough for this program, or GPUs.
void require_gpu() {
  int version = 0;
  int gpus = 0;
  const bool installed = cudaDriverGetVersion(&version) == cudaSuccess && version > 0;
  const cudaError_t error = cudaGetDeviceCount(&gpus);
  if (error == cudaSuccess && gpus > 0) return;
  if (installed && error == cudaErrorInsufficientDriver)
    fail<CudaError>(
        "the NVIDIA driver of this machine runs CUDA {} at most, this program needs {} (CUDA error "
        "{}, {}): {}",
        cuda_version_text(version), cuda_version_text(CUDART_VERSION), static_cast<int>(error),
        cudaGetErrorName(error), kWithoutGpu);
  fail<CudaError>("no NVIDIA {} on this machine (CUDA error {}, {}): {}",
                  installed ? "GPU" : "driver", static_cast<int>(error), cudaGetErrorName(error),
                  kWithoutGpu);
}

// nullptr: the driver has none.
void* entry_point(const char* name, unsigned version) {
  void* found = nullptr;
  cudaDriverEntryPointQueryResult result{};
#if CUDART_VERSION >= 12050
  const cudaError_t error =
      cudaGetDriverEntryPointByVersion(name, &found, version, cudaEnableDefault, &result);
#else
  // It gives the form of the toolkit's version, which for all that we ask for is the same.
  static_cast<void>(version);
  const cudaError_t error = cudaGetDriverEntryPoint(name, &found, cudaEnableDefault, &result);
#endif
  return error == cudaSuccess && result == cudaDriverEntryPointSuccess ? found : nullptr;
}

template <class Function>
void find(Function& function, const char* name, unsigned version) {
  function = reinterpret_cast<Function>(entry_point(name, version));
  if (function != nullptr) return;
  int driver_version = 0;
  static_cast<void>(cudaDriverGetVersion(&driver_version));
  fail<CudaError>("the NVIDIA driver has no {}: it runs CUDA {} at most, {} needs {}", name,
                  cuda_version_text(driver_version), name,
                  cuda_version_text(static_cast<int>(version)));
}

Driver load_driver() {
  require_gpu();
  Driver d{};
  static_cast<void>(cudaDriverGetVersion(&d.version));
  find(d.device_get, "cuDeviceGet", 2000);
  find(d.device_get_attribute, "cuDeviceGetAttribute", 2000);
  find(d.ctx_set_current, "cuCtxSetCurrent", 4000);
  find(d.get_error_name, "cuGetErrorName", 6000);
  find(d.get_error_string, "cuGetErrorString", 6000);
  find(d.mem_get_allocation_granularity, "cuMemGetAllocationGranularity", 10020);
  find(d.mem_address_reserve, "cuMemAddressReserve", 10020);
  find(d.mem_address_free, "cuMemAddressFree", 10020);
  find(d.mem_create, "cuMemCreate", 10020);
  find(d.mem_release, "cuMemRelease", 10020);
  find(d.mem_map, "cuMemMap", 10020);
  find(d.mem_unmap, "cuMemUnmap", 10020);
  find(d.mem_set_access, "cuMemSetAccess", 10020);
  find(d.stream_batch_mem_op, "cuStreamBatchMemOp", 11070);
  return d;
}

GreenDriver load_green_driver() {
  require_gpu();
  GreenDriver g{};
  find(g.device_get_dev_resource, "cuDeviceGetDevResource", 12040);
  find(g.dev_sm_resource_split_by_count, "cuDevSmResourceSplitByCount", 12040);
  find(g.dev_resource_generate_desc, "cuDevResourceGenerateDesc", 12040);
  find(g.green_ctx_create, "cuGreenCtxCreate", 12040);
  find(g.green_ctx_destroy, "cuGreenCtxDestroy", 12040);
  find(g.ctx_from_green_ctx, "cuCtxFromGreenCtx", 12040);
  g.green_ctx_stream_create =
      reinterpret_cast<GreenDriver::StreamCreate>(entry_point("cuGreenCtxStreamCreate", 12050));
  return g;
}

}  // namespace

const Driver& driver() {
  static const Driver loaded = load_driver();
  return loaded;
}

const GreenDriver& green_driver() {
  static const GreenDriver loaded = load_green_driver();
  return loaded;
}

void check_driver(CUresult result, const std::string& what) {
  if (result == CUDA_SUCCESS) return;
  const char* name = nullptr;
  const char* words = nullptr;
  static_cast<void>(driver().get_error_name(result, &name));
  static_cast<void>(driver().get_error_string(result, &words));
  fail<CudaError>("CUDA: {} failed: {} ({})", what, words != nullptr ? words : "unknown error",
                  name != nullptr ? name : std::to_string(static_cast<int>(result)));
}

std::string cuda_version_text(int version) {
  return fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

}  // namespace regroup::cuda
