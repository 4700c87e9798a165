// IdleGpus against the same questions answered by walking the cluster.
#include "regroup/policy/idle_gpus.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace regroup {
namespace {

GpuId gpu(std::uint32_t value) { return GpuId{value}; }

// What the header promises, in the most direct words.
class BruteForce {
 public:
  explicit BruteForce(std::span<const int> gpus_per_node) {
    for (const int count : gpus_per_node) {
      nodes_.emplace_back();
      for (int i = 0; i < count; ++i) {
        nodes_.back().push_back(gpu(static_cast<std::uint32_t>(idle_.size())));
        idle_.push_back(false);
      }
    }
  }

  void set(GpuId id, bool idle) { idle_[id.value] = idle; }
  bool idle(GpuId id) const { return idle_[id.value]; }

  std::vector<GpuId> idle_of(std::size_t node) const {
    std::vector<GpuId> found;
    for (const GpuId id : nodes_[node])
      if (idle_[id.value]) found.push_back(id);
    return found;
  }

  std::size_t node_of(GpuId id) const {
    for (std::size_t n = 0; n < nodes_.size(); ++n)
      if (std::ranges::find(nodes_[n], id) != nodes_[n].end()) return n;
    return nodes_.size();
  }

  std::size_t widest() const {
    std::size_t most = 0;
    for (std::size_t n = 0; n < nodes_.size(); ++n) most = std::max(most, idle_of(n).size());
    return most;
  }

  std::vector<GpuId> pick(std::size_t k) const {
    std::vector<GpuId> best;
    for (std::size_t n = 0; n < nodes_.size(); ++n)
      if (const auto here = idle_of(n);
          here.size() >= k && (best.empty() || here.size() < best.size()))
        best = here;
    if (!best.empty()) best.resize(k);
    return best;
  }

  std::vector<GpuId> pick(std::size_t k, std::span<const GpuId> keep) const {
    if (keep.empty()) return pick(k);
    const auto here = idle_of(node_of(keep.front()));
    if (here.size() < k) return pick(k);
    std::vector<GpuId> chosen;
    for (const auto& candidates : {keep, std::span<const GpuId>(here)})
      for (const GpuId id : candidates)
        if (chosen.size() < k && std::ranges::find(here, id) != here.end() &&
            std::ranges::find(chosen, id) == chosen.end())
          chosen.push_back(id);
    return chosen;
  }

 private:
  std::vector<std::vector<GpuId>> nodes_;
  std::vector<bool> idle_;
};

std::vector<GpuId> members(const Group& group) { return {group.begin(), group.end()}; }

std::string text(const std::vector<GpuId>& ids) {
  std::string all;
  for (const GpuId id : ids) all += std::to_string(id.value) + " ";
  return all;
}

class Pair {
 public:
  explicit Pair(std::span<const int> gpus_per_node) : fast_(gpus_per_node), slow_(gpus_per_node) {
    for (const int count : gpus_per_node) gpus_ += static_cast<std::uint32_t>(count);
  }

  void flip(GpuId id) {
    const bool was_idle = slow_.idle(id);
    was_idle ? fast_.take(id) : fast_.give(id);
    slow_.set(id, !was_idle);
    idle_ += was_idle ? -1 : +1;
  }

  void take(const Group& group) {
    fast_.take(group);
    for (const GpuId id : group) slow_.set(id, false);
    idle_ -= static_cast<int>(group.size());
  }

  // Those of them that are busy, in any order and of any nodes.
  void give(const Group& any) {
    Group busy;
    for (const GpuId id : any)
      if (!slow_.idle(id) && !busy.contains(id)) busy.push_back(id);
    fast_.give(busy);
    for (const GpuId id : busy) slow_.set(id, true);
    idle_ += static_cast<int>(busy.size());
  }

