// Where the requests of a cell come from.
#pragma once

#include <filesystem>
#include <string>
#include <variant>

#include "models/json.hpp"
#include "tools/experiment.hpp"
#include "traces/generate.hpp"

namespace regroup::tools {

// One entry of "workloads": a trace file, a recipe of `regroup trace generate`, or a workload of
// `regroup bench policies`.
class SweepWorkload {
 public:
  // A relative path is one from `folder`, that of the specification; whether a file is there is not
  // looked at. Throws ConfigError naming file and key.
  static SweepWorkload parse(const models::Json& json, const std::filesystem::path& folder);

  // Of its own ("name"), or made of what it is: "flux_mixed_8gpu.csv", "tetriserve-uniform".
  const std::string& name() const { return name_; }
  // The file it is read from; empty: none.
  const std::string& file() const;
  // Whether a seed changes its requests.
  bool drawn() const { return file().empty(); }
  // Whether a load is the share of what the cluster can do, not a factor on a rate of its own.
  bool load_is_relative() const { return std::holds_alternative<Published>(kind_); }

  // Gives a run its requests: those of this seed, at this load, with deadlines `slo_scale` times as
  // far from their arrivals. The run's cluster, costs and seed must be set. The same arguments give
  // the same requests, whatever the policy.
  void apply(Experiment& experiment, double load, double slo_scale) const;

 private:
  struct File {
    std::string path, model;
  };
  struct Published {
    std::string name;
  };
  static std::variant<traces::ArrivalOptions, traces::GfDitOptions> recipe(const models::Json& json,
                                                                           const std::string& name);

  std::string name_;
  std::string slo_ = "trace";
  std::optional<int> steps_;
  std::uint64_t limit_ = 0;
  std::variant<File, traces::ArrivalOptions, traces::GfDitOptions, Published> kind_;
};

}  // namespace regroup::tools
