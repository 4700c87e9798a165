// The nodes of a cluster as threads of the test.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/random.hpp"
#include "policies/builtin_policies.hpp"
#include "runtime/cluster/cluster_backend.hpp"
#include "runtime/cluster/host_node.hpp"
#include "runtime/cluster/local_network.hpp"
#include "tests/support/loop_fixture.hpp"

namespace regroup::cluster {

// Starts them; at its end they are told to end, and waited for.
class Nodes {
 public:
  explicit Nodes(
      int count, MakeNode make = [](const NodeSpec& spec) { return host_node(spec); })
      : network(count), codes(size(count), -1), errors(size(count)) {
    for (int i = 0; i < count; ++i)
      threads_.emplace_back([this, i, make] {
        const auto transport = network.transport(i);
        try {
          codes[size(i)] = serve_node(*transport, make);
        } catch (const SystemError& error) {
          errors[size(i)] = error.what();
        }
      });
    controller = network.transport(kController);
  }
  ~Nodes() { end(0); }

  void end(int code) {
    if (threads_.empty()) return;
    for (int i = 0; i < controller->nodes(); ++i) controller->send(i, encode(End{code}));
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  LocalNetwork network;
  std::unique_ptr<Transport> controller;
  std::vector<int> codes;           // what serve_node() returned, or
  std::vector<std::string> errors;  // threw

 private:
  static std::size_t size(int i) { return static_cast<std::size_t>(i); }
  std::vector<std::thread> threads_;
};

inline ClusterOptions cluster_options(Jitter jitter = {}) {
  ClusterOptions options;
  options.node.jitter = jitter;
  options.node.patience = std::chrono::seconds(5);
  return options;
}

inline testing::TestCatalog cluster_of(std::vector<int> nodes) {
  testing::TestCatalog catalog(std::move(nodes));
  catalog.dispatch_time = std::chrono::microseconds(50);
  catalog.setup_time = std::chrono::microseconds(300);
  catalog.migrate_time = std::chrono::microseconds(200);
  return catalog;
}

inline std::vector<Request> random_requests(testing::TestCatalog& catalog, std::uint64_t seed,
                                            int count, double per_s) {
  RandomStream random(seed, "requests");
  std::vector<Request> requests;
  double at = 0;
  for (int i = 0; i < count; ++i) {
    at += random.exponential(per_s);
    const int width = 20 + 40 * static_cast<int>(random.below(3));
    const int steps = 3 + static_cast<int>(random.below(6));
    const double length = 0.030 + steps * width / 1000.0;
    requests.push_back(testing::request(catalog, at, width, steps, at + 1.8 * length));
  }
  return requests;
}

// With a built-in policy.
inline testing::RunOutput run_policy(Backend& backend, testing::TestCatalog& catalog,
                                     const std::string& name, const std::vector<Request>& requests,
                                     const PolicyParams& params = {}) {
  PolicyHandle policy(find_policy(name, kBuiltinPolicies), params);
  return testing::run_on(backend, catalog, requests, policy);
}
inline testing::RunOutput run_lambda(Backend& backend, testing::TestCatalog& catalog,
                                     const std::vector<Request>& requests, testing::Decide decide) {
  testing::LambdaPolicy::current = std::move(decide);
  PolicyHandle policy(testing::kLambdaPlugin, {});
  return testing::run_on(backend, catalog, requests, policy);
}

inline int finished(const testing::RunOutput& output) {
  return static_cast<int>(std::ranges::count_if(output.diary.outcomes, [](const auto& outcome) {
    return outcome.end == RequestOutcome::End::kFinished;
  }));
}

}  // namespace regroup::cluster
