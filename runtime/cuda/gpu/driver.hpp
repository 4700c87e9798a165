// The driver's functions, found at run time: the program is not linked against libcuda, so that it
// starts on a machine without a driver. Not portable: nothing that the emulator runs includes this.
#pragma once

#include <cuda.h>
#include <cudaTypedefs.h>

#include <string>

namespace regroup::cuda {

// The types name the version of CUDA whose form of the function is meant.
struct Driver {
  int version = 0;  // the newest CUDA this driver runs: 13000 is 13.0

  PFN_cuDeviceGet_v2000 device_get;
  PFN_cuDeviceGetAttribute_v2000 device_get_attribute;
  PFN_cuCtxSetCurrent_v4000 ctx_set_current;
  PFN_cuGetErrorName_v6000 get_error_name;
  PFN_cuGetErrorString_v6000 get_error_string;

  PFN_cuMemGetAllocationGranularity_v10020 mem_get_allocation_granularity;
  PFN_cuMemAddressReserve_v10020 mem_address_reserve;
  PFN_cuMemAddressFree_v10020 mem_address_free;
  PFN_cuMemCreate_v10020 mem_create;
  PFN_cuMemRelease_v10020 mem_release;
  PFN_cuMemMap_v10020 mem_map;
  PFN_cuMemUnmap_v10020 mem_unmap;
  PFN_cuMemSetAccess_v10020 mem_set_access;

  PFN_cuStreamBatchMemOp_v11070 stream_batch_mem_op;
};

// Green contexts: CUDA 12.4, their streams 12.5.
struct GreenDriver {
  using StreamCreate = CUresult(CUDAAPI*)(CUstream*, CUgreenCtx, unsigned, int);

  PFN_cuDeviceGetDevResource_v12040 device_get_dev_resource;
  PFN_cuDevSmResourceSplitByCount_v12040 dev_sm_resource_split_by_count;
  PFN_cuDevResourceGenerateDesc_v12040 dev_resource_generate_desc;
  PFN_cuGreenCtxCreate_v12040 green_ctx_create;
  PFN_cuGreenCtxDestroy_v12040 green_ctx_destroy;
  PFN_cuCtxFromGreenCtx_v12040 ctx_from_green_ctx;
  StreamCreate green_ctx_stream_create;  // nullptr before 12.5
};

// Both load on first use and are the same for the whole process; any thread. CudaError, one line
// that says what is missing: the driver, a GPU, or a driver as new as the function.
const Driver& driver();
const GreenDriver& green_driver();

// Throws CudaError: `what` completes "... failed".
void check_driver(CUresult result, const std::string& what);

// 13000 as "13.0", 12040 as "12.4".
std::string cuda_version_text(int version);

}  // namespace regroup::cuda
