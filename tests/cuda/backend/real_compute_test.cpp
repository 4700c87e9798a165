// Serving with models that are really computed: whatever a policy does with a request's GPUs, its
// latents come out the same.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <mutex>
#include <vector>

#include "policies/builtin_policies.hpp"
#include "runtime/cuda/backend/cuda_node.hpp"
#include "runtime/serve/rank_backend.hpp"
#include "tests/cuda/dit/tiny_models.hpp"
#include "tests/cuda/nccl/nccl_fixture.hpp"
#include "tests/cuda/support/emulated_machine.hpp"
#include "tests/support/loop_fixture.hpp"

namespace regroup::cuda {
namespace {

using namespace std::chrono_literals;
using regroup::testing::request;
using regroup::testing::TestCatalog;

constexpr int kRanks = 4;
constexpr Shape kImage{32, 32, 1};                            // 4 tokens
using Latents = std::map<std::uint64_t, std::vector<float>>;  // by request

// Keeps what the first member has after the last denoising step.
class Recorder final : public serve::RankDevice {
 public:
  Recorder(std::unique_ptr<serve::RankDevice> device, const StateLayout& layout, std::mutex& mutex,
           Latents& latents)
      : device_(std::move(device)), layout_(layout), mutex_(mutex), latents_(latents) {}

  void attach() override { device_->attach(); }
  void attach_sender() override { device_->attach_sender(); }
  serve::StateRef begin(const serve::RunTask& task, const serve::StateRef& before) override {
    return device_->begin(task, before);
  }
  serve::StateRef step(const serve::StepContext& context, const serve::RunTask& task,
                       const serve::StateRef& now, std::string& why) override {
    serve::StateRef next = device_->step(context, task, now, why);
    const bool last = task.steps_done + context.index + 1 == task.steps_total;
    if (next != nullptr && task.kind == StageKind::kDenoise && last && context.member == 0) {
      const auto* numbers =
          reinterpret_cast<const float*>(cuda_state(next).data() + layout_.latents);
      const std::lock_guard lock(mutex_);
      latents_[task.request.value].assign(
          numbers, numbers + (layout_.end - layout_.latents) / sizeof(float));
    }
    return next;
  }
  std::string check(const serve::RunTask& task, int steps, const serve::StateRef& state) override {
    return device_->check(task, steps, state);
  }
  serve::StateRef snapshot(const serve::StateRef& state) override {
    return device_->snapshot(state);
  }
  serve::StateRef corrupted(const serve::StateRef& state) override {
    return device_->corrupted(state);
  }
  serve::StateRef await_put(const serve::RunTask& task, TimePoint deadline,
                            std::string& why) override {
    return device_->await_put(task, deadline, why);
  }
  void put(const serve::Put& order, TimePoint deadline) override { device_->put(order, deadline); }

 private:
  std::unique_ptr<serve::RankDevice> device_;
  StateLayout layout_;
  std::mutex& mutex_;
  Latents& latents_;
};

struct Serving {
  std::string policy = "fcfs";
  std::map<std::string, std::string> params = {};
  SyncMode sync = SyncMode::kSpin;
  bool graphs = true;
  bool nccl = false;
  std::string fault = {};
};

// A few requests that come nearly at once, so that they share the ranks.
Latents serve_requests(const Serving& serving) {
  TestCatalog catalog({kRanks});
  catalog.encode = 1ms;
  catalog.decode = 1ms;
  std::vector<Request> requests;
  for (int i = 0; i < 3; ++i) requests.push_back(request(catalog, 0.002 * i, kImage.width, 2));

  NodeOptions options;
  ServedModel model;
  model.id = ModelId{0};
  model.config = tiny_model(Architecture::kJoint, 4);
  model.shapes.push_back({.pixels = kImage,
                          .guided = false,
                          .latents = dit::latent_shape(model.config, kImage),
                          .layouts = {layout(1, 1), layout(1, 2), layout(1, 4)}});
  const StateLayout state = state_layout(model.config, model.shapes[0].latents);
  options.models.push_back(std::move(model));
  options.graphs = serving.graphs;
  options.states = 16;
  options.world.sync = serving.sync;
  if (serving.nccl) {
    testing::fake_nccl().enqueue = [](cudaStream_t stream, void (*work)(void*), void* argument) {
      return cudaLaunchHostFunc(stream, work, argument);
    };
    options.nccl = std::make_shared<const NcclLibrary>(RG_FAKE_NCCL);
  }
  const MemoryPlan plan = plan_node(options, kRanks, kRanks);
  const auto machine = emulated_machine(plan.heap);
  CudaNode node(*machine, plan, options);
  EXPECT_EQ(node.graphs().graphs > 0,
            serving.graphs && !serving.nccl && serving.sync == SyncMode::kSpin)
      << node.graphs().refusal;

  Latents latents;
  std::mutex mutex;
  serve::ServeOptions serve;
  serve.virtual_clock = false;
  serve.window_bytes = plan.heap.window_bytes;
  serve.puts_in_world = false;
  serve.rearm = [&] { node.rearm(); };
  if (!serving.fault.empty()) serve.faults = {serve::parse_fault(serving.fault)};
  serve.device = [&](int rank, serve::Clock&, collectives::World&) {
    return std::make_unique<Recorder>(node.device(rank), state, mutex, latents);
  };
  serve::RankBackend backend(catalog, std::move(serve));
  PolicyHandle policy(find_policy(serving.policy, kBuiltinPolicies), PolicyParams(serving.params));
  const auto output = regroup::testing::run_on(backend, catalog, requests, policy);
  for (const auto& outcome : output.diary.outcomes)
    EXPECT_EQ(outcome.end, RequestOutcome::End::kFinished);
  EXPECT_EQ(latents.size(), requests.size());
  return latents;
}

double largest_relative_error(const Latents& a, const Latents& b) {
  double largest = 0;
  for (const auto& [request, values] : a) {
    const std::vector<float>& others = b.at(request);
    double difference = 0, size = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      difference += std::pow(double{values[i]} - double{others[i]}, 2);
      size += std::pow(double{others[i]}, 2);
    }
    largest = std::max(largest, std::sqrt(difference / size));
  }
  return largest;
}

TEST(RealCompute, LatentsDoNotDependOnThePolicy) {
  const Latents alone = serve_requests({.params = {{"degree", "1"}}});
  // Requests differ from each other.
  EXPECT_NE(alone.at(0), alone.at(1));
  EXPECT_LT(largest_relative_error(serve_requests({.policy = "elastic"}), alone), 1e-2);
  EXPECT_LT(largest_relative_error(serve_requests({.params = {{"degree", "4"}}}), alone), 1e-2);
}

TEST(RealCompute, GraphsSyncModesAndNcclDoNotChangeABit) {
  const Latents pairs = serve_requests({.params = {{"degree", "2"}}});
  EXPECT_EQ(serve_requests({.params = {{"degree", "2"}}, .graphs = false}), pairs);
  EXPECT_EQ(serve_requests({.params = {{"degree", "2"}}, .sync = SyncMode::kEvent}), pairs);
}

TEST(RealCompute, ARankThatDiesLosesNothing) {
  // Its request goes on from its snapshot; alone, so that the order of sums stays as it was.
  const Latents alone = serve_requests({.params = {{"degree", "1"}}});
  EXPECT_EQ(serve_requests({.params = {{"degree", "1"}}, .fault = "kill:1@0"}), alone);
}

}  // namespace
}  // namespace regroup::cuda
