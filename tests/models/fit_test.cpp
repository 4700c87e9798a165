#include "models/fit.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace regroup::models {
namespace {

std::string readme() {
  std::ifstream in(RG_SOURCE_DIR "/models/README.md");
  return {std::istreambuf_iterator<char>(in), {}};
}

// What is committed is what the anchors give: nothing was tuned by hand.
TEST(Fit, CommittedConstantsFollowFromTheAnchors) {
  const Library& library = Library::builtin();
  const AnalyticConstants fitted = fit_analytic(library);
  const AnalyticConstants& committed = library.analytic();
  ASSERT_EQ(fitted.gpus.size(), committed.gpus.size());
  for (std::size_t i = 0; i < fitted.gpus.size(); ++i) {
    EXPECT_NEAR(committed.gpus[i].linear / fitted.gpus[i].linear, 1, 1e-4) << fitted.gpus[i].gpu;
    EXPECT_NEAR(committed.gpus[i].attention / fitted.gpus[i].attention, 1, 1e-4)
        << fitted.gpus[i].gpu;
    EXPECT_LT(fitted.gpus[i].linear, 1) << "faster than the vendor's rate: " << fitted.gpus[i].gpu;
    EXPECT_LT(fitted.gpus[i].attention, 1) << fitted.gpus[i].gpu;
  }
  EXPECT_NEAR(committed.block_floor_s / fitted.block_floor_s, 1, 1e-4);
  EXPECT_NEAR(committed.pcie.seconds / fitted.pcie.seconds, 1, 1e-4);
  EXPECT_NEAR(committed.pcie.bytes_per_s / fitted.pcie.bytes_per_s, 1, 1e-4);
}

TEST(Fit, FewRowsSetTheConstants) {
  int anchors = 0, others = 0;
  for (const StepError& error : step_errors(Library::builtin()))
    ++(error.analytic ? others : anchors);
  EXPECT_LE(anchors, 12);
  EXPECT_GE(others, 200);
}

TEST(Fit, MedianErrorOnTheOtherRows) {
  std::vector<double> analytic, left_out;
  for (const StepError& error : step_errors(Library::builtin())) {
    if (error.analytic) analytic.push_back(*error.analytic);
    if (error.left_out) left_out.push_back(*error.left_out);
  }
  EXPECT_LE(median_absolute(analytic), 0.15);
  EXPECT_LE(median_absolute(left_out), 0.15);
}

TEST(Fit, ReadmeShowsTheErrorsOfThisVersion) {
  const std::string table = error_table(step_errors(Library::builtin()));
  EXPECT_NE(readme().find(table), std::string::npos) << "models/README.md must hold this table:\n\n"
                                                     << table;
}

TEST(Fit, MedianOfAbsoluteValues) {
  EXPECT_DOUBLE_EQ(median_absolute({-3, 1, 2}), 2);
  EXPECT_DOUBLE_EQ(median_absolute({-4, 1, 2, 3}), 2.5);
}

}  // namespace
}  // namespace regroup::models
