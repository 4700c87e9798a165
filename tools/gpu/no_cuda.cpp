#include "core/errors.hpp"
#include "tools/gpu/gpu_backend.hpp"
#include "tools/gpu/gpu_bench.hpp"

namespace regroup::tools {
namespace {

[[noreturn]] void refuse() {
  fail<CudaError>(
      "this regroup was built without CUDA, so it cannot use GPUs: it has to be built where nvcc "
      "is found; --on sim and --on host need none");
}

}  // namespace

OpenedBackend open_gpus(const Experiment&, const models::Platform&) { refuse(); }
std::string gpu_node_settings(const Experiment&) { refuse(); }
cluster::NodeOptions make_gpu_node(const cluster::NodeSpec&) { refuse(); }
Measured measure_groups(const GpuOptions&, const GroupBench&) { refuse(); }
Measured measure_dit(const GpuOptions&, const DitBench&) { refuse(); }
Measured compare_dit(const GpuOptions&, const DitBench&, bool&) { refuse(); }
Measured plan_dit(const DitBench&, int) { refuse(); }
Measured soak_collectives(const GpuOptions&, const SoakBench&, bool&) { refuse(); }
Measured measure_exchange_times(const GpuOptions&, const std::vector<int>&) { refuse(); }

}  // namespace regroup::tools
