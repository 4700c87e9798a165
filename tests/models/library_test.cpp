#include "models/library.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace regroup::models {
namespace {

// Files are found by name before they are read: a name that says something else would hide one.
TEST(Library, FindsEveryCalibrationByItsGpu) {
  const Library& library = Library::builtin();
  ASSERT_FALSE(library.calibrations().empty());
  for (const Calibration& one : library.calibrations()) {
    const Library::Calibrations of_gpu = library.calibrations(one.gpu);
    EXPECT_TRUE(std::ranges::any_of(of_gpu, [&](const Calibration& c) { return &c == &one; }))
        << one.model << " on " << one.gpu;
    for (const Calibration& other : of_gpu) EXPECT_EQ(other.gpu, one.gpu);
  }
  EXPECT_TRUE(library.calibrations("no such GPU").empty());
}

TEST(Library, FindsTheCollectivesOfEveryGpu) {
  const Library& library = Library::builtin();
  for (const auto& gpu : library.gpus()) EXPECT_NO_THROW(library.collectives(*gpu, 8)) << gpu->name;
}

}  // namespace
}  // namespace regroup::models
