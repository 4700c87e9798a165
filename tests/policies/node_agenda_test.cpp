// Planning the nodes of the agenda alone does the same as planning all of them with every event.
#include "policies/builtin/steps/node_agenda.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <deque>
#include <random>

namespace regroup {
namespace {

constexpr int kNodes = 6, kGpus = 8;
constexpr std::size_t kLook = 2;  // how many of the common queue a plan looks at

struct Waiting {
  int gpus;
  TimePoint from{};  // not before
};

// GPUs, a queue for each node, and one for all of them; who is placed gets the lowest window.
class World {
 public:
  World() : free_(std::vector<int>(kNodes, kGpus)), own_(kNodes) {
    for (std::uint32_t gpu = 0; gpu < kNodes * kGpus; ++gpu) free_.give(GpuId{gpu});
  }

  NodeAgenda agenda;
  TimePoint now{};
  std::vector<Group> placed;  // in that order
  int plans = 0;

  const IdleGpus& free() const { return free_; }
  void come(std::size_t node, Waiting who) {
    own_[node].push_back(who);
    agenda.touch(node);
  }
  void come_anywhere(Waiting who) { common_.push_back(who); }
  void end(std::size_t index) {
    agenda.touch(free_.node_of(placed[index][0]).value);
    free_.give(placed[index]);
    placed.erase(placed.begin() + static_cast<std::ptrdiff_t>(index));
  }

  int needed() const {
    int least = 1000;
    for (std::size_t i = 0; i < std::min(kLook, common_.size()); ++i)
      least = std::min(least, common_[i].gpus);
    return least;
  }
  NodeAgenda::Outcome plan(std::uint32_t node) {
    ++plans;
    place_from(own_[node], own_[node].size(), node);
    place_from(common_, kLook, node);
    NodeAgenda::Outcome outcome{.gap = gap(node)};
    for (const Waiting& who : own_[node])
      if (who.from > now) outcome.until = std::min(outcome.until, who.from);
    return outcome;
  }

  void plan_all() {
    std::vector<std::pair<int, std::uint32_t>> order;
    for (std::uint32_t node = 0; node < kNodes; ++node)
      if (free_.count(NodeId{node}) > 0) order.emplace_back(-free_.count(NodeId{node}), node);
    std::ranges::sort(order);
    for (const auto& [idle, node] : order) plan(node);
  }
  void plan_agenda() {
    agenda.wake(now);
    agenda.visit(
        free_, [&] { return needed(); }, [&](std::uint32_t node) { return plan(node); });
  }

 private:
  std::uint64_t idle(std::uint32_t node) const {
    std::uint64_t mask = 0;
    for (std::uint32_t i = 0; i < kGpus; ++i)
      if (free_.contains(GpuId{node * kGpus + i})) mask |= std::uint64_t{1} << i;
    return mask;
  }
  int gap(std::uint32_t node) const {
    int length = 0;
    for (std::uint64_t mask = idle(node); mask != 0; mask &= mask << 1) ++length;
    return length;
  }

  // Those of the first `look` for whom there is room, until nobody moves up who fits.
  void place_from(std::deque<Waiting>& queue, std::size_t look, std::uint32_t node) {
    for (std::size_t i = 0; i < std::min(look, queue.size());) {
      const Waiting who = queue[i];
      const std::uint64_t window = (std::uint64_t{1} << who.gpus) - 1;
      int first = 0;
      while (first + who.gpus <= kGpus && (idle(node) & window << first) != window << first)
        ++first;
      if (who.from > now || first + who.gpus > kGpus) {
        ++i;
        continue;
      }
      Group group;
      for (int gpu = first; gpu < first + who.gpus; ++gpu)
        group.push_back(GpuId{node * kGpus + static_cast<std::uint32_t>(gpu)});
      free_.take(group);
      placed.push_back(group);
      queue.erase(queue.begin() + static_cast<std::ptrdiff_t>(i));
      i = 0;
    }
  }

  IdleGpus free_;
  std::vector<std::deque<Waiting>> own_;
  std::deque<Waiting> common_;
};

TEST(NodeAgenda, LeavesOutOnlyPlansThatWouldChangeNothing) {
  int all = 0, some = 0;
  for (unsigned seed = 0; seed < 40; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
    World everywhere, listed;
    listed.agenda.touch_all(kNodes);
    everywhere.agenda.touch_all(kNodes);
    for (int event = 0; event < 400; ++event) {
      everywhere.now += std::chrono::seconds(1);
      listed.now = everywhere.now;
      const Waiting who{static_cast<int>(1 + below(kGpus)),
                        everywhere.now + std::chrono::seconds(below(3) == 0 ? below(20) : 0)};
      if (const std::size_t what = below(5); what == 0) {
        const std::size_t node = below(kNodes);
        everywhere.come(node, who);
        listed.come(node, who);
      } else if (what == 1) {
        everywhere.come_anywhere({who.gpus});
        listed.come_anywhere({who.gpus});
      } else if (what < 4 && !listed.placed.empty()) {
        const std::size_t index = below(listed.placed.size());
        everywhere.end(index);
        listed.end(index);
      }  // else only time passes
      everywhere.plan_all();
      listed.plan_agenda();
      ASSERT_EQ(everywhere.placed, listed.placed) << "seed " << seed << ", event " << event;
    }
    all += everywhere.plans;
    some += listed.plans;
  }
  EXPECT_LT(3 * some, all);
}

TEST(NodeAgenda, WhoSaysAgainIsPlannedWithEveryEvent) {
  IdleGpus free(std::vector<int>{2, 2});
  free.give(GpuId{0});
  free.give(GpuId{2});
  NodeAgenda agenda;
  agenda.touch_all(2);
  std::vector<std::uint32_t> planned;
  const auto visit = [&] {
    planned.clear();
    agenda.visit(
        free, [] { return 2; },
        [&](std::uint32_t node) {
          planned.push_back(node);
          return NodeAgenda::Outcome{.again = node == 1, .gap = 1};
        });
    return planned;
  };
  EXPECT_EQ(visit(), (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(visit(), std::vector<std::uint32_t>{1});
  free.take(GpuId{2});
  EXPECT_EQ(visit(), std::vector<std::uint32_t>{}) << "it has no idle GPU";
}

}  // namespace
}  // namespace regroup
