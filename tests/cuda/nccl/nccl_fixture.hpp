// A test with the fake library in NCCL's place.
#pragma once

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "runtime/cuda/nccl/nccl_library.hpp"
#include "tests/cuda/nccl/fake_nccl.hpp"

namespace regroup::cuda::testing {

using namespace std::chrono_literals;

inline FakeNccl& fake_nccl() {
  static auto* const fake =
      static_cast<FakeNccl*>(dlsym(dlopen(RG_FAKE_NCCL, RTLD_NOW | RTLD_LOCAL), "fake_nccl"));
  return *fake;
}

class NcclTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fake.enqueue = [](cudaStream_t stream, void (*work)(void*), void* argument) {
      return cudaLaunchHostFunc(stream, work, argument);
    };
    behave();
    fake.ids = fake.inits = fake.splits = fake.destroyed = fake.aborted = 0;
    fake.several_threads = false;
  }
  void TearDown() override {
    behave();
    EXPECT_EQ(fake.alive, 0) << "communicators were left behind";
    EXPECT_FALSE(fake.several_threads) << "several threads called NCCL";
  }
  void behave() {
    fake.in_progress = 0;
    fake.init_hangs = false;
    fake.init_result = fake.async_result = 0;
  }

  FakeNccl& fake = fake_nccl();
  const NcclLibrary library{RG_FAKE_NCCL};
};

// What an exception of this kind says; empty: it was not thrown.
template <class Exception, class Work>
std::string complaint(Work work) {
  try {
    work();
  } catch (const Exception& error) {
    return error.what();
  }
  return {};
}

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

}  // namespace regroup::cuda::testing
