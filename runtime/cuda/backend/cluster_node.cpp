#include "runtime/cuda/backend/cluster_node.hpp"

#include "core/errors.hpp"
#include "runtime/cuda/portable/check.hpp"

namespace regroup::cuda {

cluster::NodeOptions cluster_node(const cluster::NodeSpec& spec, std::shared_ptr<NodeParts> parts) {
  if (parts->machine->ranks() != spec.ranks)
    fail<ConfigError>("--devices gives {} ranks to a node of {} GPUs: one for each is needed",
                      parts->machine->ranks(), spec.ranks);
  cluster::NodeOptions options;
  options.ranks = spec.ranks;
  options.serve.virtual_clock = false;
  options.serve.faults = spec.faults;
  options.serve.patience = spec.patience;
  options.serve.puts_in_world = false;
  options.serve.window_bytes = parts->node.world().heap().layout.window_bytes;
  options.serve.device = [parts](int rank, serve::Clock&, collectives::World&) {
    return parts->node.device(rank);
  };
  options.serve.rearm = [parts] { parts->node.rearm(); };
  options.states.pack = [](const serve::StateData& state) {
    cluster::Bytes bytes(state.bytes());
    check(cudaMemcpy(bytes.data(), static_cast<const CudaState&>(state).data(), bytes.size(),
                     cudaMemcpyDefault),
          "reading a state for another node");
    return bytes;
  };
  options.states.unpack = [parts](const cluster::Bytes& bytes) {
    return parts->node.snapshots().take_in(bytes);
  };
  return options;
}

}  // namespace regroup::cuda
