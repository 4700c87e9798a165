#include <cstdlib>
#include <cstring>
#include <unordered_map>

#include "runtime/cuda/emulator/state.hpp"

namespace regroup::cuda::emulator {
namespace {

constexpr std::size_t kDeviceBytes = std::size_t{80} << 30;
constexpr std::size_t kAlignment = 256;  // what cudaMalloc promises

// One kind of memory.
struct Heap {
  std::mutex mutex;
  std::unordered_map<void*, std::size_t> live;
  std::size_t bytes = 0;
  long created = 0;
};

Heap& device_heap() {
  static auto* const heap = new Heap;
  return *heap;
}
Heap& host_heap() {
  static auto* const heap = new Heap;
  return *heap;
}

// As large as asked for, not larger, so that AddressSanitizer sees accesses beyond the end.
cudaError_t allocate(Heap& heap, void** memory, std::size_t bytes) {
  if (const cudaError_t error = check_uncaptured(); error != cudaSuccess) return error;
  if (memory == nullptr) return cudaErrorInvalidValue;
  *memory = nullptr;
  if (bytes == 0) return cudaSuccess;
  const std::lock_guard lock(heap.mutex);
  if (bytes > kDeviceBytes - heap.bytes || posix_memalign(memory, kAlignment, bytes) != 0)
    return cudaErrorMemoryAllocation;
  std::memset(*memory, 0xff, bytes);
  heap.live.emplace(*memory, bytes);
  heap.bytes += bytes;
  ++heap.created;
  return cudaSuccess;
}

// Waits for the device, as CUDA may.
cudaError_t release(Heap& heap, void* memory) {
  if (const cudaError_t error = check_uncaptured(); error != cudaSuccess) return error;
  if (memory == nullptr) return cudaSuccess;
  wait_for_all_streams();
  const std::lock_guard lock(heap.mutex);
  const auto found = heap.live.find(memory);
  if (found == heap.live.end()) return cudaErrorInvalidValue;
  heap.bytes -= found->second;
  heap.live.erase(found);
  std::free(memory);
  return cudaSuccess;
}

// A call that returns when all is done.
cudaError_t at_once(cudaError_t submitted) {
  if (submitted == cudaSuccess) find_stream(nullptr)->wait_idle();
  return submitted;
}

std::atomic<long> kernels = 0;

}  // namespace

void count_kernel() { ++kernels; }

Counts counts() {
  Counts now;
  {
    Heap& heap = device_heap();
    const std::lock_guard lock(heap.mutex);
    now.device_allocations = static_cast<int>(heap.live.size());
    now.device_bytes = heap.bytes;
    now.created += heap.created;
  }
  {
    Heap& heap = host_heap();
    const std::lock_guard lock(heap.mutex);
    now.host_allocations = static_cast<int>(heap.live.size());
    now.created += heap.created;
  }
  now.streams = streams().size();
  now.events = events().size();
  now.graphs = graphs().size();
  now.executables = executables().size();
  now.created +=
      streams().created() + events().created() + graphs().created() + executables().created();
  now.kernels = kernels;
  return now;
}

}  // namespace regroup::cuda::emulator

using namespace regroup::cuda::emulator;

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  return report(allocate(device_heap(), memory, bytes));
}
cudaError_t cudaFree(void* memory) { return report(release(device_heap(), memory)); }
cudaError_t cudaMallocHost(void** memory, std::size_t bytes) {
  return report(allocate(host_heap(), memory, bytes));
}
cudaError_t cudaFreeHost(void* memory) { return report(release(host_heap(), memory)); }

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  *total = kDeviceBytes;
  *free = kDeviceBytes - counts().device_bytes;
  return cudaSuccess;
}

cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from,
                              std::size_t from_pitch, std::size_t width, std::size_t height,
                              cudaMemcpyKind, cudaStream_t stream) {
  if (width > to_pitch || width > from_pitch) return report(cudaErrorInvalidValue);
  return report(submit(stream, [=] {
    for (std::size_t row = 0; row < height; ++row)
      std::memmove(static_cast<std::byte*>(to) + row * to_pitch,
                   static_cast<const std::byte*>(from) + row * from_pitch, width);
  }));
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind,
                            cudaStream_t stream) {
  if (bytes > 0 && (to == nullptr || from == nullptr)) return report(cudaErrorInvalidValue);
  return report(submit(stream, [=] {
    if (bytes > 0) std::memmove(to, from, bytes);
  }));
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  if (const cudaError_t error = check_uncaptured(); error != cudaSuccess) return report(error);
  return at_once(cudaMemcpyAsync(to, from, bytes, kind, nullptr));
}

cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream) {
  if (bytes > 0 && memory == nullptr) return report(cudaErrorInvalidValue);
  return report(submit(stream, [=] {
    if (bytes > 0) std::memset(memory, value, bytes);
  }));
}

cudaError_t cudaMemset(void* memory, int value, std::size_t bytes) {
  if (const cudaError_t error = check_uncaptured(); error != cudaSuccess) return report(error);
  return at_once(cudaMemsetAsync(memory, value, bytes, nullptr));
}
