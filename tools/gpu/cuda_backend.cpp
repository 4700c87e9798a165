#include "core/errors.hpp"
#include "runtime/cuda/backend/open_cuda.hpp"
#include "tools/gpu/gpu_backend.hpp"

namespace regroup::tools {
namespace {

// How much longer than expected a rank waits for its peers.
constexpr Duration kPatience = std::chrono::seconds(10);

// What the requests ask for, each model and shape once.
std::vector<cuda::WantedShape> wanted_shapes(const Experiment& e, Catalog& catalog) {
  std::vector<cuda::WantedShape> wanted;
  const auto reader = open_requests(e);
  traces::Record record;
  for (std::uint64_t i = 0; e.limit == 0 || i < e.limit; ++i) {
    if (!reader->next(record)) break;
    const cuda::WantedShape want{traces::resolve(*reader, record, catalog).model, record.shape,
                                 record.guidance};
    const auto same = [&](const cuda::WantedShape& each) {
      return each.model == want.model && each.shape == want.shape && each.guidance == want.guidance;
    };
    if (std::ranges::none_of(wanted, same)) wanted.push_back(want);
  }
  return wanted;
}

std::vector<cuda::ServedModel> models_to_serve(const Experiment& e, int ranks) {
  models::Platform catalog(platform_of(e));
  std::vector<cuda::ServedModel> served =
      cuda::served_models(catalog, wanted_shapes(e, catalog), ranks);
  for (const auto& [name, file] : e.gpu.weights) {
    const auto model = catalog.find_model(name);
    const auto found = std::ranges::find_if(
        served, [&](const cuda::ServedModel& each) { return each.id == model; });
    if (found == served.end())
      fail<ConfigError>("--weights {}={}: no request asks for this model", name, file);
    found->weights = file;
  }
  return served;
}

}  // namespace

OpenedBackend open_gpus(const Experiment& e, const models::Platform& platform) {
  if (e.gpu.devices.empty())
    fail<ConfigError>("--on cuda: add --devices, as gpu0,gpu1 or gpu0:8x16sm");
  cuda::CudaOptions options;
  options.devices = devices::parse_device_list(e.gpu.devices);
  if (e.real_compute) options.models = models_to_serve(e, options.devices.ranks);
  options.sync = e.gpu.sync;
  options.graphs = e.gpu.graphs;
  options.own_kernels = e.gpu.own_kernels;
  options.states = e.gpu.states;
  options.nccl = e.platform.groups == models::PlatformOptions::Groups::kNccl;
  options.communicators = static_cast<std::size_t>(e.platform.nccl_cache_groups);
  options.jitter = {e.jitter, e.seed};
  options.faults = faults_of_ranks(e);
  options.patience = kPatience;
  options.report = [](const std::string& line) { fmt::print(stderr, "cuda: {}\n", line); };
  cuda::OpenedCuda opened = cuda::open_cuda(platform, std::move(options));
  return {std::move(opened.backend), std::move(opened.facts)};
}

}  // namespace regroup::tools
