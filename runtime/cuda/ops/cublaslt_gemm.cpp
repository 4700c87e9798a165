// cuBLASLt thinks in columns: our row-major y [m][n] is its y^T with n rows. So it computes
// y^T = w x^T from w^T and x^T, which is what it sees in our w and x; the bias is then one number
// for each of its rows, as its epilogues want it.
#include "core/errors.hpp"
#include "runtime/cuda/gpu/arming.hpp"
#include "runtime/cuda/ops/cublaslt.hpp"
#include "runtime/cuda/ops/kernels.hpp"
#include "runtime/cuda/ops/math_libraries.hpp"
#include "runtime/cuda/ops/prepared.hpp"
#include "runtime/cuda/ops/shape_checks.hpp"

namespace regroup::cuda {
namespace {

// What cuBLASLt creates and destroys by a pointer to something opaque.
template <class Pointer>
using Owned = std::unique_ptr<std::remove_pointer_t<Pointer>, cublasStatus_t (*)(Pointer)>;
using Operation = Owned<cublasLtMatmulDesc_t>;
using Layout = Owned<cublasLtMatrixLayout_t>;

struct Plan {
  GemmShape shape;
  Operation operation;
  Layout w, x, y;
  cublasLtMatmulAlgo_t algorithm;
};

// A bias in bf16 is an epilogue where y is bf16 too. Where it is float, cuBLASLt wants a float
// bias, and our own kernel adds it.
bool bias_in_epilogue(const GemmShape& shape) {
  return shape.epilogue != GemmEpilogue::kNone && !shape.float_out;
}

cublasLtEpilogue_t epilogue(const GemmShape& shape) {
  if (!bias_in_epilogue(shape)) return CUBLASLT_EPILOGUE_DEFAULT;
  return shape.epilogue == GemmEpilogue::kBiasGelu ? CUBLASLT_EPILOGUE_GELU_BIAS
                                                   : CUBLASLT_EPILOGUE_BIAS;
}

class CublasLtGemm final : public Gemm {
 public:
  CublasLtGemm(const CublasLt& library, const MathResources& resources)
      : library_(library), resources_(resources) {
    library_.check(library_.create(&handle_), "creating a handle");
  }
  ~CublasLtGemm() override { library_.destroy(handle_); }
  CublasLtGemm(const CublasLtGemm&) = delete;
  CublasLtGemm& operator=(const CublasLtGemm&) = delete;

  void prepare(const GemmShape& shape) override {
    if (prepared_.find(shape) != nullptr) return;
    forbid_if_armed("preparing a product");
    const GemmShape full = checked(shape);
    Plan plan{full,
              operation(full),
              layout(CUDA_R_16BF, full.k, full.n, full.ldw),
              layout(CUDA_R_16BF, full.k, full.m, full.ldx),
              layout(full.float_out ? CUDA_R_32F : CUDA_R_16BF, full.n, full.m, full.ldy),
              {}};
    if (full.m > 0) choose_algorithm(plan);
    prepared_.add(shape, std::move(plan));
  }

  void run(cudaStream_t stream, const GemmShape& shape, const GemmOperands& operands) override {
    Plan* const plan = prepared_.find(shape);
    if (plan == nullptr) refuse_unprepared(shape);
    if (shape.m == 0) return;
    if (bias_in_epilogue(shape)) set_bias(*plan, operands.bias);
    const float alpha = 1, beta = shape.accumulate ? 1 : 0;
    library_.check(library_.matmul(handle_, plan->operation.get(), &alpha, operands.w,
                                   plan->w.get(), operands.x, plan->x.get(), &beta, operands.y,
                                   plan->y.get(), operands.y, plan->y.get(), &plan->algorithm,
                                   resources_.workspace, resources_.workspace_bytes, stream),
                   "multiplying");
    if (shape.epilogue == GemmEpilogue::kBias && !bias_in_epilogue(shape))
      activate(stream,
               FloatRows{static_cast<float*>(operands.y), shape.m, shape.n, plan->shape.ldy},
               operands.bias, Activation::kNone);
  }

  std::string name() const override { return library_.name(); }

 private:
  template <class Value>
  void set(const Operation& operation, cublasLtMatmulDescAttributes_t attribute, const Value& value,
           const char* what) const {
    library_.check(library_.set_operation(operation.get(), attribute, &value, sizeof(value)), what);
  }

  void set_bias(const Plan& plan, const void* bias) const {
    set(plan.operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias, "setting a bias");
  }

  Operation operation(const GemmShape& shape) const {
    cublasLtMatmulDesc_t created = nullptr;
    library_.check(library_.create_operation(&created, CUBLAS_COMPUTE_32F, CUDA_R_32F),
                   "creating an operation");
    Operation operation(created, library_.destroy_operation);
    set(operation, CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T, "transposing weights");
    set(operation, CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue(shape), "setting an epilogue");
    if (bias_in_epilogue(shape))
      set(operation, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, CUDA_R_16BF, "setting a bias's type");
    if (resources_.sm_count > 0)
      set(operation, CUBLASLT_MATMUL_DESC_SM_COUNT_TARGET, std::int32_t{resources_.sm_count},
          "setting the number of SMs");
    return operation;
  }

  // A matrix of columns, `pitch` elements from one to the next.
  Layout layout(cudaDataType_t type, std::int64_t rows, std::int64_t cols,
                std::int64_t pitch) const {
    cublasLtMatrixLayout_t created = nullptr;
    library_.check(library_.create_layout(&created, type, static_cast<std::uint64_t>(rows),
                                          static_cast<std::uint64_t>(cols), pitch),
                   "describing a matrix");
    return Layout(created, library_.destroy_layout);
  }

  void choose_algorithm(Plan& plan) const {
    cublasLtMatmulPreference_t created = nullptr;
    library_.check(library_.create_preference(&created), "creating preferences");
    const Owned<cublasLtMatmulPreference_t> preference(created, library_.destroy_preference);
    const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
      library_.check(library_.set_preference(created, attribute, &value, sizeof(value)),
                     "setting preferences");
    };
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{resources_.workspace_bytes});
    // What gemm.hpp promises; cuBLASLt would count on 256 bytes.
    for (const auto alignment :
         {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
          CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
      prefer(alignment, std::uint32_t{16});
    // The address stands for the biases to come: any that is not null will do.
    if (bias_in_epilogue(plan.shape)) set_bias(plan, resources_.workspace);

    cublasLtMatmulHeuristicResult_t best{};
    int found = 0;
    library_.check(library_.heuristics(handle_, plan.operation.get(), plan.w.get(), plan.x.get(),
                                       plan.y.get(), plan.y.get(), created, 1, &best, &found),
                   "choosing an algorithm");
    if (found == 0)
      fail<CudaError>("{} has no algorithm for a product {} x {} x {} in {} bytes of workspace",
                      library_.name(), plan.shape.m, plan.shape.n, plan.shape.k,
                      resources_.workspace_bytes);
    plan.algorithm = best.algo;
  }

  const CublasLt& library_;
  const MathResources resources_;
  cublasLtHandle_t handle_ = nullptr;
  Prepared<GemmShape, Plan> prepared_;
};

}  // namespace

std::unique_ptr<Gemm> cublaslt_gemm(const CublasLt& library, const MathResources& resources) {
  return std::make_unique<CublasLtGemm>(library, resources);
}

}  // namespace regroup::cuda
