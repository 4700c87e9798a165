// Slices of a GPU: green contexts, each with some of its SMs and none that another one has. Not
// portable.
#pragma once

#include <cuda.h>

#include <utility>
#include <vector>

namespace regroup::cuda {

// A context whose kernels run on its own SMs only. Memory, modules and peers are those of the GPU's
// primary context, so what one slice allocates all can use.
class GreenContext {
 public:
  GreenContext(CUdevResource sms, CUdevice device);
  GreenContext(GreenContext&& other) noexcept
      : handle_(std::exchange(other.handle_, nullptr)), context_(other.context_) {}
  GreenContext& operator=(GreenContext&&) = delete;
  ~GreenContext();

  CUgreenCtx handle() const { return handle_; }
  CUcontext context() const { return context_; }

  // A stream of this context that never waits for the default stream. The caller destroys it before
  // the context.
  CUstream create_stream() const;

 private:
  CUgreenCtx handle_ = nullptr;
  CUcontext context_ = nullptr;
};

// `count` slices of `sms` SMs of a GPU whose primary context is current. All come from one split:
// slices of two splits can overlap. Throws CudaError: the driver has no green contexts, or the GPU
// not so many SMs or none that can be parted so.
std::vector<GreenContext> slice_gpu(int ordinal, int count, int sms);

}  // namespace regroup::cuda
