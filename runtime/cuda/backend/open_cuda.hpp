// The CUDA backend from a description: finds the GPUs, tries how their ranks can wait for each
// other, loads libraries and weights. Needs no CUDA header, so that whoever opens a backend needs
// none. Not portable.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/backend.hpp"
#include "core/catalog.hpp"
#include "core/jitter.hpp"
#include "runtime/cuda/backend/served_model.hpp"
#include "runtime/devices/device_list.hpp"
#include "runtime/serve/fault.hpp"

namespace regroup::cuda {

struct CudaOptions {
  devices::DeviceList devices;  // one rank for each GPU of the catalog
  // Models to be computed; none: steps keep the GPU busy as long as the cost model says.
  std::vector<ServedModel> models;
  std::string sync;          // "spin", "memop" or "event"; empty: the first that works
  bool graphs = true;        // CUDA graphs where ranks wait by spinning
  bool own_kernels = false;  // rather than cuBLASLt and cuDNN
  bool nccl = false;         // exchanges through NCCL, rather than group-free; whole GPUs only
  std::size_t communicators = 64;  // that NCCL keeps
  int states = 64;                 // requests' states that a rank can hold at once
  Jitter jitter;                   // of what only takes time
  std::vector<serve::Fault> faults;
  Duration patience = std::chrono::seconds(10);    // see ServeOptions
  std::function<void(const std::string&)> report;  // likewise
};

struct OpenedCuda {
  std::unique_ptr<Backend> backend;
  // What was found and chosen, for the provenance of results: "sync" -> "spin: ...".
  std::vector<std::pair<std::string, std::string>> facts;
};

// `catalog` outlives the backend. Throws ConfigError: another number of ranks than GPUs, or what
// does not fit into memory, before anything is allocated; CudaError, one line, where there is no
// GPU to run on.
OpenedCuda open_cuda(const Catalog& catalog, CudaOptions options);

}  // namespace regroup::cuda
