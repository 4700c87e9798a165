#include "runtime/cuda/gpu/self_test.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "core/errors.hpp"
#include "tests/cuda/support/emulated_machine.hpp"

namespace regroup::cuda {
namespace {

using collectives::Heap;
using collectives::HeapLayout;
using collectives::kHeapAlignment;

constexpr HeapLayout layout_of(int ranks) { return {ranks, kHeapAlignment, kHeapAlignment}; }

// The emulator's ranks share the processors of a busy machine.
SelfTestOptions patient() {
  SelfTestOptions options;
  options.watchdog_ns = 30'000'000'000;
  options.busy_ns = 1'000;
  return options;
}

bool pads_are_clear(const Heap& heap) {
  for (int rank = 0; rank < heap.layout.world; ++rank)
    for (std::size_t i = 0; i < sizeof(collectives::Pad); ++i)
      if (heap.region(rank)[i] != std::byte{0}) return false;
  return true;
}

// What cuStreamBatchMemOp does, by a thread of the stream that waits.
class EmulatedMemops final : public StreamMemops {
 public:
  void enqueue(cudaStream_t stream, const Memop* memops, int count) const override {
    for (int i = 0; i < count; ++i) {
      auto* const memop = new Memop(memops[i]);
      ASSERT_EQ(cudaLaunchHostFunc(stream, carry_out, memop), cudaSuccess);
    }
  }

 private:
  static void carry_out(void* argument) {
    const std::unique_ptr<Memop> memop(static_cast<Memop*>(argument));
    if (memop->kind == Memop::Kind::kWrite)
      collectives::store_release(*memop->word, memop->value);
    else
      while (collectives::load_acquire(*memop->word) < memop->value)
        std::this_thread::sleep_for(std::chrono::microseconds(20));
  }
};

TEST(SelfTest, RanksThatRunBesideEachOtherSpin) {
  for (const int ranks : {1, 2, 5}) {
    const auto machine = emulated_machine(layout_of(ranks));
    const SyncChoice choice = choose_sync_mode(*machine, patient());
    EXPECT_EQ(choice.mode, SyncMode::kSpin);
    EXPECT_EQ(choice.why, "spin: " + std::to_string(ranks) +
                              " ranks met in pairs, all together and behind busy kernels, in "
                              "graphs too");
    EXPECT_TRUE(pads_are_clear(machine->heap()));
  }
}

TEST(SelfTest, SharedSmsRuleOutSpinning) {
  const auto machine = emulated_machine(layout_of(3));
  SelfTestOptions options = patient();
  options.shared_sms = "ranks 0 and 2 share 4 SMs of gpu0";
  SyncChoice choice = choose_sync_mode(*machine, options);
  EXPECT_EQ(choice.mode, SyncMode::kEvent);
  EXPECT_EQ(choice.why,
            "event: 3 ranks met in pairs, all together and behind busy kernels; not spin: ranks 0 "
            "and 2 share 4 SMs of gpu0; not memop: the GPU or driver has no 64-bit memory "
            "operations for streams");
  const EmulatedMemops memops;
  options.memops = &memops;
  choice = choose_sync_mode(*machine, options);
  EXPECT_EQ(choice.mode, SyncMode::kMemop);
  EXPECT_TRUE(pads_are_clear(machine->heap()));
}

TEST(SelfTest, AForcedModeIsTried) {
  const auto machine = emulated_machine(layout_of(2));
  SelfTestOptions options = patient();
  options.forced = SyncMode::kEvent;
  const SyncChoice choice = choose_sync_mode(*machine, options);
  EXPECT_EQ(choice.mode, SyncMode::kEvent);
  EXPECT_EQ(choice.why,
            "event (as asked for): 2 ranks met in pairs, all together and behind busy kernels");
  options.forced = SyncMode::kMemop;
  EXPECT_THROW(choose_sync_mode(*machine, options), CudaError);
}

// Two ranks on one stream: the first one's kernel spins in front of the one it waits for.
class OneQueue final : public Machine {
 public:
  explicit OneQueue(const Machine& machine) : machine_(machine) {
    for (int rank = 0; rank < machine.ranks(); ++rank) {
      of_ranks_.push_back(machine.rank(rank));
      of_ranks_.back().compute = machine.rank(0).compute;
    }
    gpus_ = machine.gpus();
    heap_ = machine.heap();
  }
  void make_current(int rank) const override { machine_.make_current(rank); }
  std::uint64_t free_bytes(int ordinal) const override { return machine_.free_bytes(ordinal); }

 private:
  const Machine& machine_;
};

TEST(SelfTest, RanksBehindEachOtherDoNotSpin) {
  const auto machine = emulated_machine(layout_of(2));
  const OneQueue queue(*machine);
  SelfTestOptions options = patient();
  options.watchdog_ns = 50'000'000;
  options.forced = SyncMode::kSpin;
  try {
    choose_sync_mode(queue, options);
    FAIL() << "ranks met that cannot";
  } catch (const CudaError& error) {
    const std::string said = error.what();
    EXPECT_NE(said.find("not spin: in pairs: rank"), std::string::npos) << said;
  }
  EXPECT_TRUE(pads_are_clear(machine->heap()));
}

}  // namespace
}  // namespace regroup::cuda
