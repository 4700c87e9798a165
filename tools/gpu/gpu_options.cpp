#include "tools/gpu/gpu_options.hpp"

namespace regroup::tools {

void add_gpu_flags(CLI::App& verb, GpuOptions& options) {
  verb.add_option("--devices", options.devices,
                  "the ranks: gpu0,gpu1 (GPUs), gpu0:8x16sm (8 slices of 16 SMs of one), or "
                  "host:8 with --on host; one for each GPU of the cluster");
  verb.add_option("--sync", options.sync,
                  "how GPU ranks wait for each other: spin, memop or event (default: the first "
                  "that a test at the start finds to work)")
      ->check(CLI::IsMember({"spin", "memop", "event"}));
  verb.add_flag("!--eager", options.graphs, "launch every kernel by itself, without CUDA graphs");
  verb.add_flag("--own-kernels", options.own_kernels,
                "no cuBLASLt and no cuDNN, but this program's own kernels");
  verb.add_option("--states", options.states,
                  "requests' states that a GPU rank can hold at once (default 64)")
      ->check(CLI::Range(2, 100'000));
  verb.add_option_function<std::vector<std::string>>(
          "--weights",
          [&options](const std::vector<std::string>& texts) {
            for (const std::string& text : texts) {
              const std::size_t equals = text.find('=');
              if (equals == std::string::npos || equals == 0)
                throw CLI::ValidationError("--weights", text + ": expected MODEL=FILE");
              options.weights[text.substr(0, equals)] = text.substr(equals + 1);
            }
          },
          "MODEL=FILE: a safetensors file (default: seeded numbers, which take as long)")
      ->allow_extra_args(false);
}

}  // namespace regroup::tools
