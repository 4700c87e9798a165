#include "runtime/cuda_version.hpp"

#include <cuda_runtime_api.h>
#include <dlfcn.h>
#if __has_include(<nccl.h>)
#include <nccl.h>
#endif

namespace regroup {
namespace {

// CUDA counts 13.0 as 13000, 12.4 as 12040.
std::string cuda_text(int version) {
  if (version == 0) return {};
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

#ifdef NCCL_VERSION_CODE
// NCCL counts 2.28.9 as 22809 (before 2.9: 2.8.3 as 2803, which is older than all we accept).
std::string nccl_text(int version) {
  return std::to_string(version / 10000) + "." + std::to_string(version % 10000 / 100) + "." +
         std::to_string(version % 100);
}

// Loaded, not linked: the program must start where NCCL is not installed.
std::string nccl_library() {
  void* const library = dlopen("libnccl.so.2", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return {};
  using GetVersion = ncclResult_t (*)(int*);
  const auto get_version = reinterpret_cast<GetVersion>(dlsym(library, "ncclGetVersion"));
  int version = 0;
  const bool known = get_version != nullptr && get_version(&version) == ncclSuccess;
  return known ? nccl_text(version) : std::string();
}
#endif

}  // namespace

CudaVersions cuda_versions() {
  CudaVersions found;
  found.compiled = cuda_text(CUDART_VERSION);
  // Neither call fails for want of a driver: its version is then 0.
  int version = 0;
  if (cudaRuntimeGetVersion(&version) == cudaSuccess) found.runtime = cuda_text(version);
  if (cudaDriverGetVersion(&version) == cudaSuccess) found.driver = cuda_text(version);
#ifdef NCCL_VERSION_CODE
  found.nccl_compiled = nccl_text(NCCL_VERSION_CODE);
  found.nccl_runtime = nccl_library();
#endif
  return found;
}

}  // namespace regroup
