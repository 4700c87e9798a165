#include "runtime/cuda/bench/step_agreement.hpp"

#include <chrono>
#include <cmath>

#include "core/errors.hpp"
#include "runtime/cuda/backend/device_state.hpp"
#include "runtime/cuda/bench/rank_team.hpp"
#include "runtime/cuda/dit/request_state.hpp"
#include "runtime/cuda/portable/check.hpp"
#include "runtime/serve/wall_clock.hpp"

namespace regroup::cuda {
namespace {

using Numbers = std::vector<float>;

// One request, whose seeded prompt and noise are the same for all layouts.
constexpr RequestId kRequest{1};

struct Latents {
  Numbers before, after;
};

class Request {
 public:
  Request(const Machine& machine, const ServedModel& model, const ServedShape& shape, Layout layout,
          int steps, std::uint64_t number)
      : machine_(machine), layout_(state_layout(model.config, shape.latents)) {
    run_.layout = layout;
    run_.ranks = first_ranks(0, layout.size(), number * serve::RankRun::kNumbers);
    run_.tasks.push_back({.request = kRequest,
                          .model = model.id,
                          .shape = shape.pixels,
                          .guided = shape.guided,
                          .kind = StageKind::kDenoise,
                          .stage = 1,
                          .steps_total = steps});
  }

  const collectives::RankGroup& ranks() const { return run_.ranks; }

  // At every member, on its rank's thread. The first keeps the latents.
  void work(int rank, serve::RankDevice& device, serve::Clock& clock) {
    const serve::RunTask& task = run_.tasks.front();
    const int member = run_.ranks.position(rank);
    serve::RunTask prompt = task;
    prompt.kind = StageKind::kEncode;
    std::string why;
    serve::StateRef state = device.begin(
        task, device.step(context(member, 0, clock), prompt, device.begin(prompt, nullptr), why));
    if (member == 0) latents_.before = read(rank, state);
    for (int index = 0; index < task.steps_total; ++index) {
      state = device.step(context(member, index, clock), task, state, why);
      if (state == nullptr) fail<SystemError>("a step failed: {}", why);
    }
    if (member == 0) latents_.after = read(rank, state);
  }

  const Latents& latents() const { return latents_; }

 private:
  serve::StepContext context(int member, int index, serve::Clock& clock) {
    const TimePoint now = clock.now();
    return {run_, member, index, now, clock, now + std::chrono::minutes(1)};
  }

  Numbers read(int rank, const serve::StateRef& state) const {
    Numbers numbers((layout_.end - layout_.latents) / sizeof(float));
    const cudaStream_t stream = machine_.rank(rank).compute;
    check(cudaMemcpyAsync(numbers.data(), cuda_state(state).data() + layout_.latents,
                          numbers.size() * sizeof(float), cudaMemcpyDefault, stream),
          "reading latents");
    check(cudaStreamSynchronize(stream), "reading latents");
    return numbers;
  }

  const Machine& machine_;
  StateLayout layout_;
  serve::RankRun run_;
  Latents latents_;
};

double distance(const Numbers& a, const Numbers& b) {
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    squares += difference * difference;
  }
  return std::sqrt(squares);
}

}  // namespace

std::vector<StepAgreement> compare_layouts(const Machine& machine, CudaNode& node,
                                           const std::vector<ServedModel>& models, int steps) {
  RankTeam team(machine);
  serve::WallClock clock;
  std::vector<std::unique_ptr<serve::RankDevice>> devices;
  for (int rank = 0; rank < machine.ranks(); ++rank) devices.push_back(node.device(rank));

  std::vector<StepAgreement> all;
  std::uint64_t number = 1;
  for (const ServedModel& model : models)
    for (const ServedShape& shape : model.shapes) {
      Latents alone;
      for (const Layout layout : shape.layouts) {
        Request request(machine, model, shape, layout, steps, number++);
        team.run(request.ranks(), [&](int rank) {
          request.work(rank, *devices[static_cast<std::size_t>(rank)], clock);
        });
        if (layout.size() == 1) {
          alone = request.latents();
          continue;
        }
        RG_CHECK(!alone.after.empty(), "{}: no rank alone", model.config.name);
        all.push_back({.model = model.config.name,
                       .shape = shape.pixels,
                       .guided = shape.guided,
                       .layout = layout,
                       .steps = steps,
                       .error = distance(request.latents().after, alone.after) /
                                distance(alone.after, alone.before)});
      }
    }
  return all;
}

}  // namespace regroup::cuda
