#include "runtime/cuda/ops/seeded.hpp"

#include "runtime/cuda/ops/device_helpers.hpp"

namespace regroup::cuda {
namespace {

RG_KERNEL __launch_bounds__(kBlockThreads) void fill_kernel(SeededTensor tensor, std::int64_t size,
                                                            Bf16* out) {
  const std::int64_t first = global_thread() * kVector;
  if (first + kVector <= size) {
    float values[kVector];
    for (int i = 0; i < kVector; ++i)
      values[i] = seeded_value(tensor, static_cast<std::uint64_t>(first + i));
    store8(out + first, values);
    return;
  }
  for (std::int64_t i = first; i < size; ++i)
    out[i] = to_bf16(seeded_value(tensor, static_cast<std::uint64_t>(i)));
}

}  // namespace

SeededTensor seeded_tensor(std::uint64_t seed, const std::string& name, std::int64_t columns) {
  // FNV-1a (Fowler, Noll, Vo) of the name.
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  const bool gain = name.size() >= 4 && name.compare(name.size() - 4, 4, "gain") == 0;
  SeededTensor tensor;
  tensor.key = counter_hash(hash ^ counter_hash(seed));
  tensor.mean = gain ? 1.0f : 0.0f;
  tensor.deviation =
      columns > 0 ? static_cast<float>(1 / std::sqrt(static_cast<double>(columns))) : 0.1f;
  return tensor;
}

void fill_seeded(cudaStream_t stream, const SeededTensor& tensor, std::int64_t size, Bf16* out) {
  if (size == 0) return;
  launch(fill_kernel, thread_per((size + kVector - 1) / kVector), stream, tensor, size, out);
}

}  // namespace regroup::cuda
