// Which CUDA and NCCL this program was compiled with, and which it finds where it runs.
#pragma once

#include <string>

namespace regroup {

// Versions as "13.0" or "2.28.9"; empty where there is none.
struct CudaVersions {
  std::string compiled;  // CUDA headers
  std::string runtime;   // CUDA runtime library (linked in)
  std::string driver;    // the newest CUDA that this machine's driver can run; empty: no driver
  std::string nccl_compiled;  // NCCL header; empty: built without
  std::string nccl_runtime;   // NCCL library that was found; empty: none, or built without
};

// Works, and never throws for want of it, on a machine without GPU, driver or NCCL. Called by
// whatever prints provenance; loads NCCL's library, so not in a hurry.
CudaVersions cuda_versions();

}  // namespace regroup
