// Several nodes against one process: the same requests, policy and cluster.
#include "runtime/cluster/cluster_backend.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "core/replayer.hpp"
#include "runtime/host/host_backend.hpp"
#include "tests/cluster/nodes.hpp"

namespace regroup::cluster {
namespace {

using testing::TestCatalog;

// What one process of all GPUs does.
testing::RunOutput in_one_process(
    const std::vector<int>& nodes, Jitter jitter,
    const std::function<testing::RunOutput(Backend&, TestCatalog&)>& run) {
  TestCatalog catalog = cluster_of(nodes);
  host::HostOptions options;
  options.jitter = jitter;
  host::HostBackend backend(catalog, std::move(options));
  return run(backend, catalog);
}

testing::RunOutput in_several(
    const std::vector<int>& nodes, Jitter jitter,
    const std::function<testing::RunOutput(Backend&, TestCatalog&)>& run) {
  TestCatalog catalog = cluster_of(nodes);
  Nodes processes(static_cast<int>(nodes.size()));
  ClusterOptions options = cluster_options(jitter);
  options.report = [](const std::string& line) { ADD_FAILURE() << line; };
  ClusterBackend backend(catalog, *processes.controller, std::move(options));
  return run(backend, catalog);
}

class ClusterAgainstHost : public ::testing::TestWithParam<const PolicyPlugin*> {};

TEST_P(ClusterAgainstHost, SameJournal) {
  for (const std::vector<int>& nodes : {std::vector{4, 4}, std::vector{2, 2, 2, 2}})
    for (const std::uint64_t seed : {1u, 2u}) {
      const Jitter jitter{.spread = seed == 2 ? 0.01 : 0, .seed = seed};
      const auto run = [&](Backend& backend, TestCatalog& catalog) {
        return run_policy(backend, catalog, GetParam()->name,
                          random_requests(catalog, seed, 40, 30));
      };
      const auto one = in_one_process(nodes, jitter, run);
      const auto several = in_several(nodes, jitter, run);
      EXPECT_EQ(several.journal, one.journal) << nodes.size() << " nodes, seed " << seed;
    }
}

INSTANTIATE_TEST_SUITE_P(BuiltIn, ClusterAgainstHost,
                         ::testing::ValuesIn(kBuiltinPolicies.begin(), kBuiltinPolicies.end()),
                         [](const auto& each) {
                           std::string name = each.param->name;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

// Every task goes to another node than the one before it, two steps at a time. What a rank begins
// with is checked against what it must be, so a state that did not come would end the test.
void elsewhere(const ClusterView& view, Decisions& out) {
  for (const Task* task : view.ready()) {
    const std::size_t before =
        task->group.empty() ? 0 : view.gpus()[task->group[0].value].node.value;
    const std::size_t nodes = view.nodes().size();
    for (std::size_t i = 1; i <= nodes; ++i) {
      const NodeId node{static_cast<std::uint32_t>((before + i) % nodes)};
      const Layout layout = task->widest(out.idle().count(node));
      const Group group = out.idle().pick_on(node, layout.size());
      if (group.empty()) continue;
      out.place(*task, group, layout, std::min(2, task->steps_left()));
      break;
    }
  }
}

TEST(ClusterBackend, StatesMoveBetweenNodes) {
  const auto run = [&](Backend& backend, TestCatalog& catalog) {
    return run_lambda(backend, catalog, random_requests(catalog, 3, 20, 20), elsewhere);
  };
  const auto one = in_one_process({2, 2, 2}, {}, run);
  const auto several = in_several({2, 2, 2}, {}, run);
  EXPECT_EQ(several.journal, one.journal);
  EXPECT_EQ(finished(several), 20);
}

// Groups of GPUs of all nodes, told to stop whenever somebody waits.
void over_nodes(const ClusterView& view, Decisions& out) {
  for (const Task* task : view.ready()) {
    Group idle;
    for (const Gpu& gpu : view.gpus())
      if (out.idle().contains(gpu.id)) idle.push_back(gpu.id);
    // From both ends, so that two GPUs are on two nodes.
    const Layout layout = task->widest(static_cast<int>(idle.size()));
    if (layout.size() > static_cast<int>(idle.size())) break;
    Group group;
    for (std::size_t i = 0; i < static_cast<std::size_t>(layout.size()); ++i)
      group.push_back(i % 2 == 0 ? idle[i / 2] : idle[idle.size() - 1 - i / 2]);
    out.place(*task, group, layout);
  }
  if (view.ready().empty()) return;
  for (const Task* task : view.running())
    if (task->kind == StageKind::kDenoise && !task->preempting) out.preempt(*task);
}

TEST(ClusterBackend, GroupsOverNodes) {
  for (const Jitter jitter : {Jitter{}, Jitter{.spread = 0.05, .seed = 7}}) {
    const auto run = [&](Backend& backend, TestCatalog& catalog) {
      return run_lambda(backend, catalog, random_requests(catalog, 5, 25, 25), over_nodes);
    };
    const auto one = in_one_process({2, 2}, jitter, run);
    const auto several = in_several({2, 2}, jitter, run);
    EXPECT_EQ(several.journal, one.journal);
    EXPECT_EQ(finished(several), 25);
    EXPECT_NE(several.journal.find("preempt"), std::string::npos);
  }
}

// Two runs on two nodes come to a boundary at the instant at which both are told to stop.
TEST(ClusterBackend, WhatStopsAtOneInstantEndsAtOneInstant) {
  const auto run = [](Backend& backend, TestCatalog& catalog) {
    const std::vector<Request> requests = {testing::request(catalog, 0),
                                           testing::request(catalog, 0),
                                           testing::request(catalog, 0.110)};
    return run_lambda(backend, catalog, requests, [](const ClusterView& view, Decisions& out) {
      for (const Change& change : view.changes())
        if (change.kind == Change::Kind::kTaskReady && change.task->arrival > TimePoint())
          for (const Task* task : view.running()) out.preempt(*task);
      testing::first_fit(1)(view, out);
    });
  };
  TestCatalog for_simulator({1, 1});
  sim::SimBackend simulator(for_simulator, {});
  const auto simulated = run(simulator, for_simulator);
  TestCatalog for_cluster({1, 1});
  Nodes processes(2);
  ClusterBackend backend(for_cluster, *processes.controller, cluster_options());
  const auto measured = run(backend, for_cluster);
  EXPECT_EQ(measured.journal, simulated.journal);
  EXPECT_NE(measured.journal.find("e 110000000 end 2 1 0 0 0 100000000\n"
                                  "e 110000000 end 3 1 0 0 0 100000000\n"),
            std::string::npos)
      << measured.journal;
}

TEST(ClusterBackend, OnTheMachinesClocksEverythingEndsAndTheJournalReplays) {
  TestCatalog catalog = cluster_of({2, 2});
  const auto requests = random_requests(catalog, 3, 12, 30);
  Nodes processes(2);
  ClusterOptions options = cluster_options();
  options.node.virtual_clock = false;
  ClusterBackend backend(catalog, *processes.controller, std::move(options));
  const auto output = run_lambda(backend, catalog, requests, elsewhere);
  EXPECT_EQ(finished(output), 12);

  std::istringstream recorded(output.recording);
  Replayer replayer(recorded, "recorded", catalog.gpus().size());
  TestCatalog again = cluster_of({2, 2});
  random_requests(again, 3, 12, 30);  // the same shapes
  NameTable<ClassId> classes;
  classes.intern("");
  testing::ListSource source(requests);
  testing::LambdaPolicy::current = elsewhere;
  PolicyHandle policy(testing::kLambdaPlugin, {});
  ControlLoop({.backend = replayer,
               .policy = policy,
               .catalog = again,
               .requests = source,
               .classes = classes,
               .observers = {&replayer.check()}})
      .run();
  replayer.check_finished();
}

TEST(ClusterBackend, OnTheMachinesClocksPartsOfAGroupMeetAtEveryBoundary) {
  TestCatalog catalog = cluster_of({2, 2});
  Nodes processes(2);
  ClusterOptions options = cluster_options();
  options.node.virtual_clock = false;
  options.report = [](const std::string& line) { ADD_FAILURE() << line; };
  ClusterBackend backend(catalog, *processes.controller, std::move(options));
  const auto output = run_lambda(backend, catalog, random_requests(catalog, 5, 20, 25), over_nodes);
  EXPECT_EQ(finished(output), 20);
  EXPECT_NE(output.journal.find("preempt"), std::string::npos);
}

TEST(ClusterBackend, GroupsThatComputeAreWithinANode) {
  TestCatalog catalog = cluster_of({2, 2});
  Nodes processes(2);
  ClusterOptions options = cluster_options();
  options.node.real_compute = true;
  ClusterBackend backend(catalog, *processes.controller, std::move(options));
  EXPECT_THROW(run_lambda(backend, catalog, random_requests(catalog, 3, 1, 30), over_nodes),
               ConfigError);
}

}  // namespace
}  // namespace regroup::cluster
