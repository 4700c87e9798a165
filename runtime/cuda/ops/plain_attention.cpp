#include "core/errors.hpp"
#include "runtime/cuda/gpu/arming.hpp"
#include "runtime/cuda/ops/attention.hpp"
#include "runtime/cuda/ops/flash_attention.hpp"
#include "runtime/cuda/ops/prepared.hpp"
#include "runtime/cuda/ops/shape_checks.hpp"

namespace regroup::cuda {
namespace {

class PlainAttention final : public Attention {
 public:
  void prepare(const AttentionShape& shape) override {
    if (prepared_.find(shape) != nullptr) return;
    forbid_if_armed("preparing an attention");
    check_attention(shape);
    if (!flash_attention_supports(shape))
      fail<ConfigError>("attention with head_dim {}; own kernels allow 64 and 128", shape.head_dim);
    prepared_.add(shape, {});
  }

  void run(cudaStream_t stream, const AttentionShape& shape, const Bf16* q, const Bf16* k,
           const Bf16* v, Bf16* o) override {
    if (prepared_.find(shape) == nullptr) refuse_unprepared(shape);
    if (shape.queries > 0) flash_attention(stream, shape, q, k, v, o);
  }

  std::string name() const override { return "own kernels"; }

 private:
  struct NothingToPlan {};
  Prepared<AttentionShape, NothingToPlan> prepared_;
};

}  // namespace

std::unique_ptr<Attention> plain_attention() { return std::make_unique<PlainAttention>(); }

}  // namespace regroup::cuda
