#include "runtime/host/dit_compute.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "core/errors.hpp"
#include "core/random.hpp"
#include "runtime/collectives/collectives.hpp"
#include "runtime/dit/step.hpp"

namespace regroup::host {
namespace {

using collectives::Status;
using serve::ClockReading;
using serve::Look;

// Thrown through RankStep where an exchange fails; the status is kept by the channel.
struct ExchangeFailed {
  Status status;
};

// The exchanges of one step, on the group-free collectives.
class GroupExchanges final : public dit::Collectives {
 public:
  GroupExchanges(const StepContext& context, int rank, collectives::World& world)
      : context_(context),
        world_(world),
        deadline_(context.deadline.time_since_epoch().count()),
        ranks_(world, rank, Look{&context.clock, context.deadline}, ClockReading{&context.clock}) {
    const RankRun& run = context.run;
    const int ulysses = run.layout.ulysses;
    const int branch = context.member / ulysses;
    branch_ = subset(run, branch * ulysses, 1, ulysses, 1 + static_cast<std::uint64_t>(branch));
    if (run.layout.cfg == 2)
      pair_ = subset(run, context.member % ulysses, ulysses, 2,
                     3 + static_cast<std::uint64_t>(context.member % ulysses));
  }

  void sequence_to_heads(const dit::HeadSplit& split, std::span<const float> in,
                         std::span<float> out) override {
    check(ranks_.seq_to_heads(branch_, shape(split), std::as_bytes(in), std::as_writable_bytes(out),
                              deadline_));
  }
  void heads_to_sequence(const dit::HeadSplit& split, std::span<const float> in,
                         std::span<float> out) override {
    check(ranks_.heads_to_seq(branch_, shape(split), std::as_bytes(in), std::as_writable_bytes(out),
                              deadline_));
  }
  void swap_branches(std::span<const float> in, std::span<float> out) override {
    if (in.empty()) return;  // at both ends
    std::vector<float> both(2 * in.size());
    check(ranks_.all_gather(pair_, {2, 1, static_cast<std::uint32_t>(in.size_bytes()), 1},
                            std::as_bytes(in), std::as_writable_bytes(std::span(both)), deadline_));
    const std::size_t other = context_.member < context_.run.layout.ulysses ? 1 : 0;
    std::memcpy(out.data(), both.data() + other * in.size(), in.size_bytes());
  }
  // Every member's piece of a [tokens][width] tensor, from the one it has.
  void gather(std::size_t tokens, std::size_t width, std::span<const float> in,
              std::span<float> out) {
    check(ranks_.all_gather(branch_, {tokens, 1, static_cast<std::uint32_t>(4 * width), 1},
                            std::as_bytes(in), std::as_writable_bytes(out), deadline_));
  }

 private:
  static void check(Status status) {
    if (status != Status::kOk) throw ExchangeFailed{status};
  }
  static collectives::TensorShape shape(const dit::HeadSplit& split) {
    return {split.tokens(), static_cast<std::uint32_t>(split.heads),
            static_cast<std::uint32_t>(split.width * sizeof(float)), 1};
  }
  collectives::RankGroup subset(const RankRun& run, int first, int stride, int count,
                                std::uint64_t number) const {
    std::array<int, collectives::kMaxRanks> members{};
    for (int i = 0; i < count; ++i)
      members[static_cast<std::size_t>(i)] = run.ranks.ranks[first + i * stride];
    return world_.form({members.data(), static_cast<std::size_t>(count)}, run.ranks.step + number);
  }

  const StepContext& context_;
  collectives::World& world_;
  std::int64_t deadline_;
  collectives::Collectives<Look, ClockReading> ranks_;
  collectives::RankGroup branch_, pair_;
};

std::span<float> floats(std::vector<std::byte>& bytes) {
  return {reinterpret_cast<float*>(bytes.data()), bytes.size() / sizeof(float)};
}

class DitCompute final : public Compute {
 public:
  DitCompute(int rank, collectives::World& world, DitOptions options)
      : rank_(rank), world_(world), options_(std::move(options)) {}

  std::vector<std::byte> begin(const RunTask& task, std::span<const std::byte> before) override {
    std::vector<std::byte> state(before.begin(), before.end());
    if (task.kind != StageKind::kDenoise) return state;
    // The prompt stays in front of the latents.
    const auto model = options_.model(task.model);
    const dit::Matrix noise = dit::noise(latent_shape(*model, task), task.request.value);
    const std::size_t prompt = prompt_floats(model->config) * sizeof(float);
    state.resize(prompt + noise.values.size() * sizeof(float));
    std::memcpy(state.data() + prompt, noise.values.data(), noise.values.size() * sizeof(float));
    return state;
  }

  Status step(const StepContext& context, const RunTask& task,
              std::vector<std::byte>& state) override {
    const auto model = options_.model(task.model);
    try {
      switch (task.kind) {
        case StageKind::kEncode:
          state = encode(*model, task);
          break;
        case StageKind::kDenoise:
          denoise(*model, context, task, state);
          break;
        case StageKind::kDecode:
          state = decode(*model, task, state);
          break;
        case StageKind::kOther:
          break;
      }
    } catch (const ExchangeFailed& failed) {
      return failed.status;
    }
    return Status::kOk;
  }

