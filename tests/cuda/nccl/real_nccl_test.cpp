// NCCL itself, as far as it goes without a GPU.
#include <gtest/gtest.h>

#include <iostream>
#include <optional>

#include "core/errors.hpp"
#include "runtime/cuda/nccl/nccl_library.hpp"

namespace regroup::cuda {
namespace {

TEST(RealNccl, IsLoaded) {
  std::optional<NcclLibrary> library;
  try {
    library.emplace();
  } catch (const CudaError& error) {
    GTEST_SKIP() << error.what();
  }
  std::cout << "NCCL " << library->version() << ", " << library->file() << "\n";
  EXPECT_EQ(library->version().substr(0, 2), "2.");
  EXPECT_STRNE(library->functions().get_error_string(NcclResult::kInvalidUsage), "");
  EXPECT_NO_THROW(library->check(NcclResult::kInProgress, "waiting"));
  EXPECT_THROW(library->check(NcclResult::kInvalidUsage, "nothing"), NcclError);
}

}  // namespace
}  // namespace regroup::cuda
