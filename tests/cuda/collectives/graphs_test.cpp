// One recorded graph serves every group of its size: members are read when it runs.
#include <array>
#include <cstring>

#include "core/errors.hpp"
#include "runtime/cuda/gpu/graph.hpp"
#include "runtime/cuda/gpu/rank_threads.hpp"
#include "runtime/cuda/portable/check.hpp"
#include "tests/cuda/collectives/node.hpp"

namespace regroup::cuda {
namespace {

using collectives::Op;
using collectives::RankGroup;
using collectives::TensorShape;
using collectives::testing::Oracle;
using testing::Bytes;
using testing::Node;

constexpr TensorShape kShape{11, 6, 16, 3, 5};
constexpr int kReplays = 12;

// What one rank has recorded for groups of one size, and where it works.
struct Recording {
  RankGroup group;  // in "device memory"
  Bytes input = Bytes(kShape.bytes());
  Bytes heads = Bytes(kShape.bytes());
  Bytes output = Bytes(kShape.bytes());
  Graph graph;

  void record(Node& node, int rank) {
    DeviceCollectives& collectives = node.collectives(rank);
    const cudaStream_t stream = node.compute(rank);
    const auto fill = [&](int slot, const Bytes& from) {
      collectives.reserve(stream, slot);
      check(cudaMemcpyAsync(collectives.staging(slot), from.data(), from.size(), cudaMemcpyDefault,
                            stream),
            "writing an input");
    };
    graph = Graph::record(stream, [&] {
      collectives.barrier(stream, &group);
      for (int round = 0; round < 2; ++round) {  // so that slots come round in one graph, too
        fill(0, input);
        collectives.exchange(stream, Op::kSeqToHeads, &group, kShape, 0, heads.data());
        fill(1, heads);
        collectives.exchange(stream, Op::kHeadsToSeq, &group, kShape, 1, output.data());
      }
    });
  }
};

class RecordedCollectives : public ::testing::TestWithParam<int> {};

TEST_P(RecordedCollectives, ServeAllGroups) {
  const int size = GetParam();
  Node node(4);
  disarm();  // graphs are made before arming
  std::vector<Recording> recordings(4);
  for (int rank = 0; rank < 4; ++rank)
    recordings[static_cast<std::size_t>(rank)].record(node, rank);
  arm();

  RandomStream random(static_cast<std::uint64_t>(size), "graphs");
  std::vector<RankGroup> groups;
  for (std::uint64_t step = 1; groups.size() < kReplays; ++step) {
    const RankGroup group = collectives::testing::random_group(random, node.world(), 1, step);
    if (group.size == size) groups.push_back(group);
  }
  on_every_rank(node.machine(), [&](int rank) {
    Recording& own = recordings[static_cast<std::size_t>(rank)];
    for (const RankGroup& group : groups) {
      const int me = group.position(rank);
      if (me < 0) continue;
      const Oracle oracle(kShape, group.size, group.step);
      const Bytes input = oracle.input(Op::kSeqToHeads, me);
      const Bytes heads = oracle.output(Op::kSeqToHeads, me);
      own.group = group;
      std::memcpy(own.input.data(), input.data(), input.size());
      std::memset(own.output.data(), 0xff, own.output.size());
      own.graph.launch(node.compute(rank));
      check(cudaStreamSynchronize(node.compute(rank)), "replaying");
      EXPECT_TRUE(std::equal(heads.begin(), heads.end(), own.heads.begin()));
      EXPECT_TRUE(std::equal(input.begin(), input.end(), own.output.begin()));
    }
  });
  EXPECT_TRUE(node.world().failures().empty());
}

INSTANTIATE_TEST_SUITE_P(Sizes, RecordedCollectives, ::testing::Values(1, 2, 3, 4));

TEST(DeviceGroups, MembersThatTheHostDoesNotKnowNeedSpinning) {
  Node node(2, SyncMode::kEvent);
  const RankGroup group;
  EXPECT_THROW(node.collectives(0).barrier(node.compute(0), &group), InternalError);
}

}  // namespace
}  // namespace regroup::cuda
