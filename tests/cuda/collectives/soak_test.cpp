// The soak in small, and that it would notice what it is there for.
#include "runtime/cuda/collectives/soak.hpp"

#include "runtime/cuda/collectives/soak_bytes.hpp"
#include "runtime/cuda/portable/check.hpp"
#include "tests/cuda/collectives/node.hpp"

namespace regroup::cuda {
namespace {

using collectives::Op;
using collectives::TensorShape;
using collectives::testing::kLargestShape;
using testing::Node;

class CollectivesSoak : public ::testing::TestWithParam<SyncMode> {};

TEST_P(CollectivesSoak, Passes) {
  Node node(4, GetParam());
  disarm();  // the soak arms by itself
  SoakOptions options;
  options.operations = 200;
  options.largest = kLargestShape;
  options.largest.head_bytes = 48;
  const SoakReport report = collectives_soak(node.machine(), node.world(), options);
  EXPECT_TRUE(report.right_after_rearm && report.inversion_noticed) << soak_json(report);
  EXPECT_EQ(report.wrong_bytes, 0u);
  EXPECT_EQ(report.failure, "");
  EXPECT_GT(report.checked_bytes, 200u * 1000u);
  EXPECT_NE(soak_json(report).find(sync_mode_name(GetParam())), std::string::npos);
  node.expect_works_again();
}

INSTANTIATE_TEST_SUITE_P(Modes, CollectivesSoak,
                         ::testing::Values(SyncMode::kSpin, SyncMode::kMemop, SyncMode::kEvent),
                         [](const auto& instance) { return sync_mode_name(instance.param); });

TEST(SoakBytes, OneWrongByteCounts) {
  const Stream stream;
  constexpr TensorShape kShape{13, 5, 7, 2, 4};
  const TensorPart part = soak_output(Op::kSeqToHeads, kShape, 3, 1);
  ASSERT_EQ(part.bytes(), collectives::output_bytes(Op::kSeqToHeads, kShape, 3, 1));
  testing::Bytes bytes(part.bytes());
  unsigned long long wrong = 0;
  const auto look = [&] {
    launch_soak_check(stream.get(), part, 5, bytes.data(), &wrong);
    stream.synchronize("checking");
  };
  for (const std::size_t at : {std::size_t{0}, bytes.size() / 2, bytes.size() - 1}) {
    wrong = 0;
    launch_soak_fill(stream.get(), part, 5, bytes.data());
    stream.synchronize("filling");
    bytes[at] ^= std::byte{1};
    look();
    EXPECT_EQ(wrong, 1u) << at;
  }
  wrong = 0;
  look();  // spoilt by the check before
  EXPECT_EQ(wrong, bytes.size());
}

}  // namespace
}  // namespace regroup::cuda
