// Where a request's time went, and why it was late.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/report/run_costs.hpp"
#include "tools/report/run_facts.hpp"

namespace regroup::tools {

// The reason that weighs most, in seconds; what is shown first.
enum class Reason {
  kDoomed,    // even alone and as wide as is fastest, it would have been late
  kRejected,  // by the policy
  kWaited,    // it did not run
  kNarrow,    // it ran on fewer GPUs than would be fastest
  kMoved,     // dispatch, set-up of groups and migration
  kLost,      // what GPUs did that failed before the end
  kUnknown,   // it ran as well as it could, or the costs are not known here
};
const char* text_of(Reason reason);  // "waited"

// Of the time from arrival to end; the parts add up to it. Where a request has several tasks at a
// time, time counts once.
struct RequestStory {
  std::size_t request = 0;  // position
  double latency_s = 0;     // until it finished, was rejected, or the run ended
  double waiting_s = 0, moving_s = 0, lost_s = 0, running_s = 0;
  std::optional<double> alone_s;     // running_s at best
  std::optional<double> lateness_s;  // end - deadline; negative: to spare; empty: no deadline
  int runs = 0, moves = 0, preemptions = 0;
  int narrowest = 0, widest = 0;  // of all its runs
  Reason reason = Reason::kUnknown;
};

// Of every request, by position. `costs` may be null.
std::vector<RequestStory> stories_of(const RunFacts& facts, const RunCosts* costs);

// The positions of the `count` worst: by lateness, then latency; where no request has a deadline,
// by latency.
std::vector<std::size_t> worst_of(const std::vector<RequestStory>& stories, std::size_t count);

}  // namespace regroup::tools
