#include "runtime/cuda/ops/cudnn_attention.hpp"

#include "core/errors.hpp"
#include "runtime/cuda/gpu/arming.hpp"
#include "runtime/cuda/ops/cudnn.hpp"
#include "runtime/cuda/ops/prepared.hpp"
#include "runtime/cuda/ops/sdpa_graph.hpp"
#include "runtime/cuda/ops/shape_checks.hpp"

namespace regroup::cuda {
namespace {

class CudnnAttention final : public Attention {
 public:
  CudnnAttention(std::shared_ptr<const Cudnn> library, const MathResources& resources)
      : library_(std::move(library)), resources_(resources) {
    library_->check(library_->create(&handle_), "creating a handle");
  }
  ~CudnnAttention() override { library_->destroy(handle_); }
  CudnnAttention(const CudnnAttention&) = delete;
  CudnnAttention& operator=(const CudnnAttention&) = delete;

  void prepare(const AttentionShape& shape) override {
    if (prepared_.find(shape) != nullptr) return;
    forbid_if_armed("preparing an attention");
    check_attention(shape);
    prepared_.add(shape, shape.queries > 0 ? build(shape) : nullptr);
  }

  // The variant pack is a small object of the host, which cuDNN makes for every call.
  void run(cudaStream_t stream, const AttentionShape& shape, const Bf16* q, const Bf16* k,
           const Bf16* v, Bf16* o) override {
    const auto* const built = prepared_.find(shape);
    if (built == nullptr) refuse_unprepared(shape);
    if (shape.queries == 0) return;
    constexpr std::int64_t kTensors = 5;
    const std::int64_t ids[kTensors] = {kSdpaQuery, kSdpaKey, kSdpaValue, kSdpaOutput, kSdpaScale};
    const void* const tensors[kTensors] = {q, k, v, o, &shape.scale};
    const void* const workspace = resources_.workspace;
    Descriptor pack(*library_, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR,
                    "passing attention's tensors");
    pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, kTensors, ids);
    pack.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, kTensors, tensors);
    pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
    pack.finalize();
    library_->check(library_->set_stream(handle_, stream), "taking a stream");
    library_->check(library_->execute(handle_, (*built)->plan.get(), pack.get()),
                    "computing attention");
  }

  std::string name() const override { return library_->name(); }

 private:
  struct Built {
    SdpaGraph graph;
    Descriptor engine, plan;  // each refers to what is above it
  };

  // cuDNN says what an engine cannot do only when it is made into a plan.
  std::unique_ptr<Built> build(const AttentionShape& shape) const {
    SdpaGraph graph(*library_, shape, handle_);
    std::string refusals;
    for (Descriptor& engine : sdpa_engines(*library_, graph)) {
      try {
        Descriptor plan(*library_, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, "planning attention");
        plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, engine);
        plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle_);
        plan.finalize();
        const std::int64_t bytes = plan.get_int64(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);
        if (bytes <= static_cast<std::int64_t>(resources_.workspace_bytes))
          return std::make_unique<Built>(
              Built{std::move(graph), std::move(engine), std::move(plan)});
        refusals += fmt::format("; one needs {} bytes of workspace, there are {}", bytes,
                                resources_.workspace_bytes);
      } catch (const CudaError& error) {
        refusals += fmt::format("; {}", error.what());
      }
    }
    fail<CudaError>("{} has no engine for attention of {} heads x {}, {} queries, {} keys{}",
                    library_->name(), shape.heads, shape.head_dim, shape.queries, shape.keys,
                    refusals);
  }

  const std::shared_ptr<const Cudnn> library_;
  const MathResources resources_;
  cudnnHandle_t handle_ = nullptr;
  Prepared<AttentionShape, std::unique_ptr<Built>> prepared_;
};

}  // namespace

std::shared_ptr<const Cudnn> load_cudnn() { return std::make_shared<const Cudnn>(); }

std::string describe(const Cudnn& library) {
  return fmt::format("{} ({})", library.name(), library.file());
}

std::unique_ptr<Attention> cudnn_attention(std::shared_ptr<const Cudnn> library,
                                           const MathResources& resources) {
  return std::make_unique<CudnnAttention>(std::move(library), resources);
}

}  // namespace regroup::cuda
