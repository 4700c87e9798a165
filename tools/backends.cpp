#include "tools/backends.hpp"

#include "core/errors.hpp"
#include "runtime/cluster/cluster_backend.hpp"
#include "runtime/cluster/host_node.hpp"
#include "runtime/devices/device_list.hpp"
#include "runtime/host/dit_compute.hpp"
#include "runtime/host/host_backend.hpp"
#include "tools/gpu/gpu_backend.hpp"

namespace regroup::tools {
namespace {

std::unique_ptr<Backend> make_simulator(const Experiment& e, const Catalog& catalog) {
  if (!e.faults.empty())
    fail<ConfigError>("--fault is for --on host and --on cuda; in simulation, see --fail");
  if (e.wall_clock || e.real_compute)
    fail<ConfigError>("--clock wall and --compute real are for --on host and --on cuda");
  if (!e.gpu.devices.empty()) fail<ConfigError>("--devices is for --on cuda and --on host");
  return std::make_unique<sim::SimBackend>(
      catalog, sim::SimOptions{.jitter = {e.jitter, e.seed}, .failures = e.failures});
}

// The small transformer that stands in for a model: joint attention as FLUX, or cross as Wan.
host::DitOptions small_dits(std::function<std::string(ModelId)> name) {
  host::DitOptions options;
  options.model = [name = std::move(name)](ModelId model) {
    static const auto kJoint = std::make_shared<const host::SmallDit>("tiny-mmdit");
    static const auto kCross = std::make_shared<const host::SmallDit>("tiny-cross");
    return name(model).starts_with("Wan") ? kCross : kJoint;
  };
  return options;
}

// Expected times are those of the modelled GPU.
constexpr Duration kPatienceForReal = std::chrono::seconds(60);

void report(const std::string& line) { fmt::print(stderr, "host: {}\n", line); }

// A process for each node.
std::unique_ptr<Backend> make_cluster(const Experiment& e, const models::Platform& platform) {
  cluster::ClusterOptions options;
  options.node.backend = e.on;
  if (e.on == "cuda") options.node.settings = gpu_node_settings(e);
  options.node.virtual_clock = !e.wall_clock;
  options.node.real_compute = e.real_compute;
  for (std::uint32_t i = 0; i < platform.card_names().size(); ++i)
    options.node.models.push_back(platform.model_name({i}));
  options.node.jitter = {e.jitter, e.seed};
  options.node.patience =
      e.real_compute ? kPatienceForReal : Duration(serve::ServeOptions{}.patience);
  options.faults = faults_of_ranks(e);
  options.report = report;
  return std::make_unique<cluster::ClusterBackend>(platform, *e.processes, std::move(options));
}

// --devices host:8 says what is so anyhow.
void check_devices(const Experiment& e, const models::Platform& platform) {
  if (e.gpu.devices.empty()) return;
  const devices::DeviceList list = devices::parse_device_list(e.gpu.devices);
  if (list.kind != devices::DeviceList::Kind::kHost)
    fail<ConfigError>("--devices {} is for --on cuda", e.gpu.devices);
  if (static_cast<std::size_t>(list.ranks) != platform.gpus().size())
    fail<ConfigError>("--devices {}: {} ranks for a cluster of {} GPUs; one for each is needed",
                      e.gpu.devices, list.ranks, platform.gpus().size());
}

std::unique_ptr<Backend> make_host(const Experiment& e, const models::Platform& catalog) {
  if (!e.platform.semantics.empty())
    fail<ConfigError>(
        "--semantics is for --on sim: the host carries decisions out as regroup does");
  check_devices(e, catalog);
  if (e.real_compute && !e.wall_clock)
    fail<ConfigError>("--compute real takes real time: add --clock wall");
  if (e.processes != nullptr) return make_cluster(e, catalog);
  host::HostOptions options;
  if (e.real_compute) {
    options.slot_bytes = host::kDitSlotBytes;
    options.window_bytes = host::kDitWindowBytes;
    options.compute =
        [dits = small_dits([&catalog](ModelId model) { return catalog.model_name(model); })](
            int rank, collectives::World& world) { return host::dit_compute(rank, world, dits); };
    options.patience = kPatienceForReal;
  }
  options.virtual_clock = !e.wall_clock;
  options.jitter = {e.jitter, e.seed};
  options.faults = faults_of_ranks(e);
  options.report = report;
  return std::make_unique<host::HostBackend>(catalog, std::move(options));
}

}  // namespace

std::vector<serve::Fault> faults_of_ranks(const Experiment& e) {
  std::vector<serve::Fault> faults = e.faults;
  for (const sim::Failure& failure : e.failures) {
    if (failure.repaired != kNever)
      fail<ConfigError>("--fail with a repair is for --on sim: a rank stays dead");
    faults.push_back({.kind = serve::Fault::Kind::kKill,
                      .rank = static_cast<int>(failure.gpu.value),
                      .at = failure.at});
  }
  return faults;
}

cluster::NodeOptions make_node(const cluster::NodeSpec& spec) {
  if (spec.backend == "cuda") return make_gpu_node(spec);
  if (!spec.real_compute) return cluster::host_node(spec);
  cluster::NodeOptions options = cluster::host_node(
      spec,
      [dits = small_dits([names = spec.models](ModelId model) { return names.at(model.value); })](
          int rank, collectives::World& world) { return host::dit_compute(rank, world, dits); });
  options.serve.slot_bytes = host::kDitSlotBytes;
  options.serve.window_bytes = host::kDitWindowBytes;
  return options;
}

OpenedBackend open_backend(const Experiment& experiment, const models::Platform& catalog) {
  if (experiment.on == "host") return {make_host(experiment, catalog), {}};
  if (experiment.on == "cuda" && experiment.processes != nullptr)
    return {make_cluster(experiment, catalog), {}};
  if (experiment.on == "cuda") return open_gpus(experiment, catalog);
  return {make_simulator(experiment, catalog), {}};
}

}  // namespace regroup::tools
