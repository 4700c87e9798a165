// What LateRuns says without looking at all runs is what looking at all of them finds.
#include "policies/builtin/steps/late_runs.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>

namespace regroup {
namespace {

TEST(LateRuns, CountsWhatALookAtAllRunsWould) {
  struct Known {
    ServiceClass service;
    TimePoint latest;
    bool counts;
  };
  std::mt19937 random(1);
  const auto below = [&](std::uint64_t n) { return std::uint64_t{random()} % n; };
  LateRuns runs;
  std::map<std::uint32_t, std::pair<const Task*, Known>> known;  // by slot
  std::deque<Task> tasks;                                        // where they stay
  TimePoint now{};
  for (int call = 0; call < 2000; ++call) {
    now += Duration(below(1000));
    std::vector<Change> changes;
    for (auto it = known.begin(); it != known.end();) {
      if (below(4) != 0) {
        ++it;
        continue;
      }
      changes.push_back({.kind = below(2) == 0 ? Change::Kind::kTaskReady : Change::Kind::kTaskDone,
                         .task = it->second.first});
      it = known.erase(it);
    }
    runs.begin(changes);
    for (auto& [slot, run] : known) run.second.counts = true;
    for (std::uint32_t slot = 0; slot < 20; ++slot) {
      if (below(3) != 0 || known.contains(slot)) continue;
      const Task& task = tasks.emplace_back(Task{.id = {tasks.size()}, .slot = slot});
      const Known run{kServiceClasses[below(3)], now + Duration(below(4000)) - Duration(500),
                      false};
      runs.place(task, run.service, run.latest);
      known[slot] = {&task, run};
    }
    runs.advance(now);
    PerClass<int> late, all;
    for (const auto& [slot, run] : known) {
      if (!run.second.counts) continue;  // since the next call
      ++all[run.second.service];
      late[run.second.service] += now > run.second.latest;
    }
    for (const ServiceClass c : kServiceClasses) {
      ASSERT_EQ(runs.all(c), all[c]) << "call " << call;
      ASSERT_EQ(runs.late(c), late[c]) << "call " << call;
    }
  }
}

}  // namespace
}  // namespace regroup
