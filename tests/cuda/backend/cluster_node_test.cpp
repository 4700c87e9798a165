// Several nodes whose ranks are GPUs, emulated ones in one process.
#include "runtime/cuda/backend/cluster_node.hpp"

#include <gtest/gtest.h>

#include <mutex>

#include "core/errors.hpp"
#include "runtime/cuda/gpu/arming.hpp"
#include "tests/cluster/nodes.hpp"
#include "tests/cuda/support/emulated_machine.hpp"

namespace regroup::cuda {
namespace {

using namespace std::chrono_literals;
using cluster::Nodes;
using regroup::testing::Decide;
using regroup::testing::TestCatalog;

constexpr int kRanks = 2;

// Arming is for a process, and here several nodes are in one: each is disarmed when it is set up.
cluster::NodeOptions emulated_node(const cluster::NodeSpec& spec) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  NodeOptions options;
  options.jitter = spec.jitter;
  options.world.watchdog_ns = spec.patience.count();
  const MemoryPlan plan = plan_node(options, kRanks, kRanks);
  auto parts = std::make_shared<NodeParts>(emulated_machine(plan.heap), plan, options);
  disarm();
  return cluster_node(spec, std::move(parts));
}

TestCatalog two_nodes() {
  TestCatalog catalog({kRanks, kRanks});
  catalog.encode = 1ms;
  catalog.decode = 1ms;
  return catalog;
}

cluster::ClusterOptions on_the_machines_clock() {
  cluster::ClusterOptions options;
  options.node.backend = "cuda";
  options.node.virtual_clock = false;
  options.node.patience = 5s;
  return options;
}

// Two steps at a time, each time on the other node: that a state came over whole is checked by the
// rank that goes on with it.
Decide on_the_other_node() {
  return [](const ClusterView& view, Decisions& out) {
    for (const Task* task : view.ready()) {
      const bool second = !task->group.empty() && task->group[0].value < kRanks;
      const GpuId gpu{second ? 2u : 0u};
      if (!out.idle().contains(gpu)) continue;
      Group group;
      group.push_back(gpu);
      out.place(*task, group, {}, std::min(2, task->steps_left()));
    }
  };
}

TEST(ClusterNode, StatesMoveBetweenNodesWithGpus) {
  TestCatalog catalog = two_nodes();
  std::vector<Request> requests;
  for (int i = 0; i < 4; ++i)
    requests.push_back(regroup::testing::request(catalog, 0.002 * i, 4, 6));
  Nodes nodes(2, emulated_node);
  cluster::ClusterBackend backend(catalog, *nodes.controller, on_the_machines_clock());
  const auto output = cluster::run_lambda(backend, catalog, requests, on_the_other_node());
  EXPECT_EQ(cluster::finished(output), 4);
}

TEST(ClusterNode, ServesABuiltInPolicy) {
  TestCatalog catalog = two_nodes();
  std::vector<Request> requests;
  for (int i = 0; i < 8; ++i)
    requests.push_back(regroup::testing::request(catalog, 0.002 * i, 4 + 2 * (i % 3), 4, 0.1 * i));
  Nodes nodes(2, emulated_node);
  cluster::ClusterBackend backend(catalog, *nodes.controller, on_the_machines_clock());
  EXPECT_EQ(cluster::finished(cluster::run_policy(backend, catalog, "elastic", requests)), 8);
}

TEST(ClusterNode, NeedsARankForEachGpu) {
  TestCatalog catalog({kRanks + 1});
  Nodes nodes(1, emulated_node);
  EXPECT_THROW(cluster::ClusterBackend(catalog, *nodes.controller, on_the_machines_clock()), Error);
}

}  // namespace
}  // namespace regroup::cuda
