// cuBLASLt, loaded at run time: the functions we call, and products with them. Not portable.
#pragma once

#include <cublasLt.h>

#include <memory>
#include <string>

#include "runtime/cuda/gpu/library.hpp"
#include "runtime/cuda/ops/gemm.hpp"

namespace regroup::cuda {

struct MathResources;

// Immutable; shared by all ranks.
class CublasLt {
 public:
  // Throws CudaError if it cannot be loaded or lacks a function.
  CublasLt();

  // "cuBLASLt 13.1.0"
  const std::string& name() const { return name_; }
  const std::string& file() const { return library_.file(); }

  // Throws CudaError: `what` was tried, and what cuBLASLt says.
  void check(cublasStatus_t status, const char* what) const;

 private:
  Library library_;
  std::string name_;

  template <auto* kFunction>
  using Function = decltype(kFunction);

 public:
  Function<cublasLtCreate> create;
  Function<cublasLtDestroy> destroy;
  Function<cublasLtMatmul> matmul;
  Function<cublasLtMatmulAlgoGetHeuristic> heuristics;
  Function<cublasLtMatmulDescCreate> create_operation;
  Function<cublasLtMatmulDescDestroy> destroy_operation;
  Function<cublasLtMatmulDescSetAttribute> set_operation;
  Function<cublasLtMatrixLayoutCreate> create_layout;
  Function<cublasLtMatrixLayoutDestroy> destroy_layout;
  Function<cublasLtMatmulPreferenceCreate> create_preference;
  Function<cublasLtMatmulPreferenceDestroy> destroy_preference;
  Function<cublasLtMatmulPreferenceSetAttribute> set_preference;
  Function<cublasLtGetStatusString> status_string;
};

// A rank's products: as MathLibraries::rank_math(). Uses `library` until it is destroyed.
std::unique_ptr<Gemm> cublaslt_gemm(const CublasLt& library, const MathResources& resources);

}  // namespace regroup::cuda
