#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/errors.hpp"
#include "core/result_text.hpp"
#include "runtime/cuda/backend/open_node.hpp"
#include "runtime/cuda/bench/exchange_times.hpp"
#include "runtime/cuda/bench/group_formation.hpp"
#include "runtime/cuda/bench/step_agreement.hpp"
#include "runtime/cuda/bench/step_times.hpp"
#include "runtime/cuda/collectives/soak.hpp"
#include "runtime/cuda/dit/flops.hpp"
#include "runtime/cuda/gpu/rank_threads.hpp"
#include "tools/gpu/gpu_bench.hpp"
#include "traces/mixes.hpp"

namespace regroup::tools {
namespace {

using Json = nlohmann::ordered_json;

std::string microseconds(double seconds) { return fmt::format("{:.2f}", 1e6 * seconds); }
std::string milliseconds(double seconds) { return fmt::format("{:.3f}", 1e3 * seconds); }

Json document(const char* format, const cuda::Facts& facts) {
  Json json = {{"format", format}, {"version", 1}};
  for (const auto& [name, text] : facts) json["machine"][name] = text;
  return json;
}

devices::DeviceList device_list(const GpuOptions& gpu) {
  return devices::parse_device_list(gpu.devices.empty() ? "gpu0" : gpu.devices);
}

// Ranks with their counters and a world, without a model.
struct World {
  cuda::OpenedRanks ranks;
  std::vector<cuda::DeviceBuffer> ledgers;
  std::unique_ptr<cuda::DeviceWorld> world;

  World(const GpuOptions& gpu, std::uint64_t bytes) {
    const devices::DeviceList list = device_list(gpu);
    using collectives::HeapLayout;
    ranks = cuda::open_ranks(list,
                             {.world = list.ranks,
                              .slot_bytes = HeapLayout::round_up(bytes),
                              .window_bytes = HeapLayout::round_up(bytes)},
                             gpu.sync);
    ledgers.resize(static_cast<std::size_t>(list.ranks));
    cuda::on_every_rank(*ranks.machine, [this](int rank) {
      ledgers[static_cast<std::size_t>(rank)] =
          cuda::DeviceBuffer(sizeof(cuda::DeviceRank), "a rank's counters");
    });
    std::vector<cuda::DeviceRank*> of_ranks;
    for (const cuda::DeviceBuffer& ledger : ledgers)
      of_ranks.push_back(ledger.as<cuda::DeviceRank>());
    world = std::make_unique<cuda::DeviceWorld>(
        ranks.machine->heap(), of_ranks,
        cuda::WorldOptions{.sync = ranks.sync, .memops = ranks.memops.get()});
  }
};

Json json_of(const cuda::FormationSpread& spread) {
  return {{"median_s", spread.median}, {"p99_s", spread.p99}, {"max_s", spread.most}};
}

// Of the model that the bench names, with all layouts of `ranks` ranks.
std::vector<cuda::ServedModel> models_of(const DitBench& bench, int ranks) {
  models::PlatformOptions of_ranks;
  of_ranks.cluster = fmt::format("{}xH100", ranks);
  models::Platform platform(of_ranks);
  const auto model = platform.find_model(bench.model);
  if (!model) fail<ConfigError>("model '{}' has no card", bench.model);
  std::vector<cuda::WantedShape> wanted;
  for (const Shape& shape : bench.shapes)
    wanted.push_back({*model, shape, traces::model_guidance(platform.model_name(*model))});
  return cuda::served_models(platform, wanted, ranks);
}

// Ranks that have loaded a model and can do its steps.
struct DitNode {
  cuda::CudaOptions options;
  cuda::OpenedNode opened;
  cuda::CudaNode node;

  DitNode(const GpuOptions& gpu, const DitBench& bench)
      : options(options_of(gpu, bench)),
        opened(cuda::open_node(options)),
        node(*opened.ranks.machine, opened.plan, opened.options) {}