  // Asks both everything about one GPU and one size.
  void compare(GpuId id, int k, const Group& keep) const {
    const auto wanted = static_cast<std::size_t>(k);
    ASSERT_EQ(fast_.count(), idle_);
    ASSERT_EQ(fast_.contains(id), slow_.idle(id));
    const NodeId node = fast_.node_of(id);
    ASSERT_EQ(node.value, slow_.node_of(id));
    ASSERT_EQ(static_cast<std::size_t>(fast_.count(node)), slow_.idle_of(node.value).size());
    ASSERT_EQ(static_cast<std::size_t>(fast_.widest()), slow_.widest());
    ASSERT_EQ(text(members(fast_.pick(k))), text(slow_.pick(wanted))) << "pick " << k;
    ASSERT_EQ(text(members(fast_.pick(k, keep))), text(slow_.pick(wanted, members(keep))))
        << "pick " << k << ", keep " << text(members(keep));
  }

  const IdleGpus& fast() const { return fast_; }
  std::uint32_t gpus() const { return gpus_; }

 private:
  IdleGpus fast_;
  BruteForce slow_;
  std::uint32_t gpus_ = 0;
  int idle_ = 0;
};

// Flips, takes and gives at random; every `stride` operations all answers are compared.
void run_random_operations(std::span<const int> gpus_per_node, int operations, int stride,
                           std::uint32_t seed) {
  Pair pair(gpus_per_node);
  std::mt19937 random(seed);
  const auto any_gpu = [&] { return gpu(static_cast<std::uint32_t>(random() % pair.gpus())); };
  Group last;
  for (int i = 0; i < operations; ++i) {
    const int k = static_cast<int>(random() % 9) + 1;
    if (random() % 4 == 0) {
      last = pair.fast().pick(k);
      pair.take(last);
    } else if (random() % 8 == 0) {
      Group some;
      for (int n = 0; n < k; ++n) some.push_back(any_gpu());
      pair.give(some);
    } else {
      pair.flip(any_gpu());
    }
    if (i % stride == 0) {
      pair.compare(any_gpu(), k, last);
      if (::testing::Test::HasFatalFailure())
        FAIL() << "after operation " << i << ", seed " << seed;
    }
  }
}

TEST(IdleGpus, AgreesWithBruteForceOnManySmallClusters) {
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    std::vector<int> nodes(1 + random() % 12);
    for (int& count : nodes) count = static_cast<int>(1 + random() % 10);
    run_random_operations(nodes, 400, 1, seed);
    if (HasFatalFailure()) return;
  }
}

TEST(IdleGpus, AgreesWithBruteForceOnNodesOfUpTo64Gpus) {
  const std::vector<int> nodes{64, 1, 63, 32, 64, 2};
  run_random_operations(nodes, 3000, 1, 1);
}

TEST(IdleGpus, AgreesWithBruteForceAcrossTheWordBoundaryOfNodes) {
  for (const std::size_t count : {63u, 64u, 65u, 128u, 129u}) {
    const std::vector<int> nodes(count, 4);
    run_random_operations(nodes, 1000, 1, static_cast<std::uint32_t>(count));
    if (HasFatalFailure()) return;
  }
}

TEST(IdleGpus, AgreesWithBruteForceOn10000GpusOf1250Nodes) {
  const std::vector<int> nodes(1250, 8);
  run_random_operations(nodes, 60000, 400, 7);
}

TEST(IdleGpus, MatchMakesANodeLikeThatOfTheOther) {
  const std::vector<int> nodes{8, 3, 64, 1, 8};
  std::mt19937 random(3);
  IdleGpus one(nodes), other(nodes);
  std::vector<bool> idle(84);
  for (int round = 0; round < 300; ++round) {
    const std::uint32_t id = static_cast<std::uint32_t>(random() % idle.size());
    idle[id] ? one.take(gpu(id)) : one.give(gpu(id));
    idle[id] = !idle[id];
    if (random() % 4 != 0) continue;
    for (std::uint32_t node = 0; node < nodes.size(); ++node) other.match({node}, one);
    ASSERT_EQ(other.count(), one.count());
    ASSERT_EQ(other.widest(), one.widest());
    for (std::uint32_t each = 0; each < idle.size(); ++each)
      ASSERT_EQ(other.contains(gpu(each)), idle[each]) << each;
    for (int k = 1; k <= 9; ++k) ASSERT_EQ(other.pick(k), one.pick(k)) << k;
  }
}

