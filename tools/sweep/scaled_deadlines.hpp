// Requests whose deadlines are a factor further away, whatever rule sets them.
#pragma once

#include "tools/experiment.hpp"

namespace regroup::tools {

// Changes the run's requests to have deadlines `scale` times as far from their arrivals as
// Experiment::slo says, and its rule to "trace". Scale 1 changes nothing. The run's cluster and
// costs must be set.
void scale_deadlines(Experiment& experiment, double scale);

}  // namespace regroup::tools
