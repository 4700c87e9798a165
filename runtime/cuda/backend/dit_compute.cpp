#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/errors.hpp"
#include "runtime/collectives/form_group.hpp"
#include "runtime/cuda/backend/rank_compute.hpp"
#include "runtime/cuda/backend/state_kernels.hpp"
#include "runtime/cuda/portable/check.hpp"
#include "runtime/dit/sampler.hpp"

namespace regroup::cuda {
namespace {

using serve::RunTask;
using serve::StateRef;
using serve::StepContext;

// Classifier-free guidance of requests that ask for it, as on the host.
constexpr float kGuidance = 5;

// The members of a run that are of one branch, or of one pair.
collectives::RankGroup subset(const serve::RankRun& run, int first, int stride, int count,
                              std::uint64_t number) {
  std::array<int, collectives::kMaxRanks> members{};
  for (int i = 0; i < count; ++i)
    members[static_cast<std::size_t>(i)] = run.ranks.ranks[first + i * stride];
  return collectives::form_group({members.data(), static_cast<std::size_t>(count)},
                                 run.ranks.step + number, collectives::kMaxRanks);
}

class DitCompute final : public RankCompute {
 public:
  DitCompute(const RankTools& tools, std::span<const LoadedModel> models, const StepGraphs& graphs,
             Jitter jitter)
      : tools_(tools), models_(models.begin(), models.end()), graphs_(graphs), jitter_(jitter) {}

  StateRef begin(const RunTask& task, const StateRef& before) override {
    const StateLayout layout = layout_of(task);
    if (before == nullptr) {  // the prompt is still to be encoded
      const auto state = make_state(layout.prompt_bytes());
      check_cuda(cudaMemsetAsync(state->numbers(), 0, state->bytes(), tools_.stream));
      return state;
    }
    if (task.kind != StageKind::kDenoise) return before;
    const auto state = make_state(layout.end);
    copy(state->numbers(), cuda_state(before).data(), layout.prompt_bytes());
    SeededTensor noise = seeded_tensor(task.request.value, "noise", 0);
    noise.deviation = 1;
    fill_noise(tools_.stream, noise,
               static_cast<std::int64_t>((layout.end - layout.latents) / sizeof(float)),
               reinterpret_cast<float*>(state->numbers() + layout.latents));
    return state;
  }

  StateRef step(const StepContext& context, const RunTask& task, const StateRef& now) override {
    if (task.kind == StageKind::kDenoise) return denoise(context, task, now);
    StateRef next = task.kind == StageKind::kEncode ? encode(task) : now;
    if (&task == &context.run.tasks.front())
      spin_for(
          tools_.stream,
          jitter_.step(context.run.step, task.request, task.stage, task.steps_done + context.index)
              .count());
    tools_.exchanges->barrier(tools_.stream, context.run.ranks);
    return next;
  }

  std::string check(const RunTask& task, int, const StateRef& state) override {
    const StateLayout layout = layout_of(task);
    auto* const flag = reinterpret_cast<std::uint32_t*>(tools_.readback);
    *flag = 0;
    const std::byte* const data = cuda_state(state).data();
    check_finite(tools_.stream, reinterpret_cast<const Bf16*>(data),
                 static_cast<std::int64_t>(layout.pooled / sizeof(Bf16)), flag);
    check_finite(tools_.stream, reinterpret_cast<const float*>(data + layout.pooled),
                 static_cast<std::int64_t>((state->bytes() - layout.pooled) / sizeof(float)), flag);
    check_cuda(cudaStreamSynchronize(tools_.stream));
    if (*flag == 0) return {};
    return fmt::format("the state of request {} holds a number that is not finite",
                       task.request.value);
  }

 private:
  static void check_cuda(cudaError_t error) { cuda::check(error, "working on a state"); }
  void copy(void* to, const void* from, std::uint64_t bytes) const {
    check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, tools_.stream));
  }

  const LoadedModel& model_of(const RunTask& task) const {
    const auto found = std::ranges::find_if(
        models_, [&](const LoadedModel& each) { return each.served->id == task.model; });
    RG_CHECK(found != models_.end(), "model {} was not loaded", task.model.value);
    return *found;
  }
  StateLayout layout_of(const RunTask& task) const {
    const ServedModel& served = *model_of(task).served;
    return state_layout(served.config, served.shape(task.shape, task.guided).latents);
  }
  std::shared_ptr<const DeviceState> make_state(std::uint64_t bytes) const {
    return std::make_shared<const DeviceState>(tools_.states->take(bytes), bytes);
  }

