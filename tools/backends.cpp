#include "tools/backends.hpp"

#include "core/errors.hpp"
#include "runtime/host/dit_compute.hpp"
#include "runtime/host/host_backend.hpp"

namespace regroup::tools {
namespace {

std::unique_ptr<Backend> make_simulator(const Experiment& e, const Catalog& catalog) {
  if (!e.faults.empty()) fail<ConfigError>("--fault is for --on host; in simulation, see --fail");
  if (e.wall_clock || e.real_compute)
    fail<ConfigError>("--clock wall and --compute real are for --on host");
  return std::make_unique<sim::SimBackend>(
      catalog, sim::SimOptions{.jitter = {e.jitter, e.seed}, .failures = e.failures});
}

// The small transformer that stands in for a model: joint attention as FLUX, or cross as Wan.
host::DitOptions small_dits(const Catalog& catalog) {
  host::DitOptions options;
  options.model = [&catalog](ModelId model) {
    static const auto kJoint = std::make_shared<const host::SmallDit>("tiny-mmdit");
    static const auto kCross = std::make_shared<const host::SmallDit>("tiny-cross");
    return catalog.model_name(model).starts_with("Wan") ? kCross : kJoint;
  };
  return options;
}

std::unique_ptr<Backend> make_host(const Experiment& e, const Catalog& catalog) {
  if (!e.platform.semantics.empty())
    fail<ConfigError>(
        "--semantics is for --on sim: the host carries decisions out as regroup does");
  host::HostOptions options;
  if (e.real_compute) {
    if (!e.wall_clock) fail<ConfigError>("--compute real takes real time: add --clock wall");
    options.slot_bytes = host::kDitSlotBytes;
    options.window_bytes = host::kDitWindowBytes;
    options.compute = [dits = small_dits(catalog)](int rank, collectives::World& world) {
      return host::dit_compute(rank, world, dits);
    };
    options.patience = std::chrono::seconds(60);  // expected times are those of the modelled GPU
  }
  options.virtual_clock = !e.wall_clock;
  options.jitter = {e.jitter, e.seed};
  options.faults = e.faults;
  options.report = [](const std::string& line) { fmt::print(stderr, "host: {}\n", line); };
  for (const sim::Failure& failure : e.failures) {
    if (failure.repaired != kNever)
      fail<ConfigError>("--fail with a repair is for --on sim: a rank of the host stays dead");
    options.faults.push_back({.kind = serve::Fault::Kind::kKill,
                              .rank = static_cast<int>(failure.gpu.value),
                              .at = failure.at});
  }
  return std::make_unique<host::HostBackend>(catalog, std::move(options));
}

}  // namespace

OpenedBackend open_backend(const Experiment& experiment, const Catalog& catalog) {
  if (experiment.on == "host") return {make_host(experiment, catalog), {}};
  return {make_simulator(experiment, catalog), {}};
}

}  // namespace regroup::tools
