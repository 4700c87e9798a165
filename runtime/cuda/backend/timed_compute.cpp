#include <fmt/format.h>

#include <cstring>

#include "runtime/cuda/backend/rank_compute.hpp"
#include "runtime/cuda/backend/state_kernels.hpp"
#include "runtime/cuda/ops/vectors.hpp"
#include "runtime/cuda/portable/check.hpp"

namespace regroup::cuda {
namespace {

using serve::RunTask;
using serve::StateRef;
using serve::StepContext;

static_assert(sizeof(Digest) == kTimedStateBytes && kTimedStateBytes <= kReadbackBytes);

const Digest* digest(const StateRef& state) {
  return reinterpret_cast<const Digest*>(cuda_state(state).data());
}

class TimedCompute final : public RankCompute {
 public:
  TimedCompute(const RankTools& tools, Jitter jitter) : tools_(tools), jitter_(jitter) {}

  StateRef begin(const RunTask& task, const StateRef&) override {
    const auto state = make_state();
    start_digest(tools_.stream, task.request.value, task.stage,
                 reinterpret_cast<Digest*>(state->numbers()));
    return state;
  }

  StateRef step(const StepContext& context, const RunTask& task, const StateRef& now) override {
    const int index = task.steps_done + context.index;
    // The batch takes the time of its first task's steps, as in simulation.
    if (&task == &context.run.tasks.front())
      spin_for(tools_.stream,
               jitter_.step(context.run.step, task.request, task.stage, index).count());
    const auto next = make_state();
    advance_digest(tools_.stream, digest(now), index, reinterpret_cast<Digest*>(next->numbers()));
    tools_.exchanges->barrier(tools_.stream, context.run.ranks);
    return next;
  }

  std::string check(const RunTask& task, int steps, const StateRef& state) override {
    if (state->bytes() == sizeof(Digest)) {
      cuda::check(cudaMemcpyAsync(tools_.readback, digest(state), sizeof(Digest), cudaMemcpyDefault,
                                  tools_.stream),
                  "reading a state");
      cuda::check(cudaStreamSynchronize(tools_.stream), "reading a state");
      Digest expected;
      expected.start(task.request.value, task.stage);
      for (int i = 0; i < steps; ++i) expected.advance(i);
      if (std::memcmp(tools_.readback, &expected, sizeof expected) == 0) return {};
    }
    return fmt::format("the state of request {} is not that after {} steps of stage {}",
                       task.request.value, steps, task.stage);
  }

 private:
  std::shared_ptr<const DeviceState> make_state() {
    return std::make_shared<const DeviceState>(tools_.states->take(sizeof(Digest)), sizeof(Digest));
  }

  RankTools tools_;
  Jitter jitter_;
};

}  // namespace

std::unique_ptr<RankCompute> timed_compute(const RankTools& tools, Jitter jitter) {
  return std::make_unique<TimedCompute>(tools, jitter);
}

}  // namespace regroup::cuda
