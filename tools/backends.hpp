// What carries decisions out, made from the description of an experiment.
#pragma once

#include <memory>

#include "core/backend.hpp"
#include "core/catalog.hpp"
#include "core/summary_json.hpp"
#include "tools/experiment.hpp"

namespace regroup::tools {

struct OpenedBackend {
  std::unique_ptr<Backend> backend;
  ConfigBlock machine;  // what it found to run on, for the provenance of results
};

// By Experiment::on: "sim", "host" or "cuda". `catalog` must outlive the backend. Throws
// ConfigError for a flag that this backend does not know, and CudaError where there is no GPU to
// run on.
OpenedBackend open_backend(const Experiment& experiment, const Catalog& catalog);

}  // namespace regroup::tools
