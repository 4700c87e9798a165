// The data of a run as its page reads them.
#pragma once

#include <string>

#include "tools/report/run_costs.hpp"
#include "tools/report/run_facts.hpp"

namespace regroup::tools {

struct RunJsonOptions {
  // Of the schedule, at most so many placements: the first ones. The rest of the page is about the
  // whole run.
  std::size_t most_placements = 200'000;
};

// A JSON object; tools/report/page/run.js says what is in it. `costs` may be null: then the page
// does not say what is possible.
std::string run_json(const RunFacts& facts, const RunCosts* costs,
                     const RunJsonOptions& options = {});

}  // namespace regroup::tools
