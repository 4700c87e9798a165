// The observers on the real control loop, with a policy that does anything it may.
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "core/conservation.hpp"
#include "core/metrics.hpp"
#include "core/random.hpp"
#include "core/results.hpp"
#include "tests/core/observer_script.hpp"
#include "tests/core/trace_reader.hpp"
#include "tests/support/loop_fixture.hpp"

namespace regroup {
namespace {

using script::TempDir;

testing::Decide anything(std::uint64_t seed) {
  return
      [random = RandomStream(seed, "anything")](const ClusterView& view, Decisions& out) mutable {
        for (const Task* task : view.running())
          if (random.below(8) == 0) out.preempt(*task);
        bool idle = view.running().empty();
        for (const Task* task : view.ready()) {
          const bool give_up = task->stage == 0 && random.below(16) == 0;
          if (give_up) out.reject(*task);
          if (give_up || (!idle && random.below(3) == 0)) continue;
          const Layout layout = task->widest(1 << random.below(3));
          const Group group = out.idle().pick(layout.size());
          if (group.empty()) continue;
          out.place(*task, group, layout);
          idle = false;
        }
        // A policy that leaves tasks waiting and everything idle must ask to be called again.
        if (idle && !view.ready().empty()) out.wake_at(view.now() + std::chrono::milliseconds(1));
      };
}

struct Observed {
  Summary summary;
  std::size_t rows = 0;  // of requests.csv
  script::Trace trace;
};

Observed observe(std::uint64_t seed) {
  testing::TestCatalog catalog({4, 4});
  catalog.dispatch_time = Duration(30'000);
  catalog.setup_time = Duration(50'000);
  catalog.migrate_time = Duration(70'000);
  RandomStream random(seed, "requests");
  std::vector<Request> requests;
  double arrival_s = 0;
  for (int i = 0; i < 60; ++i) {
    arrival_s += random.exponential(20);
    const int steps = 1 + static_cast<int>(random.below(10));
    requests.push_back(testing::request(catalog, arrival_s, 100, steps, arrival_s + 1));
  }

  NameTable<ClassId> classes;
  classes.intern("only");
  testing::LambdaPolicy::current = anything(seed);
  PolicyHandle policy(testing::kLambdaPlugin, {});
  const auto at = [](double seconds) { return TimePoint(from_seconds(seconds)); };
  sim::SimBackend backend(catalog, {.jitter = {.spread = 0.01, .seed = seed},
                                    .failures = {{{3}, at(0.5), at(0.8)}, {{6}, at(1), at(1.1)}}});
  testing::ListSource source(std::move(requests));

  const TempDir dir;
  Conservation conservation(catalog.gpus().size());
  Metrics metrics(catalog.gpus().size(), classes);
  Results results(dir.path(), catalog, classes, {.tasks = true, .timeline = true});
  ControlLoop({.backend = backend,
               .policy = policy,
               .catalog = catalog,
               .requests = source,
               .classes = classes,
               .observers = {&conservation, &metrics, &results.observer()}})
      .run();
  results.commit(metrics.summary(), {}, {});

  const std::string text = dir.read("requests.csv");
  const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  return {metrics.summary(), lines - 1, script::read_trace(dir.read("timeline.pftrace"))};
}

TEST(ObservedLoop, ConservesAndAgreesWithItself) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Observed observed = observe(seed);
    const Summary& s = observed.summary;
    EXPECT_EQ(s.requests, 60);
    EXPECT_EQ(observed.rows, 60u);
    EXPECT_EQ(s.finished + s.rejected, 60);
    EXPECT_GT(s.preemptions, 0);
    EXPECT_GT(s.group_changes, 0);
    EXPECT_GE(s.gpu_seconds.idle, 0);
    // The timeline shows the same GPU time as the summary.
    double shown_s = 0;
    std::map<std::uint64_t, std::vector<const script::TraceEvent*>> open;
    for (const script::TraceEvent& event : observed.trace.events) {
      std::vector<const script::TraceEvent*>& slices = open[event.track];
      if (event.type == script::TraceEvent::Type::kBegin) slices.push_back(&event);
      if (event.type != script::TraceEvent::Type::kEnd) continue;
      const script::TraceEvent& begun = *slices.back();
      slices.pop_back();
      if (begun.category == "run") shown_s += static_cast<double>(event.at - begun.at) * 1e-9;
    }
    const GpuSeconds& gpu = s.gpu_seconds;
    EXPECT_NEAR(shown_s, gpu.compute + gpu.setup + gpu.migrate + gpu.dispatch, 1e-6);
  }
}

}  // namespace
}  // namespace regroup
