// What the cost model says of a run's requests: the yardstick for what became of them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include "models/platform.hpp"
#include "tools/compare/rerun.hpp"

namespace regroup::tools {

// Needs the trace and the cluster, which the folder of a run only names.
class RunCosts {
 public:
  // Throws ConfigError where they cannot be found, as rerun_of() does.
  RunCosts(const ResultFolder& folder, const RerunHints& hints);

  // The request alone on the idle cluster, as wide as is fastest.
  Duration alone(const RequestRow& request) const;
  // The share of a denoising step that is spent in collectives, by the analytic model: what is
  // measured does not tell them apart. 0 for one GPU.
  double collective_share(const RequestRow& request, Layout layout) const;

  int gpus() const;
  int gpus_per_node() const;

 private:
  double guidance_of(const RequestRow& request) const;

  std::unique_ptr<models::Platform> platform_;
  std::map<std::string, double> guidance_;  // by request
  mutable std::map<std::tuple<std::string, Shape, bool, int>, Duration> alone_;
  mutable std::map<std::tuple<std::string, Shape, int, Layout>, double> shares_;
};

}  // namespace regroup::tools
