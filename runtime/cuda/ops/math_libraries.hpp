// NVIDIA's libraries for products and attention, found at run time and shared by all ranks. Host
// only, not portable.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "runtime/cuda/ops/rank_math.hpp"

namespace regroup::cuda {

class CublasLt;
class Cudnn;

enum class MathChoice {
  kBest,        // libraries where they can be loaded, own kernels where not
  kLibraries,   // CudaError if one cannot be loaded
  kOwnKernels,  // for tools that slow libraries down, and to compare with
};

// What a rank brings for its own products and attention.
struct MathResources {
  std::byte* workspace = nullptr;  // device memory, aligned to 256 bytes
  std::size_t workspace_bytes = 0;
  int sm_count = 0;  // SMs of the rank's slice: products are chosen for that many; 0: a whole GPU
};

// What memory plans reserve for a rank's MathResources: cuBLASLt's recommendation for Hopper.
constexpr std::size_t kMathWorkspaceBytes = std::size_t{32} << 20;

class MathLibraries {
 public:
  explicit MathLibraries(MathChoice choice);
  ~MathLibraries();

  // Creates the rank's handles: before arming, on the rank's thread, in its context. What it
  // returns uses the resources and this object until it is destroyed. Throws CudaError.
  RankMath rank_math(const MathResources& resources) const;

  // One line for logs and results: which libraries, or why not.
  // "products: cuBLASLt 13.1.0 (/usr/lib/libcublasLt.so.13); attention: own kernels (libcudnn...)"
  const std::string& describe() const { return description_; }

 private:
  std::unique_ptr<const CublasLt> cublaslt_;  // null: own kernels
  std::shared_ptr<const Cudnn> cudnn_;        // null: own kernels
  std::string description_;
};

}  // namespace regroup::cuda
