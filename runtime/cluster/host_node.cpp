#include "runtime/cluster/host_node.hpp"

#include "runtime/host/host_device.hpp"

namespace regroup::cluster {

NodeOptions host_node(const NodeSpec& spec, MakeCompute compute) {
  NodeOptions options;
  options.ranks = spec.ranks;
  options.serve.virtual_clock = spec.virtual_clock;
  options.serve.faults = spec.faults;
  options.serve.patience = spec.patience;
  options.serve.device = [make = std::move(compute), jitter = spec.jitter](
                             int rank, serve::Clock& clock, collectives::World& world) {
    return host::host_device(rank, clock, world,
                             make ? make(rank, world) : host::timed_compute(jitter));
  };
  options.states.pack = [](const serve::StateData& state) {
    return static_cast<const host::HostState&>(state).numbers;
  };
  options.states.unpack = [](Bytes bytes) {
    return std::make_shared<const host::HostState>(std::move(bytes));
  };
  return options;
}

}  // namespace regroup::cluster