  // Seeded numbers in place of a text encoder's.
  StateRef encode(const RunTask& task) const {
    const StateLayout layout = layout_of(task);
    const dit::DitConfig& config = model_of(task).served->config;
    const auto state = make_state(layout.prompt_bytes());
    SeededTensor text = seeded_tensor(task.request.value, "text", 0);
    text.deviation = 1;
    check_cuda(cudaMemsetAsync(state->numbers(), 0, state->bytes(), tools_.stream));
    fill_seeded(tools_.stream, text,
                static_cast<std::int64_t>(config.text_tokens * config.text_width),
                reinterpret_cast<Bf16*>(state->numbers()));
    SeededTensor pooled = seeded_tensor(task.request.value, "pooled", 0);
    pooled.deviation = 1;
    fill_noise(tools_.stream, pooled, static_cast<std::int64_t>(config.text_width),
               reinterpret_cast<float*>(state->numbers() + layout.pooled));
    return state;
  }

  StateRef denoise(const StepContext& context, const RunTask& task, const StateRef& now) {
    const LoadedModel& model = model_of(task);
    const dit::DitConfig& config = model.served->config;
    const ServedShape& shape = model.served->shape(task.shape, task.guided);
    const StateLayout state = state_layout(config, shape.latents);
    const Layout layout = context.run.layout;
    const StepVariant variant =
        member_variant(config, shape.latents, layout, task.guided, context.member);
    const StepState& buffers = graphs_.program(*model.weights, variant).state();

    const std::byte* const before = cuda_state(now).data();
    for (int pass = 0; pass < variant.passes(); ++pass) {
      const bool negative = prompt_of(layout, context.member, pass) == 1;
      copy(buffers.text[pass], negative ? static_cast<const void*>(model.negative_text) : before,
           2 * config.text_tokens * config.text_width);
      if (buffers.pooled[pass] != nullptr)
        copy(buffers.pooled[pass],
             negative ? static_cast<const void*>(model.negative_pooled) : before + state.pooled,
             4 * config.text_width);
    }
    const std::uint64_t latent_bytes = 4 * shape.latents.tokens() * shape.latents.token_width();
    copy(buffers.latents.data, before + state.latents, latent_bytes);

    const StepParameters parameters = parameters_of(context, task, config, shape);
    tools_.exchanges->set_groups(parameters);
    store_parameters(tools_.stream, parameters, tools_.parameters);
    graphs_.run(*model.weights, variant);

    const auto next = make_state(state.end);
    copy(next->numbers(), before, state.prompt_bytes());
    copy(next->numbers() + state.latents, buffers.latents.data, latent_bytes);
    return next;
  }

  StepParameters parameters_of(const StepContext& context, const RunTask& task,
                               const dit::DitConfig& config, const ServedShape& shape) {
    const Layout layout = context.run.layout;
    const int ulysses = layout.ulysses;
    StepParameters parameters = member_parameters(config, shape.latents, layout, context.member);
    // Numbers that no two groups of a run share: 1 and 2 for branches, from 3 for pairs.
    const int branch = context.member / ulysses;
    const int piece = context.member % ulysses;
    parameters.branch =
        subset(context.run, branch * ulysses, 1, ulysses, 1 + static_cast<std::uint64_t>(branch));
    if (layout.cfg == 2)
      parameters.pair =
          subset(context.run, piece, ulysses, 2, 3 + static_cast<std::uint64_t>(piece));

    const std::vector<double>& levels = noise_levels(config, shape, task.steps_total);
    const auto at = static_cast<std::size_t>(task.steps_done + context.index);
    parameters.sigma = levels[at];
    parameters.sampler.guidance = task.guided ? kGuidance : 1;
    parameters.sampler.distance = static_cast<float>(levels[at + 1] - levels[at]);
    return parameters;
  }

  // The same for all steps of a request, and mostly of all requests.
  const std::vector<double>& noise_levels(const dit::DitConfig& config, const ServedShape& shape,
                                          int steps) {
    if (levels_of_ != &shape || levels_.size() != static_cast<std::size_t>(steps) + 1) {
      levels_ =
          dit::sigma_schedule(config, shape.latents.tokens(), static_cast<std::size_t>(steps));
      levels_of_ = &shape;
    }
    return levels_;
  }

  RankTools tools_;
  std::vector<LoadedModel> models_;
  const StepGraphs& graphs_;
  Jitter jitter_;
  const ServedShape* levels_of_ = nullptr;
  std::vector<double> levels_;
};

}  // namespace

std::unique_ptr<RankCompute> dit_compute(const RankTools& tools,
                                         std::span<const LoadedModel> models,
                                         const StepGraphs& graphs, Jitter jitter) {
  return std::make_unique<DitCompute>(tools, models, graphs, jitter);
}

}  // namespace regroup::cuda
