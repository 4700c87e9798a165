// The operations on memory that a GPU's streams have, for the emulator's: as functions of the host.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "runtime/cuda/collectives/edge_signals.hpp"
#include "runtime/cuda/portable/check.hpp"

namespace regroup::cuda::testing {

class HostMemops final : public StreamMemops {
 public:
  void enqueue(cudaStream_t stream, const Memop* memops, int count) const override {
    auto batch = std::make_unique<Batch>(memops, memops + count);
    check(cudaLaunchHostFunc(stream, &HostMemops::carry_out, batch.get()), "enqueueing memops");
    static_cast<void>(batch.release());  // carry_out() frees it
  }

 private:
  using Batch = std::vector<Memop>;

  static void carry_out(void* argument) {
    const std::unique_ptr<Batch> batch(static_cast<Batch*>(argument));
    for (const Memop& memop : *batch) {
      const std::atomic_ref<std::uint64_t> word(*memop.word);
      if (memop.kind == Memop::Kind::kWrite) {
        word.store(memop.value, std::memory_order_release);
        continue;
      }
      // As CUDA compares: the difference as a signed number.
      while (static_cast<std::int64_t>(word.load(std::memory_order_acquire) - memop.value) < 0)
        std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
  }
};

}  // namespace regroup::cuda::testing
