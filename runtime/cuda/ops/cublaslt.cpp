#include "runtime/cuda/ops/cublaslt.hpp"

#include <vector>

#include "core/errors.hpp"

namespace regroup::cuda {
namespace {

// CUDA 13's, whose headers these are, or CUDA 12's, whose functions are the same.
const std::vector<std::string> kCublasLtFiles = {"libcublasLt.so.13", "libcublasLt.so.12"};

// cuBLAS counts 13.1.0 as 130100.
std::string cublaslt_version(std::size_t version) {
  return fmt::format("cuBLASLt {}.{}.{}", version / 10000, version % 10000 / 100, version % 100);
}

}  // namespace

CublasLt::CublasLt()
    : library_("cuBLASLt", kCublasLtFiles),
      name_(cublaslt_version(
          library_.function<decltype(cublasLtGetVersion)>("cublasLtGetVersion")())) {
  const auto load = [this](auto*& function, const char* symbol) {
    function = library_.function<std::remove_reference_t<decltype(*function)>>(symbol);
  };
  load(create, "cublasLtCreate");
  load(destroy, "cublasLtDestroy");
  load(matmul, "cublasLtMatmul");
  load(heuristics, "cublasLtMatmulAlgoGetHeuristic");
  load(create_operation, "cublasLtMatmulDescCreate");
  load(destroy_operation, "cublasLtMatmulDescDestroy");
  load(set_operation, "cublasLtMatmulDescSetAttribute");
  load(create_layout, "cublasLtMatrixLayoutCreate");
  load(destroy_layout, "cublasLtMatrixLayoutDestroy");
  load(create_preference, "cublasLtMatmulPreferenceCreate");
  load(destroy_preference, "cublasLtMatmulPreferenceDestroy");
  load(set_preference, "cublasLtMatmulPreferenceSetAttribute");
  load(status_string, "cublasLtGetStatusString");
}

void CublasLt::check(cublasStatus_t status, const char* what) const {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  fail<CudaError>("{}: {} failed: {}", name_, what, status_string(status));
}

}  // namespace regroup::cuda
