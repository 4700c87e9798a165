// One run, from its description to its results: what `replay`, `policy check` and the tests share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <istream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/metrics.hpp"
#include "models/platform.hpp"
#include "runtime/serve/fault.hpp"
#include "sim/sim_backend.hpp"
#include "tools/gpu/gpu_options.hpp"
#include "traces/reader.hpp"
#include "traces/source.hpp"

namespace regroup::cluster {
class Transport;
}

namespace regroup::tools {

struct Experiment {
  std::string trace;          // a file of any format that traces/ knows
  std::string default_model;  // for files that name none
  // Instead of a file: makes the workload; called more than once.
  std::function<std::unique_ptr<traces::Reader>()> workload;
  // The models of the requests, all that occur, by the names of their cards. Empty: not known, and
  // all requests are made or read once more beforehand to find out.
  std::vector<std::string> models;
  std::string cluster = "8xH100";
  std::string policy;  // a built-in name, or the path of a .so
  std::map<std::string, std::string> params;
  // The backend: "sim", "host", "cuda", or "journal:FILE" (as recorded, every decision compared).
  std::string on = "sim";
  bool wall_clock = false;           // host: the machine's clock instead of a virtual one
  bool real_compute = false;         // host: small transformers instead of waiting; cuda: large
  std::vector<serve::Fault> faults;  // host, cuda
  GpuOptions gpu;                    // cuda
  // host: where the nodes are processes of a job, the controller's end; see cluster/job.hpp.
  cluster::Transport* processes = nullptr;
  std::uint64_t seed = 0;

  std::string slo = "trace";
  std::optional<int> steps;
  double rate_scale = 1;
  std::uint64_t limit = 0;  // 0: none

  models::PlatformOptions platform;  // `cluster` and `models` are filled in by run()
  double jitter = 0;
  std::vector<sim::Failure> failures;

  std::filesystem::path out;  // empty: no files
  bool tasks = true;
  bool timeline = true;
  std::uint64_t timeline_sample = 1;  // draws only every so many requests
  bool journal = true;
  std::vector<Observer*> observers;  // beside our own
  // The same in memory, if set: where the journal goes, as the bytes of the file, and the one to
  // replay instead of `on`.
  std::string* journal_bytes = nullptr;
  std::istream* recording = nullptr;
};

// How long the policy thought, on this machine's clock. Not part of the results.
struct DecisionTimes {
  std::uint64_t calls = 0;
  double mean_us = 0;
  double p50_us = 0;
  double p99_us = 0;
  double p999_us = 0;
  double max_us = 0;
};

struct Outcome {
  Summary summary;
  std::string policy;                    // its own name
  std::uint64_t decisions_compared = 0;  // with journal:FILE
  bool any_deadline = false;
  DecisionTimes decision_times;
  double wall_s = 0;
};

// Its requests as they are written, from the first on.
std::unique_ptr<traces::Reader> open_requests(const Experiment& experiment);
// What becomes of them. Throws ConfigError for an SLO rule that there is not.
traces::SourceOptions source_options(const Experiment& experiment);
// What it runs on, with the models that occur in its requests, as their weights take memory. Throws
// ConfigError for a request that no model can make; where memory is not checked, the run does.
models::PlatformOptions platform_of(const Experiment& experiment);

// Throws what can end a run: ConfigError, SystemError, PolicyError, JournalMismatch.
Outcome run(const Experiment& experiment);

// The run's name in tables: the policy and its parameters, "fcfs degree=4".
std::string run_name(const Experiment& experiment);

// "GPU@SECONDS" or "GPU@SECONDS:REPAIRED_SECONDS". Throws ConfigError.
sim::Failure parse_failure(const std::string& text);

}  // namespace regroup::tools
