// That this program starts at all says that CUDA code links without a driver.
#include "runtime/cuda_version.hpp"

#include <gtest/gtest.h>

namespace regroup {
namespace {

std::string major(const std::string& version) { return version.substr(0, version.find('.')); }

TEST(CudaVersions, RuntimeIsTheOneCompiledAgainst) {
  const CudaVersions versions = cuda_versions();
  EXPECT_GE(std::stoi(major(versions.compiled)), 12) << versions.compiled;
  EXPECT_EQ(versions.runtime, versions.compiled);
}

TEST(CudaVersions, NcclFoundIsOfTheGenerationCompiledAgainst) {
  const CudaVersions versions = cuda_versions();
  if (versions.nccl_runtime.empty()) GTEST_SKIP() << "no NCCL library on this machine";
  EXPECT_EQ(major(versions.nccl_runtime), "2");
  EXPECT_EQ(major(versions.nccl_compiled), "2");
}

TEST(CudaVersions, DriverIsEmptyOrAVersion) {
  const std::string driver = cuda_versions().driver;
  if (driver.empty()) GTEST_SKIP() << "no driver on this machine";
  EXPECT_GE(std::stoi(major(driver)), 12) << driver;
}

}  // namespace
}  // namespace regroup
