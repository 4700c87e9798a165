#include "runtime/cuda/collectives/driver_memops.hpp"

#include "core/errors.hpp"
#include "runtime/cuda/gpu/driver.hpp"

namespace regroup::cuda {
namespace {

CUstreamBatchMemOpParams parameters_of(const Memop& memop) {
  const auto address = reinterpret_cast<CUdeviceptr>(memop.word);
  CUstreamBatchMemOpParams parameters{};
  if (memop.kind == Memop::Kind::kWrite) {
    parameters.writeValue.operation = CU_STREAM_MEM_OP_WRITE_VALUE_64;
    parameters.writeValue.address = address;
    parameters.writeValue.value64 = memop.value;
    // With the fence, so that who sees the value sees what the stream wrote before.
    parameters.writeValue.flags = CU_STREAM_WRITE_VALUE_DEFAULT;
  } else {
    parameters.waitValue.operation = CU_STREAM_MEM_OP_WAIT_VALUE_64;
    parameters.waitValue.address = address;
    parameters.waitValue.value64 = memop.value;
    parameters.waitValue.flags = CU_STREAM_WAIT_VALUE_GEQ;
  }
  return parameters;
}

class DriverMemops final : public StreamMemops {
 public:
  void enqueue(cudaStream_t stream, const Memop* memops, int count) const override {
    RG_CHECK(count <= kMostMemops, "{} operations at once", count);
    CUstreamBatchMemOpParams parameters[kMostMemops];
    for (int i = 0; i < count; ++i) parameters[i] = parameters_of(memops[i]);
    check_driver(driver().stream_batch_mem_op(stream, static_cast<unsigned>(count), parameters, 0),
                 "enqueueing operations on memory");
  }
};

bool has_memops(int ordinal) {
  CUdevice device = 0;
  check_driver(driver().device_get(&device, ordinal), "finding a GPU");
  int can = 0;
  check_driver(driver().device_get_attribute(
                   &can, CU_DEVICE_ATTRIBUTE_CAN_USE_64_BIT_STREAM_MEM_OPS, device),
               "asking a GPU what its streams can do");
  return can != 0;
}

}  // namespace

std::unique_ptr<StreamMemops> driver_memops(const Machine& machine) {
  for (const MachineGpu& gpu : machine.gpus())
    if (!has_memops(gpu.ordinal)) return nullptr;
  return std::make_unique<DriverMemops>();
}

}  // namespace regroup::cuda