  std::string check(const RunTask& task, int, std::span<const std::byte> state) const override {
    for (std::size_t i = 0; i + sizeof(float) <= state.size(); i += sizeof(float)) {
      float value;
      std::memcpy(&value, state.data() + i, sizeof value);
      if (!std::isfinite(value))
        return fmt::format("the state of request {} holds {}", task.request.value, value);
    }
    return {};
  }

 private:
  static std::size_t prompt_floats(const dit::DitConfig& config) {
    return config.text_tokens * config.text_width + config.text_width;
  }

  dit::LatentShape latent_shape(const SmallDit& model, const RunTask& task) const {
    const auto unit = static_cast<int>(model.config.spatial_stride * model.config.patch);
    const auto small = [&](int pixels) {
      return std::max(unit, pixels / options_.shrink / unit * unit);
    };
    const auto stride = static_cast<int>(model.config.temporal_stride);
    const int frames =
        stride > 0 ? (task.shape.frames - 1) / options_.shrink / stride * stride + 1 : 1;
    return dit::latent_shape(model.config,
                             {small(task.shape.width), small(task.shape.height), frames});
  }

  static std::vector<std::byte> encode(const SmallDit& model, const RunTask& task) {
    const dit::Prompt prompt = model.encoder.encode(fmt::format("request {}", task.request.value));
    std::vector<std::byte> state(prompt_floats(model.config) * sizeof(float));
    std::memcpy(state.data(), prompt.text.values.data(), prompt.text.values.size() * sizeof(float));
    std::memcpy(state.data() + prompt.text.values.size() * sizeof(float), prompt.pooled.data(),
                prompt.pooled.size() * sizeof(float));
    return state;
  }

  static dit::Prompt prompt_of(const dit::DitConfig& config, std::span<const float> state) {
    dit::Prompt prompt;
    prompt.text = dit::Matrix(config.text_tokens, config.text_width);
    std::memcpy(prompt.text.values.data(), state.data(), prompt.text.values.size() * sizeof(float));
    const auto pooled = state.subspan(prompt.text.values.size(), config.text_width);
    prompt.pooled.assign(pooled.begin(), pooled.end());
    return prompt;
  }

  static dit::Matrix latents_of(const dit::LatentShape& shape, std::span<const float> from) {
    dit::Matrix latents(shape.tokens(), shape.token_width());
    std::memcpy(latents.values.data(), from.data(), latents.values.size() * sizeof(float));
    return latents;
  }

  void denoise(const SmallDit& model, const StepContext& context, const RunTask& task,
               std::vector<std::byte>& state) const {
    const dit::LatentShape shape = latent_shape(model, task);
    const std::span<float> all = floats(state);
    const dit::Prompt prompt = prompt_of(model.config, all);
    const dit::Prompt negative = model.encoder.encode("");
    const std::span<float> tail = all.subspan(prompt_floats(model.config));

    const auto sigmas = dit::sigma_schedule(model.config, shape.tokens(),
                                            static_cast<std::size_t>(task.steps_total));
    const auto at = static_cast<std::size_t>(task.steps_done + context.index);
    const dit::Step step{.shape = shape,
                         .prompt = &prompt,
                         .negative = &negative,
                         .guidance = task.guided ? 5.0 : 1.0,
                         .from = sigmas[at],
                         .to = sigmas[at + 1]};
    const Layout layout = context.run.layout;
    const dit::SequenceSplit split = dit::sequence_split(model.config, shape, layout);
    const auto member = static_cast<std::size_t>(context.member);
    const std::size_t piece = member % layout.ulysses;
    dit::Matrix shard = dit::shard(latents_of(shape, tail), split, piece);
    dit::RankStep rank_step(model.denoiser, step, layout, member, shard);
    GroupExchanges exchanges(context, rank_, world_);
    dit::run(rank_step, exchanges);

    // Gathered as pieces of the whole sequence, of which text tokens are the first.
    const std::size_t width = shape.token_width();
    std::vector<float> own(split.tokens(piece).count * width);
    std::ranges::copy(shard.values,
                      own.begin() + static_cast<std::ptrdiff_t>(split.text(piece).count * width));
    std::vector<float> sequence(split.tokens() * width);
    exchanges.gather(split.tokens(), width, own, sequence);
    std::memcpy(tail.data(), sequence.data() + (sequence.size() - tail.size()),
                tail.size() * sizeof(float));
  }

  // What is left of the pixels is a digest: nobody looks at them.
  std::vector<std::byte> decode(const SmallDit& model, const RunTask& task,
                                std::vector<std::byte>& state) const {
    const dit::LatentShape shape = latent_shape(model, task);
    const std::span<float> tail = floats(state).subspan(prompt_floats(model.config));
    const dit::Video video = model.decoder.decode(shape, latents_of(shape, tail));
    float sum = 0;
    for (const float pixel : video.pixels) sum += pixel;
    std::vector<std::byte> digest(sizeof sum);
    std::memcpy(digest.data(), &sum, sizeof sum);
    return digest;
  }

  int rank_;
  collectives::World& world_;
  DitOptions options_;
};

}  // namespace

SmallDit::SmallDit(std::string_view preset)
    : config(dit::preset(preset)),
      denoiser(config, weights),
      encoder(config, weights),
      decoder(config, weights) {}

std::unique_ptr<Compute> dit_compute(int rank, collectives::World& world, DitOptions options) {
  return std::make_unique<DitCompute>(rank, world, std::move(options));
}

}  // namespace regroup::host
