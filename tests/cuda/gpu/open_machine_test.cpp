#include "runtime/cuda/gpu/open_machine.hpp"

#include <gtest/gtest.h>

#include <string>

#include "core/errors.hpp"
#include "runtime/cuda/gpu/driver.hpp"
#include "runtime/cuda/gpu/shared_sms.hpp"

namespace regroup::cuda {
namespace {

using collectives::HeapLayout;
using collectives::kHeapAlignment;

int count_gpus() {
  int gpus = 0;
  return cudaGetDeviceCount(&gpus) == cudaSuccess ? gpus : 0;
}

std::string complaint(const char* devices, int ranks) {
  try {
    open_machine(devices::parse_device_list(devices), {ranks, kHeapAlignment, kHeapAlignment});
  } catch (const CudaError& error) {
    return error.what();
  }
  return {};
}

TEST(OpenMachine, WithoutAGpuOneLineSaysWhatIsMissing) {
  if (count_gpus() > 0) GTEST_SKIP() << "this machine has a GPU";
  const std::string said = complaint("gpu0:8x16sm", 8);
  EXPECT_NE(said.find("no NVIDIA"), std::string::npos) << said;
  EXPECT_NE(said.find("CUDA error"), std::string::npos) << said;
  EXPECT_NE(said.find("--on cuda needs a GPU; --on sim and --on host do not"), std::string::npos)
      << said;
  EXPECT_EQ(said.find('\n'), std::string::npos) << said;
  EXPECT_EQ(complaint("gpu0", 1), said) << "the second time it is said in the same way";
}

TEST(OpenMachine, ListAndHeapAgree) {
  EXPECT_THROW(open_machine(devices::parse_device_list("gpu0"), {2, 0, 0}), InternalError);
  EXPECT_THROW(open_machine(devices::parse_device_list("host:2"), {2, 0, 0}), InternalError);
}

TEST(Driver, VersionsInWords) {
  EXPECT_EQ(cuda_version_text(13000), "13.0");
  EXPECT_EQ(cuda_version_text(12040), "12.4");
}

TEST(OpenMachine, SlicesOfAGpu) {
  if (count_gpus() == 0) GTEST_SKIP() << "needs a GPU: none on this machine";
  const auto machine =
      open_machine(devices::parse_device_list("gpu0:4x16sm"), {4, kHeapAlignment, kHeapAlignment});
  ASSERT_EQ(machine->ranks(), 4);
  EXPECT_EQ(find_shared_sms(*machine), "");
  for (int rank = 0; rank < 4; ++rank) {
    machine->make_current(rank);
    EXPECT_EQ(machine->rank(rank).sms, 16);
    std::uint64_t word = 1;
    ASSERT_EQ(cudaMemcpy(&word, machine->heap().region((rank + 1) % 4), 8, cudaMemcpyDefault),
              cudaSuccess);
    EXPECT_EQ(word, 0u);
  }
}

TEST(OpenMachine, AGpuThatIsNotThere) {
  const int gpus = count_gpus();
  if (gpus == 0) GTEST_SKIP() << "needs a GPU: none on this machine";
  const std::string missing = "gpu" + std::to_string(gpus);
  EXPECT_NE(complaint(missing.c_str(), 1).find("there is no " + missing), std::string::npos);
}

}  // namespace
}  // namespace regroup::cuda
