#include "runtime/cuda/gpu/machine.hpp"

namespace regroup::cuda {

collectives::HeapLayout with_aligned_stride(collectives::HeapLayout layout,
                                            std::uint64_t granularity) {
  const std::uint64_t beyond = layout.stride() % granularity;
  if (beyond > 0) layout.window_bytes += granularity - beyond;
  return layout;
}

}  // namespace regroup::cuda