TEST(IdleGpus, StartsWithEveryGpuBusy) {
  const std::vector<int> nodes{8, 8};
  const IdleGpus idle(nodes);
  EXPECT_EQ(idle.count(), 0);
  EXPECT_EQ(idle.widest(), 0);
  EXPECT_TRUE(idle.pick(1).empty());
  EXPECT_FALSE(idle.contains(gpu(0)));
}

TEST(IdleGpus, OfNoNodesAnswersEverythingWithNone) {
  const IdleGpus idle;
  EXPECT_EQ(idle.count(), 0);
  EXPECT_EQ(idle.widest(), 0);
  EXPECT_TRUE(idle.pick(1).empty());
  EXPECT_FALSE(idle.contains(gpu(0)));
}

class TwoNodes : public ::testing::Test {
 protected:
  TwoNodes() {
    for (const std::uint32_t id : {0u, 1u, 2u, 3u, 9u, 11u}) idle_.give(gpu(id));
  }
  const std::vector<int> nodes_{8, 8};
  IdleGpus idle_{nodes_};
};

TEST_F(TwoNodes, PickTakesTheTightestNodeThatSuffices) {
  EXPECT_EQ(idle_.pick(2), (Group{gpu(9), gpu(11)}));
  EXPECT_EQ(idle_.pick(3), (Group{gpu(0), gpu(1), gpu(2)}));
  EXPECT_TRUE(idle_.pick(5).empty()) << "a group never spans nodes";
}

TEST_F(TwoNodes, PickOfNoneOrLessIsEmpty) {
  EXPECT_TRUE(idle_.pick(0).empty());
  EXPECT_TRUE(idle_.pick(-1).empty());
}

TEST_F(TwoNodes, PickKeepsRanksThatNeedNotMove) {
  EXPECT_EQ(idle_.pick(2, Group{gpu(3), gpu(1)}), (Group{gpu(3), gpu(1)}));
  EXPECT_EQ(idle_.pick(3, Group{gpu(3), gpu(7)}), (Group{gpu(3), gpu(0), gpu(1)})) << "7 is busy";
  EXPECT_EQ(idle_.pick(1, Group{gpu(2), gpu(0)}), Group{gpu(2)}) << "narrowed from the end";
  EXPECT_EQ(idle_.pick(3, Group{gpu(9)}), (Group{gpu(0), gpu(1), gpu(2)}))
      << "its node is too full";
}

TEST_F(TwoNodes, ContainsAGroupOfOneNodeOnly) {
  EXPECT_TRUE(idle_.contains_on_one_node({gpu(2), gpu(0)}));
  EXPECT_FALSE(idle_.contains_on_one_node({gpu(0), gpu(9)})) << "two nodes";
  EXPECT_FALSE(idle_.contains_on_one_node({gpu(0), gpu(7)})) << "7 is busy";
  EXPECT_FALSE(idle_.contains_on_one_node({gpu(0), gpu(0)})) << "named twice";
  EXPECT_FALSE(idle_.contains_on_one_node({gpu(0), gpu(1000)})) << "no such GPU";
  EXPECT_FALSE(idle_.contains_on_one_node({}));
}

TEST_F(TwoNodes, ACopyIsIndependent) {
  IdleGpus plan = idle_;
  plan.take(plan.pick(2));
  EXPECT_EQ(plan.count(), 4);
  EXPECT_EQ(idle_.count(), 6);
  EXPECT_TRUE(idle_.contains(gpu(9)));
}

}  // namespace
}  // namespace regroup
