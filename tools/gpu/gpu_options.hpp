// What runs on GPUs are told beside everything else.
#pragma once

#include <map>
#include <string>

#include <CLI/CLI.hpp>

namespace regroup::tools {

struct GpuOptions {
  std::string devices;                         // see devices/device_list.hpp
  std::string sync;                            // empty: the first mode that works
  bool graphs = true;                          // else every kernel is launched by itself
  bool own_kernels = false;                    // rather than cuBLASLt and cuDNN
  int states = 64;                             // requests' states that a rank can hold at once
  std::map<std::string, std::string> weights;  // a model's safetensors file; others: seeded
};

// --devices, --sync, --eager, --own-kernels, --states and --weights.
void add_gpu_flags(CLI::App& verb, GpuOptions& options);

}  // namespace regroup::tools
