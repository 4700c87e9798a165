#include "models/analytic.hpp"

#include <algorithm>

#include "core/errors.hpp"
#include "models/json.hpp"

namespace regroup::models {

StepWork step_work(const ModelCard& card, Shape shape, int forwards, Layout layout, int batch) {
  constexpr double kBytes = 2;  // bf16
  const double passes = static_cast<double>(forwards) / layout.cfg;
  const double sequence_parallel = layout.ulysses * layout.ring;
  // Both passes go through together, as a batch: launches and collectives are shared by them.
  const double share =
      batch * passes * static_cast<double>(card.sequence_tokens(shape)) / sequence_parallel;
  const Flops flops = card.flops(shape);

  StepWork work;
  work.linear_flops = batch * passes * flops.linear / sequence_parallel;
  work.attention_flops = batch * passes * flops.attention / sequence_parallel;
  work.blocks = card.blocks;
  work.weight_bytes = static_cast<double>(card.denoiser_bytes);
  work.ulysses = layout.ulysses;
  work.ring = layout.ring;
  work.cfg = layout.cfg;
  if (layout.ulysses > 1) {
    work.all_to_alls = 4.0 * card.blocks;
    work.all_to_all_bytes = share * card.hidden * kBytes;
  }
  if (layout.ring > 1) {
    work.ring_hops = card.blocks * (layout.ring - 1.0);
    work.ring_bytes = 2 * share * card.hidden * kBytes;
  }
  if (layout.cfg > 1)
    work.exchange_bytes = batch * static_cast<double>(card.latent_bytes(shape)) / sequence_parallel;
  return work;
}

AnalyticConstants AnalyticConstants::parse(const Json& json) {
  json.expect_format("regroup-analytic");
  json.allow({"format", "version", "gpus", "block_floor_us", "hbm_efficiency", "pcie", "source"});
  AnalyticConstants constants;
  for (const Json& item : json.at("gpus").items()) {
    item.allow({"gpu", "linear", "attention", "as", "block_floor_us"});
    Efficiency efficiency;
    efficiency.gpu = item.string("gpu");
    efficiency.linear = item.positive("linear");
    efficiency.attention = item.positive("attention");
    if (item.has("as")) efficiency.as = item.string("as");
    if (item.has("block_floor_us"))
      efficiency.block_floor_s = item.positive("block_floor_us") * 1e-6;
    constants.gpus.push_back(efficiency);
  }
  constants.block_floor_s = json.positive("block_floor_us") * 1e-6;
  constants.hbm_efficiency = json.positive("hbm_efficiency");
  const Json pcie = json.at("pcie");
  pcie.allow({"us", "gb_per_s"});
  constants.pcie = {pcie.positive("gb_per_s") * 1e9, pcie.positive("us") * 1e-6};
  json.string("source");
  return constants;
}

const AnalyticConstants::Efficiency& AnalyticConstants::of(const GpuKind& gpu) const {
  for (const Efficiency& efficiency : gpus)
    if (efficiency.gpu == gpu.name) return efficiency;
  fail<ConfigError>("models/data/analytic.json has no efficiency for GPU '{}'", gpu.name);
}

AnalyticCosts::AnalyticCosts(const GpuKind& gpu, const AnalyticConstants& constants,
                             Collectives collectives)
    : linear_rate_(gpu.flops * constants.of(gpu).linear),
      attention_rate_(gpu.flops * constants.of(gpu).attention),
      hbm_rate_(gpu.hbm_bytes_per_s * constants.hbm_efficiency),
      block_floor_s_(constants.of(gpu).block_floor_s > 0 ? constants.of(gpu).block_floor_s
                                                         : constants.block_floor_s),
      collectives_(std::move(collectives)) {}

double AnalyticCosts::step(const StepWork& work) const {
  const double compute = work.linear_flops / linear_rate_ + work.attention_flops / attention_rate_;
  const double launches = work.blocks * block_floor_s_;
  const double weights = work.weight_bytes / hbm_rate_;
  return std::max({compute, launches, weights}) + communication(work);
}

double AnalyticCosts::communication(const StepWork& work) const {
  double time = work.all_to_alls * collectives_.all_to_all(work.ulysses, work.all_to_all_bytes);
  if (work.ring > 1) {
    // A hop travels while the attention with the keys of the hop before is computed.
    const double hidden =
        work.attention_flops / attention_rate_ / work.ring * (work.ring - 1) / work.ring_hops;
    const double hop = collectives_.exchange(work.ring, work.ring_bytes);
    time += work.ring_hops * std::max(0.0, hop - hidden);
  }
  if (work.cfg > 1) time += collectives_.exchange(work.cfg, work.exchange_bytes);
  return time;
}

}  // namespace regroup::models
