// The threads of a block, carried out by one OS thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <vector>

#include "runtime/cuda/emulator/fiber.hpp"
#include "runtime/cuda/emulator/language.hpp"

namespace regroup::cuda::emulator {

struct Grid {
  dim3 blocks;
  dim3 threads;                // of a block
  std::size_t shared_bytes;    // dynamic
  std::function<void()> body;  // what every thread does
};

// What 32 lanes do together. `lanes[i]` is what lane i gave to Block::in_warp(); results go there.
struct WarpOperation {
  const char* name;
  void (*apply)(const std::array<void*, 32>& lanes);
};

// Copies in the background, of one thread: cp.async. Carried out no sooner than they must be, and
// their places poisoned at once, so that a kernel which reads without waiting is found out, and one
// which starts a copy to where others still read.
struct AsyncCopies {
  struct Copy {
    std::byte* to;
    const std::byte* from;  // nullptr: zeros
    int group;
  };
  std::vector<Copy> pending;
  int group = 0;  // that the next copy joins
};

// Runs the blocks of one OS thread's kernels, one after another. Threads change only where they
// call one of the functions below, so a block of threads that call none needs one stack. A warp
// goes on as far as barriers let it before the others do, and every second block starts with its
// last thread, so that a missing barrier shows.
class Block {
 public:
  // Of this OS thread.
  static Block& mine();

  // All blocks of a kernel. Ends the program, with a message, if threads of a block wait for others
  // that never come.
  void run(const Grid& grid);

  // On a thread of the block.
  void sync();
  void nap();
  void in_warp(const WarpOperation& operation, void* lane);
  int lane() const;
  AsyncCopies& async_copies();
  [[noreturn]] void fail(const char* message) const;

  std::byte* shared() const { return shared_.get(); }

 private:
  // One fiber, which becomes another thread of the block when one has ended.
  struct Thread {
    explicit Thread(Block& block);
    static void serve(void* thread);

    Block& block;
    Fiber fiber;
    uint3 index{};
    int number = 0;                  // x fastest
    const char* waits_in = nullptr;  // at what; nullptr: it can go on
    bool ended = false;
    AsyncCopies async;
  };

  struct Warp {
    const WarpOperation* operation = nullptr;
    int arrived = 0;
    std::array<void*, 32> lanes{};
    std::array<Thread*, 32> threads{};
  };

  void run_block(bool backwards);
  void start(int number);
  void resume(Thread& thread);
  void resume_ready();
  void wait_in(const char* what);
  void release(Thread& thread);
  static void rest(int idle_rounds);
  [[noreturn]] void fail_stuck() const;

  const Grid* grid_ = nullptr;
  int threads_ = 0;
  int ended_ = 0;
  Thread* current_ = nullptr;
  std::vector<std::unique_ptr<Thread>> all_;
  std::vector<Thread*> free_;
  std::vector<Thread*> ready_;
  std::vector<Thread*> napping_;
  std::vector<Thread*> turn_;  // those that napped when this round began
  std::vector<Thread*> at_barrier_;
  std::vector<Warp> warps_;
  std::unique_ptr<std::byte, void (*)(void*)> shared_{nullptr, &std::free};
};

}  // namespace regroup::cuda::emulator
