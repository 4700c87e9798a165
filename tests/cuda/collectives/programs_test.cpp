// Random programs on ranks that are streams of the emulator, against a serial oracle.
#include <tuple>

#include "runtime/cuda/portable/cuda.hpp"
#include "tests/cuda/collectives/node.hpp"

namespace regroup::cuda {
namespace {

using collectives::testing::random_collectives;
using collectives::testing::random_puts;
using testing::Node;
using testing::Program;

// What was ever allocated, created or recorded.
long created() { return emulator::counts().created; }

class DevicePrograms : public ::testing::TestWithParam<std::tuple<SyncMode, int>> {};

TEST_P(DevicePrograms, GiveWhatASerialOracleGives) {
  const auto [sync, ranks] = GetParam();
  for (std::uint64_t seed = 0; seed < testing::kPrograms; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Node node(ranks, sync);
    RandomStream random(seed, testing::name(sync, ranks));
    Program program = random_collectives(random, node.world(), 24);
    testing::widen(random, program);
    const long before = created();
    node.expect_right(program, random_puts(random, node.world(), 12));
    node.expect_works_again(seed);  // nothing failed, and yet it may be armed again
    EXPECT_EQ(created(), before) << "after start-up nothing is allocated";
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Spin, DevicePrograms,
                         ::testing::Combine(::testing::Values(SyncMode::kSpin),
                                            ::testing::Range(2, 9)),
                         [](const auto& instance) {
                           return testing::name(std::get<0>(instance.param),
                                                std::get<1>(instance.param));
                         });
INSTANTIATE_TEST_SUITE_P(Others, DevicePrograms,
                         ::testing::Combine(::testing::Values(SyncMode::kMemop, SyncMode::kEvent),
                                            ::testing::Values(2, 3, 5, 8)),
                         [](const auto& instance) {
                           return testing::name(std::get<0>(instance.param),
                                                std::get<1>(instance.param));
                         });

}  // namespace
}  // namespace regroup::cuda
