#include "runtime/cuda/dit/memory_plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/errors.hpp"
#include "runtime/cuda/dit/device_model.hpp"
#include "runtime/cuda/dit/request_state.hpp"
#include "runtime/cuda/dit/step_buffers.hpp"

namespace regroup::cuda {
namespace {

constexpr std::uint64_t kPageBytes = std::uint64_t{2} << 20;  // in which GPUs map shared memory

double gib(std::uint64_t bytes) { return static_cast<double>(bytes) / (std::uint64_t{1} << 30); }

std::string words(const Shape& shape) {
  const std::string image = fmt::format("{}x{}", shape.width, shape.height);
  return shape.frames == 1 ? image : fmt::format("{}x{}", image, shape.frames);
}

std::string words(const PlannedModel& model) {
  std::vector<std::string> shapes;
  for (const Shape& shape : model.shapes) shapes.push_back(words(shape));
  return fmt::format("{} at {}", model.config.name, fmt::join(shapes, ", "));
}

void grow(std::uint64_t& largest, std::uint64_t bytes) { largest = std::max(largest, bytes); }

// A layout with guidance parallelism serves guided requests only, and guided ones take no less than
// others.
void plan_model(const PlannedModel& model, MemoryPlan& plan) {
  const dit::DitConfig& config = model.config;
  if (model.shapes.empty() || model.layouts.empty())
    fail<ConfigError>("transformer '{}': {} shapes and {} layouts to plan for; at least one each",
                      config.name, model.shapes.size(), model.layouts.size());
  std::vector<dit::LatentShape> shapes;
  for (const Shape& pixels : model.shapes) shapes.push_back(dit::latent_shape(config, pixels));
  plan.model_bytes.push_back(DeviceModel::bytes(config, shapes));
  for (const dit::LatentShape& shape : shapes) {
    grow(plan.state_bytes, state_layout(config, shape).end);
    for (const Layout layout : model.layouts)
      for (const StepVariant& variant : step_variants(config, shape, layout, model.guided)) {
        grow(plan.step_bytes, step_buffer_bytes(config, variant));
        grow(plan.heap.slot_bytes, staging_bytes(config, variant));
      }
  }
}

void name_parts(const MemoryDemand& demand, MemoryPlan& plan) {
  const auto of_ranks = [&](const char* what, std::uint64_t bytes) {
    plan.parts.push_back({fmt::format("{} of {} rank{}", what, demand.ranks_per_gpu,
                                      demand.ranks_per_gpu == 1 ? "" : "s"),
                          static_cast<std::uint64_t>(demand.ranks_per_gpu) * bytes});
  };
  for (std::size_t i = 0; i < demand.models.size(); ++i)
    plan.parts.push_back(
        {fmt::format("weights of {}", demand.models[i].config.name), plan.model_bytes[i]});
  of_ranks("activations", plan.step_bytes);
  const std::uint64_t stride = (plan.heap.stride() + kPageBytes - 1) / kPageBytes * kPageBytes;
  of_ranks("staging slots", stride - plan.heap.window_bytes);
  of_ranks(fmt::format("{} states", demand.states_per_rank).c_str(),
           static_cast<std::uint64_t>(demand.states_per_rank) * plan.state_bytes +
               plan.heap.window_bytes);
  of_ranks("workspaces", plan.workspace_bytes);
  plan.parts.push_back({"set aside for CUDA", kCudaReserveBytes});
}

}  // namespace

std::uint64_t MemoryPlan::gpu_bytes() const {
  std::uint64_t sum = 0;
  for (const Part& part : parts) sum += part.bytes;
  return sum;
}

MemoryPlan plan_memory(const MemoryDemand& demand) {
  RG_CHECK(demand.ranks >= 1 && demand.ranks_per_gpu >= 1 && demand.states_per_rank >= 1,
           "{} ranks, {} on a GPU, {} states", demand.ranks, demand.ranks_per_gpu,
           demand.states_per_rank);
  if (demand.models.empty()) fail<ConfigError>("no model to plan memory for; at least one");
  using Layout = collectives::HeapLayout;
  MemoryPlan plan;
  plan.heap.world = demand.ranks;
  plan.heap.slot_bytes = 1;
  for (const PlannedModel& model : demand.models) plan_model(model, plan);
  plan.heap.slot_bytes = Layout::round_up(plan.heap.slot_bytes);
  plan.heap.window_bytes =
      Layout::round_up(static_cast<std::uint64_t>(demand.states_at_once) * plan.state_bytes);
  plan.workspace_bytes = demand.workspace_bytes;
  name_parts(demand, plan);

  std::vector<std::string> models;
  for (const PlannedModel& model : demand.models) models.push_back(words(model));
  plan.serves = fmt::format("{} on {} rank{}, {} on each GPU,", fmt::join(models, " and "),
                            demand.ranks, demand.ranks == 1 ? "" : "s", demand.ranks_per_gpu);
  return plan;
}

std::string sentence(const MemoryPlan& plan, std::uint64_t gpu_bytes) {
  return fmt::format("{} need {:.1f} GiB of {:.1f} GiB", plan.serves, gib(plan.gpu_bytes()),
                     gib(gpu_bytes));
}

std::string table(const MemoryPlan& plan) {
  std::string lines;
  for (const MemoryPlan::Part& part : plan.parts)
    lines += fmt::format("{:<40}{:>9.3f} GiB\n", part.what, gib(part.bytes));
  return lines + fmt::format("{:<40}{:>9.3f} GiB\n", "in all, on each GPU", gib(plan.gpu_bytes()));
}

void require_fits(const MemoryPlan& plan, std::uint64_t gpu_bytes) {
  if (plan.gpu_bytes() <= gpu_bytes) return;
  std::vector<MemoryPlan::Part> parts = plan.parts;
  std::ranges::sort(parts, std::greater(), &MemoryPlan::Part::bytes);
  parts.resize(std::min<std::size_t>(parts.size(), 3));
  std::vector<std::string> largest;
  for (const MemoryPlan::Part& part : parts)
    largest.push_back(fmt::format("{} {:.1f} GiB", part.what, gib(part.bytes)));
  fail<ConfigError>("{}; the largest parts: {}", sentence(plan, gpu_bytes),
                    fmt::join(largest, ", "));
}

}  // namespace regroup::cuda
