// Ranks, nodes and the controller that go, and messages that do not arrive.
#include <gtest/gtest.h>

#include "tests/cluster/nodes.hpp"

namespace regroup::cluster {
namespace {

using namespace std::chrono_literals;
using testing::TestCatalog;

struct Outcome {
  testing::RunOutput output;
  std::string reports;
};

// First come, first served on any node; `strike` is called before each decision, with its number.
Outcome run_with(const std::vector<int>& nodes, Nodes& processes, ClusterOptions options,
                 const std::function<void(int)>& strike, int degree = 2) {
  TestCatalog catalog = cluster_of(nodes);
  const auto requests = random_requests(catalog, 4, 20, 40);
  Outcome outcome;
  options.report = [&](const std::string& line) { outcome.reports += line + "\n"; };
  ClusterBackend backend(catalog, *processes.controller, std::move(options));
  const testing::Decide first_fit = testing::first_fit(degree);
  outcome.output = run_lambda(backend, catalog, requests,
                              [&, decision = 0](const ClusterView& view, Decisions& out) mutable {
                                strike(decision++);
                                first_fit(view, out);
                              });
  return outcome;
}

class Faults : public ::testing::TestWithParam<std::tuple<std::string, bool>> {};

TEST_P(Faults, OfARankAreItsNodesAndTheRequestsFinish) {
  const auto& [fault, virtual_clock] = GetParam();
  Nodes processes(2);
  ClusterOptions options = cluster_options();
  options.node.virtual_clock = virtual_clock;
  options.node.patience = 300ms;
  options.faults = {serve::parse_fault(fault)};
  const Outcome outcome = run_with({2, 2}, processes, std::move(options), [](int) {});
  EXPECT_EQ(finished(outcome.output), 20);
  EXPECT_NE(outcome.reports.find("node 1: "), std::string::npos) << outcome.reports;
  if (!virtual_clock)
    return;  // a rank of the other node may have been late, if the machine is busy
  EXPECT_EQ(outcome.reports.find("node 0"), std::string::npos) << outcome.reports;
}

INSTANTIATE_TEST_SUITE_P(Each, Faults,
                         ::testing::Combine(::testing::Values("kill:3@0.1", "delay:2@0.1:2",
                                                              "swap:3@0.1", "corrupt:2@0.1"),
                                            ::testing::Bool()));

TEST(Losses, ANodeThatIsLostTakesItsGpusAndTheRequestsGoOn) {
  for (const bool virtual_clock : {true, false}) {
    Nodes processes(2);
    ClusterOptions options = cluster_options();
    options.node.virtual_clock = virtual_clock;
    const Outcome outcome = run_with({2, 2}, processes, std::move(options), [&](int decision) {
      if (decision == 15) processes.network.lose(1, "killed");
    });
    EXPECT_EQ(finished(outcome.output), 20);
    EXPECT_EQ(outcome.reports, "node 1 is gone (killed): its GPUs, 2 to 3, have failed\n");
    EXPECT_NE(outcome.output.journal.find("gpu-failed 2\n"), std::string::npos);
    EXPECT_NE(outcome.output.journal.find("gpu-failed 3\n"), std::string::npos);
    EXPECT_EQ(outcome.output.journal.find("gpu-failed 1\n"), std::string::npos);
    processes.end(0);
    EXPECT_EQ(processes.codes[0], 0);
    EXPECT_EQ(processes.errors[1], "node 1: the controller is gone: killed");
  }
}

// The launch is sent to a node that has died, and so never answers; that is noticed later.
TEST(Losses, AMessageToADeadNodeIsLost) {
  Nodes processes(2);
  std::thread notices;
  const Outcome outcome = run_with({2, 2}, processes, cluster_options(), [&](int decision) {
    if (decision != 15) return;
    processes.network.silence(1);
    notices = std::thread([&] {
      std::this_thread::sleep_for(20ms);
      processes.network.lose(1, "silent");
    });
  });
  notices.join();
  EXPECT_EQ(finished(outcome.output), 20);
  EXPECT_EQ(outcome.reports, "node 1 is gone (silent): its GPUs, 2 to 3, have failed\n");
}

// The state of a request is with a node that does not send it any more: what waits for it fails,
// and goes on from the controller's copy.
TEST(Losses, AStateThatDoesNotCome) {
  TestCatalog catalog = cluster_of({1, 1});
  const std::vector<Request> requests = {testing::request(catalog, 0)};
  Nodes processes(2);
  ClusterOptions options = cluster_options();
  options.node.patience = 100ms;
  std::string reports;
  options.report = [&](const std::string& line) {
    reports += line + "\n";
    if (reports == line + "\n") processes.network.lose(1, "silent");
  };
  ClusterBackend backend(catalog, *processes.controller, std::move(options));
  const auto output =
      run_lambda(backend, catalog, requests, [&](const ClusterView& view, Decisions& out) {
        for (const Task* task : view.ready()) {
          const bool encode = task->kind == StageKind::kEncode;
          if (!encode) processes.network.silence(1);
          out.place(*task, {{encode ? 1u : 0u}}, {});
        }
      });
  EXPECT_EQ(reports,
            "node 0: the state of request 0 has not come from node 1\n"
            "node 1 is gone (silent): its GPUs, 1 to 1, have failed\n");
  EXPECT_EQ(finished(output), 1);
}

TEST(Losses, WithEveryNodeGoneTheRequestsEndUnfinished) {
  Nodes processes(2);
  const Outcome outcome = run_with({2, 2}, processes, cluster_options(), [&](int decision) {
    if (decision != 15) return;
    processes.network.lose(0, "killed");
    processes.network.lose(1, "killed");
  });
  EXPECT_EQ(outcome.output.diary.outcomes.size(), 20u);
  EXPECT_LT(finished(outcome.output), 20);
}

TEST(Losses, NodesEndWhenTheControllerIsGone) {
  for (const bool virtual_clock : {true, false}) {
    TestCatalog catalog = cluster_of({2, 2});
    Nodes processes(2);
    ClusterOptions options = cluster_options();
    options.node.virtual_clock = virtual_clock;
    ClusterBackend backend(catalog, *processes.controller, std::move(options));
    processes.network.lose_controller("killed");
    processes.end(0);
    EXPECT_EQ(processes.errors[0], "node 0: the controller is gone: killed");
    EXPECT_EQ(processes.errors[1], "node 1: the controller is gone: killed");
  }
}

TEST(Ends, TheExitCodeIsTheControllersBeforeTheFirstMessageToo) {
  Nodes told(2);
  told.end(4);
  EXPECT_EQ(told.codes, (std::vector{4, 4}));

  TestCatalog catalog = cluster_of({2, 2});
  Nodes started(2);
  { ClusterBackend backend(catalog, *started.controller, cluster_options()); }
  started.end(3);
  EXPECT_EQ(started.codes, (std::vector{3, 3}));
}

TEST(Ends, AsManyProcessesAsNodes) {
  TestCatalog catalog = cluster_of({2, 2, 2});
  Nodes processes(2);
  try {
    ClusterBackend backend(catalog, *processes.controller, cluster_options());
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "2 processes for a cluster of 3 nodes: start one for each node (mpirun -n 3)");
  }
}

TEST(Ends, ANodeThatCannotWorkSaysWhy) {
  TestCatalog catalog = cluster_of({2, 2});
  Nodes processes(2, [](const NodeSpec& spec) -> NodeOptions {
    if (spec.faults.empty()) return host_node(spec);
    throw SystemError("no such processor");
  });
  ClusterOptions options = cluster_options();
  options.faults = {serve::parse_fault("kill:3@1")};
  try {
    ClusterBackend backend(catalog, *processes.controller, std::move(options));
    FAIL();
  } catch (const SystemError& error) {
    EXPECT_STREQ(error.what(), "node 1: no such processor");
  }
  processes.end(3);
  EXPECT_EQ(processes.codes, (std::vector{3, 3}));
}

}  // namespace
}  // namespace regroup::cluster
