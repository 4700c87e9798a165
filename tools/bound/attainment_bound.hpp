// The most requests of a trace that any schedule can finish in time.
#pragma once

#include <cstdint>
#include <span>

#include "core/jitter.hpp"
#include "core/request.hpp"
#include "sim/sim_backend.hpp"
#include "tools/bound/interval_flow.hpp"
#include "tools/experiment.hpp"

namespace regroup::tools {

struct BoundOptions {
  // The largest batch that a schedule may make; 0: any. Of smaller batches less is possible.
  int max_batch = 0;
  Jitter jitter{};
  std::vector<sim::Failure> failures{};
};

// Over all schedules: of any policy, also of one that knows the whole trace beforehand. Requests
// without a deadline are attained once they finish, so they count.
struct AttainmentBound {
  std::int64_t requests = 0;
  std::int64_t with_deadline = 0;
  std::int64_t too_late_alone = 0;  // of those: late even alone, on the fastest layouts
  Fit competing;                    // the others with a deadline, which share the GPUs
  int gpus = 0;

  // At most so many finish in time; as a share of all (1 if there are none); at least so many do
  // not.
  std::int64_t attained() const { return requests - with_deadline + competing.whole; }
  double attainment() const {
    return requests == 0 ? 1 : static_cast<double>(attained()) / static_cast<double>(requests);
  }
  std::int64_t violations() const { return requests - attained(); }
};

// A relaxation: every stage of a request becomes malleable and preemptive work, at the best
// efficiency that the request's own deadline permits, in its own window of time; hand-overs cost
// nothing. docs/bound.md states it and proves it. `requests` in any order. Throws nothing that the
// catalog does not.
AttainmentBound attainment_bound(std::span<const Request> requests, const Catalog& catalog,
                                 const BoundOptions& options = {});

// For the trace, cluster, calibrations, deadlines, jitter and failures of an experiment; its policy
// and backend are not looked at. Throws ConfigError as run() does.
AttainmentBound attainment_bound(const Experiment& experiment, int max_batch = 0);

}  // namespace regroup::tools