 private:
  static cuda::CudaOptions options_of(const GpuOptions& gpu, const DitBench& bench) {
    cuda::CudaOptions options;
    options.devices = device_list(gpu);
    options.models = models_of(bench, options.devices.ranks);
    options.sync = gpu.sync;
    options.graphs = gpu.graphs;
    options.own_kernels = gpu.own_kernels;
    options.states = 8;
    for (const auto& [name, file] : gpu.weights)
      for (cuda::ServedModel& model : options.models)
        if (model.config.name == name) model.weights = file;
    return options;
  }
};

std::string lines_of(const cuda::Facts& facts) {
  std::vector<std::string> lines;
  for (const auto& [name, text] : facts) lines.push_back(name + ": " + text);
  return fmt::format("{}", fmt::join(lines, "\n"));
}

}  // namespace

Measured measure_groups(const GpuOptions& gpu, const GroupBench& bench) {
  World opened(gpu, std::uint64_t{1} << 20);
  std::unique_ptr<const cuda::NcclLibrary> nccl;
  std::string why_not;
  try {
    nccl = std::make_unique<const cuda::NcclLibrary>();
  } catch (const SystemError& error) {
    why_not = error.what();
  }
  const cuda::FormationReport report =
      cuda::measure_group_formation(*opened.ranks.machine, *opened.world, nccl.get(), why_not,
                                    {.sizes = bench.sizes, .samples = bench.samples});

  Measured measured{.rows = {{"way", "ranks", "samples", "formed us: median", "P99", "max",
                              "first collective us", "again us", "destroy us"}},
                    .note = report.note,
                    .json = {}};
  Json json = document("regroup-bench-groups", opened.ranks.facts);
  json["note"] = report.note;
  for (const cuda::FormationTimes& time : report.times) {
    measured.rows.push_back({time.way, fmt::format("{}", time.size),
                             fmt::format("{}", time.samples), microseconds(time.formation.median),
                             microseconds(time.formation.p99), microseconds(time.formation.most),
                             microseconds(time.first.median), microseconds(time.again.median),
                             microseconds(time.destroy.median)});
    json["ways"].push_back({{"way", time.way},
                            {"ranks", time.size},
                            {"samples", time.samples},
                            {"formation", json_of(time.formation)},
                            {"first", json_of(time.first)},
                            {"again", json_of(time.again)},
                            {"destroy", json_of(time.destroy)}});
  }
  measured.json = json.dump(1) + "\n";
  return measured;
}

Measured measure_dit(const GpuOptions& gpu, const DitBench& bench) {
  DitNode dit(gpu, bench);
  const cuda::OpenedNode& opened = dit.opened;
  const auto times = cuda::measure_step_times(*opened.ranks.machine, dit.node, dit.options.models,
                                              {.steps = bench.steps, .busy = bench.busy});

  Measured measured{.rows = {{"model", "shape", "layout", "groups at once", "step ms: median",
                              "min", "max", "TFLOP", "TFLOP/s a group"}},
                    .note = {},
                    .json = {}};
  Json json = document("regroup-bench-dit", opened.ranks.facts);
  for (const cuda::StepTimes& time : times) {
    const auto [least, most] = std::ranges::minmax(time.seconds);
    measured.rows.push_back(
        {time.model, text_of(time.shape), text_of(time.layout), fmt::format("{}", time.groups),
         milliseconds(time.median_s()), milliseconds(least), milliseconds(most),
         fmt::format("{:.2f}", time.flops / 1e12), fmt::format("{:.1f}", time.tflops_per_s())});
    json["steps"].push_back({{"model", time.model},
                             {"shape", text_of(time.shape)},
                             {"guided", time.guided},
                             {"layout", text_of(time.layout)},
                             {"groups", time.groups},
                             {"flops", time.flops},
                             {"median_s", time.median_s()},
                             {"tflops_per_s", time.tflops_per_s()},
                             {"seconds", time.seconds}});
  }
  measured.note = lines_of(opened.ranks.facts);
  measured.json = json.dump(1) + "\n";
  return measured;
}

Measured compare_dit(const GpuOptions& gpu, const DitBench& bench, bool& passed) {
  DitNode dit(gpu, bench);
  const cuda::OpenedNode& opened = dit.opened;
  const auto all =
      cuda::compare_layouts(*opened.ranks.machine, dit.node, dit.options.models, bench.steps);
  passed = std::ranges::all_of(all, &cuda::StepAgreement::holds);

  Measured measured{
      .rows = {{"model", "shape", "layout", "steps", "error % of one rank's way", "allowed %"}},
      .note = lines_of(opened.ranks.facts),
      .json = {}};
  Json json = document("regroup-check-dit", opened.ranks.facts);
  json["passed"] = passed;
  for (const cuda::StepAgreement& each : all) {
    measured.rows.push_back({each.model, text_of(each.shape), text_of(each.layout),
                             fmt::format("{}", each.steps), fmt::format("{:.3f}", 100 * each.error),
                             fmt::format("{:.0f}", 100 * cuda::StepAgreement::kAllowed)});
    json["layouts"].push_back({{"model", each.model},
                               {"shape", text_of(each.shape)},
                               {"layout", text_of(each.layout)},
                               {"degree", each.layout.size()},
                               {"steps", each.steps},
                               {"error", each.error},
                               {"allowed", cuda::StepAgreement::kAllowed}});
  }
  measured.json = json.dump(1) + "\n";
  return measured;
}

Measured plan_dit(const DitBench& bench, int ranks) {
  cuda::NodeOptions options;
  options.models = models_of(bench, ranks);
  const cuda::MemoryPlan plan = cuda::plan_node(options, ranks, ranks);
  constexpr double kGiB = 1 << 30;
  Measured measured{.rows = {{"of one GPU", "GiB"}}, .note = {}, .json = {}};
  Json json = document("regroup-plan-dit", {});
  for (const cuda::MemoryPlan::Part& part : plan.parts) {
    measured.rows.push_back(
        {part.what, fmt::format("{:.2f}", static_cast<double>(part.bytes) / kGiB)});
    json["bytes"][part.what] = part.bytes;
  }
  measured.rows.push_back(
      {"in all", fmt::format("{:.2f}", static_cast<double>(plan.gpu_bytes()) / kGiB)});
  measured.note = fmt::format("{} need {:.1f} GiB of each GPU", plan.serves,
                              static_cast<double>(plan.gpu_bytes()) / kGiB);
  for (const cuda::ServedModel& model : options.models)
    for (const cuda::ServedShape& shape : model.shapes) {
      const double flops = cuda::step_flops(model.config, shape.latents, shape.guided).total();
      measured.note +=
          fmt::format("\na step at {}: {:.2f} TFLOP", text_of(shape.pixels), flops / 1e12);
      json["step_flops"][text_of(shape.pixels)] = flops;
    }
  measured.json = json.dump(1) + "\n";
  return measured;
}

Measured soak_collectives(const GpuOptions& gpu, const SoakBench& bench, bool& passed) {
  const cuda::SoakOptions options{.seed = bench.seed, .operations = bench.operations};
  World opened(gpu, options.largest.bytes());
  const cuda::SoakReport report =
      cuda::collectives_soak(*opened.ranks.machine, *opened.world, options);
  passed = report.passed();
  Measured measured{
      .rows = {{"ranks", "sync", "operations", "bytes checked", "bytes wrong", "seconds",
                "inversion noticed after", "right after re-arming"},
               {fmt::format("{}", report.ranks), report.sync, fmt::format("{}", report.operations),
                fmt::format("{}", report.checked_bytes), fmt::format("{}", report.wrong_bytes),
                fmt::format("{:.2f}", report.seconds),
                report.inversion_noticed ? milliseconds(report.inversion_seconds) + " ms" : "never",
                report.right_after_rearm ? "yes" : "no"}},
      .note = report.failure.empty() ? report.inversion : report.failure,
      .json = {}};
  Json json = document("regroup-soak", opened.ranks.facts);
  json["soak"] = Json::parse(cuda::soak_json(report));
  measured.json = json.dump(1) + "\n";
  return measured;
}

Measured measure_exchange_times(const GpuOptions& gpu, const std::vector<int>& degrees) {
  cuda::ExchangeTimesOptions options;
  options.degrees = degrees;
  World opened(gpu, options.bytes.back());
  const auto times = cuda::measure_exchanges(*opened.ranks.machine, *opened.world, options);
  Measured measured{.rows = {{"exchange", "ranks", "bytes of a rank", "median us", "P99 us",
                              "GB/s out of a rank"}},
                    .note = {},
                    .json = {}};
  Json json = document("regroup-exchange-times", opened.ranks.facts);
  for (const cuda::ExchangeTime& time : times) {
    // Of what a rank gives, the share of the others travels.
    const double travels = static_cast<double>(time.bytes) *
                           (time.what == "put" ? 1.0 : (time.degree - 1.0) / time.degree);
    measured.rows.push_back(
        {time.what, fmt::format("{}", time.degree),
         time.bytes == 0 ? "" : fmt::format("{}", time.bytes), microseconds(time.median_s),
         microseconds(time.p99_s),
         time.bytes == 0 ? "" : fmt::format("{:.1f}", travels / time.median_s / 1e9)});
    json["exchanges"].push_back({{"what", time.what},
                                 {"ranks", time.degree},
                                 {"bytes", time.bytes},
                                 {"median_s", time.median_s},
                                 {"p99_s", time.p99_s}});
  }
  measured.json = json.dump(1) + "\n";
  return measured;
}

}  // namespace regroup::tools
