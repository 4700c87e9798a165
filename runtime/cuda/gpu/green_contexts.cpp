#include "runtime/cuda/gpu/green_contexts.hpp"

#include <fmt/format.h>

#include "core/errors.hpp"
#include "runtime/cuda/gpu/driver.hpp"
#include "runtime/cuda/portable/check.hpp"

namespace regroup::cuda {

GreenContext::GreenContext(CUdevResource sms, CUdevice device) {
  const GreenDriver& green = green_driver();
  CUdevResourceDesc description = nullptr;
  check_driver(green.dev_resource_generate_desc(&description, &sms, 1), "describing a slice");
  check_driver(green.green_ctx_create(&handle_, description, device, CU_GREEN_CTX_DEFAULT_STREAM),
               "creating a slice's green context");
  const CUresult converted = green.ctx_from_green_ctx(&context_, handle_);
  if (converted == CUDA_SUCCESS) return;
  static_cast<void>(green.green_ctx_destroy(handle_));
  check_driver(converted, "making a green context usable");
}

GreenContext::~GreenContext() {
  if (handle_ != nullptr) static_cast<void>(green_driver().green_ctx_destroy(handle_));
}

CUstream GreenContext::create_stream() const {
  CUstream stream = nullptr;
  if (green_driver().green_ctx_stream_create != nullptr) {
    check_driver(
        green_driver().green_ctx_stream_create(&stream, handle_, CU_STREAM_NON_BLOCKING, 0),
        "creating a slice's stream");
    return stream;
  }
  check_driver(driver().ctx_set_current(context_), "entering a slice");
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "creating a slice's stream");
  return stream;
}

std::vector<GreenContext> slice_gpu(int ordinal, int count, int sms) {
  const GreenDriver& green = green_driver();
  CUdevice device = 0;
  check_driver(driver().device_get(&device, ordinal), fmt::format("finding gpu{}", ordinal));
  CUdevResource all{};
  check_driver(green.device_get_dev_resource(device, &all, CU_DEV_RESOURCE_TYPE_SM),
               fmt::format("asking gpu{} for its SMs", ordinal));

  std::vector<CUdevResource> parts(static_cast<std::size_t>(count));
  auto found = static_cast<unsigned>(count);
  CUdevResource rest{};
  const CUresult split = green.dev_sm_resource_split_by_count(parts.data(), &found, &all, &rest, 0,
                                                              static_cast<unsigned>(sms));
  if (split != CUDA_SUCCESS || found < static_cast<unsigned>(count) ||
      parts[0].sm.smCount != static_cast<unsigned>(sms))
    fail<CudaError>(
        "gpu{}:{}x{}sm: gpu{} has {} SMs, and slices of it a multiple of {} and at least {}; the "
        "driver gives {} of {}",
        ordinal, count, sms, ordinal, all.sm.smCount, all.sm.smCoscheduledAlignment,
        all.sm.minSmPartitionSize, split == CUDA_SUCCESS ? found : 0, parts[0].sm.smCount);

  std::vector<GreenContext> slices;
  slices.reserve(parts.size());
  for (const CUdevResource& part : parts) slices.emplace_back(part, device);
  return slices;
}

}  // namespace regroup::cuda
