#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/errors.hpp"
#include "runtime/cuda/backend/cluster_node.hpp"
#include "runtime/cuda/backend/open_node.hpp"
#include "tools/gpu/gpu_backend.hpp"

namespace regroup::tools {
namespace {

using Json = nlohmann::ordered_json;

// How much longer than expected a rank waits for its peers.
constexpr Duration kPatience = std::chrono::seconds(10);

// What the requests ask for, each model and shape once.
std::vector<cuda::WantedShape> wanted_shapes(const Experiment& e) {
  models::Platform catalog(platform_of(e));
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

// On so many ranks of a node.
std::vector<cuda::ServedModel> models_to_serve(std::span<const cuda::WantedShape> wanted, int ranks,
                                               const std::map<std::string, std::string>& weights) {
  models::PlatformOptions of_ranks;
  of_ranks.cluster = fmt::format("{}xH100", ranks);
  models::Platform catalog(of_ranks);  // models are counted alike in every platform
  std::vector<cuda::ServedModel> served = cuda::served_models(catalog, wanted, ranks);
  for (const auto& [name, file] : weights) {
    const auto model = catalog.find_model(name);
    const auto found = std::ranges::find_if(
        served, [&](const cuda::ServedModel& each) { return each.id == model; });
    if (found == served.end())
      fail<ConfigError>("--weights {}={}: no request asks for this model", name, file);
    found->weights = file;
  }
  return served;
}

void check_flags(const Experiment& e) {
  if (!e.platform.semantics.empty())
    fail<ConfigError>("--semantics is for --on sim: GPUs carry decisions out as regroup does");
  if (e.gpu.devices.empty())
    fail<ConfigError>("--on cuda: add --devices, as gpu0,gpu1 or gpu0:8x16sm");
}

}  // namespace

OpenedBackend open_gpus(const Experiment& e, const models::Platform& platform) {
  check_flags(e);
  cuda::CudaOptions options;
  options.devices = devices::parse_device_list(e.gpu.devices);
  if (e.real_compute)
    options.models = models_to_serve(wanted_shapes(e), options.devices.ranks, e.gpu.weights);
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

std::string gpu_node_settings(const Experiment& e) {
  check_flags(e);
  (void)devices::parse_device_list(e.gpu.devices);  // a mistake is told before anything begins
  Json json = {{"devices", e.gpu.devices},
               {"sync", e.gpu.sync},
               {"graphs", e.gpu.graphs},
               {"own_kernels", e.gpu.own_kernels},
               {"states", e.gpu.states},
               {"nccl", e.platform.groups == models::PlatformOptions::Groups::kNccl},
               {"communicators", e.platform.nccl_cache_groups},
               {"weights", e.gpu.weights},
               {"wanted", Json::array()}};
  if (e.real_compute)
    for (const cuda::WantedShape& want : wanted_shapes(e))
      json["wanted"].push_back({want.model.value, want.shape.width, want.shape.height,
                                want.shape.frames, want.guidance});
  return json.dump();
}

cluster::NodeOptions make_gpu_node(const cluster::NodeSpec& spec) {
  const Json json = Json::parse(spec.settings);
  cuda::CudaOptions options;
  options.devices = devices::parse_device_list(json.at("devices").get<std::string>());
  options.sync = json.at("sync");
  options.graphs = json.at("graphs");
  options.own_kernels = json.at("own_kernels");
  options.states = json.at("states");
  options.nccl = json.at("nccl");
  options.communicators = json.at("communicators");
  options.jitter = spec.jitter;
  options.patience = spec.patience;
  std::vector<cuda::WantedShape> wanted;
  for (const Json& each : json.at("wanted"))
    wanted.push_back({ModelId{each.at(0).get<std::uint32_t>()},
                      {each.at(1), each.at(2), each.at(3)},
                      each.at(4).get<double>()});
  if (spec.real_compute)
    options.models = models_to_serve(wanted, options.devices.ranks, json.at("weights"));
  cuda::OpenedNode opened = cuda::open_node(options);
  return cuda::cluster_node(
      spec, std::make_shared<cuda::NodeParts>(std::move(opened.ranks.machine), opened.plan,
                                              std::move(opened.options)));
}

}  // namespace regroup::tools
