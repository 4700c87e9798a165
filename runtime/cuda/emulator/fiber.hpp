// A stack of its own for a thread of a block.
#pragma once

#include <cstddef>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace regroup::cuda::emulator {

// Belongs to the OS thread that made it. Dies suspended: `entry` never returns, and what is on the
// fiber's stack then is not destroyed.
class Fiber {
 public:
  Fiber(void (*entry)(void*), void* argument);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // On the OS thread's own stack: goes on until the fiber suspends itself.
  void resume();
  // On the fiber: back to who resumed it.
  void suspend();

 private:
#if defined(__x86_64__)
  using Context = void*;  // a stack pointer; the registers to restore lie above it
#else
  using Context = ucontext_t;
#endif

  static void enter();
  void prepare();

  void (*entry_)(void*);
  void* argument_;
  std::byte* stack_;
  Context own_;
  Context resumer_;
  // What the sanitizers are told of a change of stacks.
  void* own_shadow_ = nullptr;
  void* resumer_shadow_ = nullptr;
  const void* resumer_stack_ = nullptr;
  std::size_t resumer_stack_bytes_ = 0;
};

}  // namespace regroup::cuda::emulator
