#include "runtime/cuda/emulator/fiber.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#elif defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace regroup::cuda::emulator {
namespace {

// Only pages that are used take memory. Below lies a page that nobody may touch.
constexpr std::size_t kStackBytes = 256 * 1024;
constexpr std::size_t kGuardBytes = 4096;

thread_local Fiber* entering = nullptr;

std::byte* map_stack() {
  void* const memory = mmap(nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED || mprotect(memory, kGuardBytes, PROT_NONE) != 0) {
    std::perror("CUDA emulator: a stack for a thread of a block");
    std::abort();
  }
  return static_cast<std::byte*>(memory) + kGuardBytes;
}

void unmap_stack(std::byte* stack) {
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(stack, kStackBytes);
#endif
  munmap(stack - kGuardBytes, kGuardBytes + kStackBytes);
}

#if defined(__x86_64__)
// swapcontext without its two system calls, which would be most of the emulator's time: saves the
// registers that a function must keep, and goes on where `to` left off.
__attribute__((naked, noinline)) void switch_stacks(void** /*from*/, void* /*to*/) {
  asm("pushq %rbp\n pushq %rbx\n pushq %r12\n pushq %r13\n pushq %r14\n pushq %r15\n"
      "movq %rsp, (%rdi)\n movq %rsi, %rsp\n"
      "popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rbx\n popq %rbp\n"
      "ret");
}
#else
void switch_stacks(ucontext_t* from, ucontext_t& to) { swapcontext(from, &to); }
#endif

#if defined(__SANITIZE_ADDRESS__)
void before_switch(void** shadow, const void* stack, std::size_t bytes) {
  __sanitizer_start_switch_fiber(shadow, stack, bytes);
}
void after_switch(void* shadow, const void** from, std::size_t* bytes) {
  __sanitizer_finish_switch_fiber(shadow, from, bytes);
}
#else
void before_switch(void**, const void*, std::size_t) {}
void after_switch(void*, const void**, std::size_t*) {}
#endif

}  // namespace

Fiber::Fiber(void (*entry)(void*), void* argument)
    : entry_(entry), argument_(argument), stack_(map_stack()) {
  prepare();
#if defined(__SANITIZE_THREAD__)
  own_shadow_ = __tsan_create_fiber(0);
#endif
}

Fiber::~Fiber() {
#if defined(__SANITIZE_THREAD__)
  __tsan_destroy_fiber(own_shadow_);
#endif
  unmap_stack(stack_);
}

#if defined(__x86_64__)
void Fiber::prepare() {
  // As switch_stacks() leaves a stack, and as the ABI wants it at the start of a function: aligned
  // to 16 bytes before the return address, of which enter() has none.
  auto* const top = reinterpret_cast<std::uintptr_t*>(stack_ + kStackBytes);
  top[-2] = reinterpret_cast<std::uintptr_t>(&Fiber::enter);
  own_ = top - 8;  // six registers, still 0
}
#else
void Fiber::prepare() {
  getcontext(&own_);
  own_.uc_stack.ss_sp = stack_;
  own_.uc_stack.ss_size = kStackBytes;
  own_.uc_link = nullptr;
  makecontext(&own_, &Fiber::enter, 0);
}
#endif

void Fiber::enter() {
  Fiber& self = *entering;
  after_switch(nullptr, &self.resumer_stack_, &self.resumer_stack_bytes_);
  self.entry_(self.argument_);
  std::abort();
}

void Fiber::resume() {
  entering = this;
#if defined(__SANITIZE_THREAD__)
  resumer_shadow_ = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(own_shadow_, 0);
#endif
  before_switch(&resumer_shadow_, stack_, kStackBytes);
  switch_stacks(&resumer_, own_);
  after_switch(resumer_shadow_, nullptr, nullptr);
}

void Fiber::suspend() {
#if defined(__SANITIZE_THREAD__)
  __tsan_switch_to_fiber(resumer_shadow_, 0);
#endif
  before_switch(&own_shadow_, resumer_stack_, resumer_stack_bytes_);
  switch_stacks(&own_, resumer_);
  after_switch(own_shadow_, &resumer_stack_, &resumer_stack_bytes_);
}

}  // namespace regroup::cuda::emulator
