#include "runtime/cuda/emulator/block.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <thread>

constinit thread_local uint3 threadIdx{};
constinit thread_local uint3 blockIdx{};
constinit thread_local dim3 blockDim{};
constinit thread_local dim3 gridDim{};

namespace regroup::cuda::emulator {
namespace {

constexpr int kWarpSize = 32;
constexpr char kBarrier[] = "block_sync()";

int volume(const dim3& shape) { return static_cast<int>(shape.x * shape.y * shape.z); }

}  // namespace

Block::Thread::Thread(Block& block_) : block(block_), fiber(&Thread::serve, this) {}

void Block::Thread::serve(void* thread) {
  Thread& self = *static_cast<Thread*>(thread);
  for (;;) {
    self.block.grid_->body();
    self.ended = true;
    self.fiber.suspend();
  }
}

Block& Block::mine() {
  thread_local Block block;
  return block;
}

void Block::run(const Grid& grid) {
  grid_ = &grid;
  threads_ = volume(grid.threads);
  gridDim = grid.blocks;
  blockDim = grid.threads;
  if (grid.shared_bytes > 0) {
    void* memory = nullptr;
    if (posix_memalign(&memory, 128, grid.shared_bytes) != 0) fail("no memory for shared memory");
    shared_.reset(static_cast<std::byte*>(memory));
  }
  bool backwards = false;
  for (unsigned z = 0; z < grid.blocks.z; ++z)
    for (unsigned y = 0; y < grid.blocks.y; ++y)
      for (unsigned x = 0; x < grid.blocks.x; ++x) {
        blockIdx = {x, y, z};
        run_block(backwards);
        backwards = !backwards;
      }
  shared_.reset();
}

void Block::run_block(bool backwards) {
  if (shared_) std::memset(shared_.get(), 0xff, grid_->shared_bytes);
  ended_ = 0;
  warps_.assign(static_cast<std::size_t>((threads_ + kWarpSize - 1) / kWarpSize), {});
  for (int i = 0; i < threads_; ++i) {
    start(backwards ? threads_ - 1 - i : i);
    resume_ready();
  }
  int idle_rounds = 0;
  while (ended_ < threads_) {
    if (napping_.empty()) fail_stuck();
    turn_.swap(napping_);
    for (Thread* const thread : turn_) {
      resume(*thread);
      resume_ready();
    }
    idle_rounds = napping_.size() == turn_.size() ? idle_rounds + 1 : 0;
    turn_.clear();
    if (idle_rounds > 0) rest(idle_rounds);
  }
}

void Block::start(int number) {
  if (free_.empty()) {
    all_.push_back(std::make_unique<Thread>(*this));
    free_.push_back(all_.back().get());
  }
  Thread& thread = *free_.back();
  free_.pop_back();
  const auto n = static_cast<unsigned>(number);
  thread.index = {n % blockDim.x, n / blockDim.x % blockDim.y, n / blockDim.x / blockDim.y};
  thread.number = number;
  thread.ended = false;
  thread.async = {};
  resume(thread);
}

void Block::resume(Thread& thread) {
  current_ = &thread;
  threadIdx = thread.index;
  thread.fiber.resume();
  if (!thread.ended) return;
  ++ended_;
  free_.push_back(&thread);
}

// The latest first, so that a warp gets as far ahead of the others as barriers let it: what it
// must not do before them shows.
void Block::resume_ready() {
  while (!ready_.empty()) {
    Thread& thread = *ready_.back();
    ready_.pop_back();
    resume(thread);
  }
}

// All threads wait, some of them for what is outside of the block: at first for a short while, but
// a rank whose peer is busy should not keep a processor from it.
void Block::rest(int idle_rounds) {
  if (idle_rounds < 32)
    std::this_thread::yield();
  else
    std::this_thread::sleep_for(std::chrono::microseconds(20));
}

void Block::wait_in(const char* what) {
  Thread& self = *current_;
  self.waits_in = what;
  self.fiber.suspend();
}

void Block::release(Thread& thread) {
  thread.waits_in = nullptr;
  ready_.push_back(&thread);
}

void Block::sync() {
  if (at_barrier_.size() + 1 < static_cast<std::size_t>(threads_)) {
    at_barrier_.push_back(current_);
    return wait_in(kBarrier);
  }
  for (Thread* const thread : at_barrier_) release(*thread);
  at_barrier_.clear();
}

void Block::nap() {
  napping_.push_back(current_);
  current_->fiber.suspend();
}

void Block::in_warp(const WarpOperation& operation, void* lane) {
  const auto number = static_cast<std::size_t>(current_->number);
  const std::size_t first = number / kWarpSize * kWarpSize;
  if (first + kWarpSize > static_cast<std::size_t>(threads_))
    fail("a warp function in a warp of fewer than 32 threads");
  Warp& warp = warps_[number / kWarpSize];
  if (warp.arrived > 0 && warp.operation != &operation)
    fail("lanes of one warp are at different warp functions");
  warp.operation = &operation;
  warp.lanes[number - first] = lane;
  warp.threads[number - first] = current_;
  if (++warp.arrived < kWarpSize) return wait_in(operation.name);
  operation.apply(warp.lanes);
  warp.arrived = 0;
  for (Thread* const thread : warp.threads)
    if (thread != current_) release(*thread);
}

int Block::lane() const { return current_->number % kWarpSize; }

AsyncCopies& Block::async_copies() { return current_->async; }

void Block::fail(const char* message) const {
  std::fprintf(stderr, "CUDA emulator: block (%u, %u, %u) of %u x %u x %u threads: %s\n",
               blockIdx.x, blockIdx.y, blockIdx.z, blockDim.x, blockDim.y, blockDim.z, message);
  std::abort();
}

void Block::fail_stuck() const {
  std::map<std::string_view, int> waiting;
  for (const auto& thread : all_)
    if (!thread->ended && thread->waits_in != nullptr) ++waiting[thread->waits_in];
  std::string message = std::to_string(ended_) + " threads have ended";
  for (const auto& [where, count] : waiting)
    message += ", " + std::to_string(count) + " wait for ever in " + std::string(where);
  fail(message.c_str());
}

}  // namespace regroup::cuda::emulator
