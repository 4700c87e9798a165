// Where the gap between a simulated and a measured run comes from.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/compare/rerun.hpp"
#include "tools/compare/step_errors.hpp"

namespace regroup::tools {

// What is to be explained.
struct Level {
  double slo_violation_rate = 0;
  double latency_mean_s = 0;
  friend Level operator-(Level a, Level b) {
    return {a.slo_violation_rate - b.slo_violation_rate, a.latency_mean_s - b.latency_mean_s};
  }
};

// The same requests, simulated again with more and more of what was measured. The parts add up to
// measured - simulated:
//   cost model   the measured mean of every step and stage time instead of the predicted one
//   overheads    the measured mean dispatch and set-up times as well
//   the rest     what remains: other decisions, also those that a policy takes because it predicts
//                wrongly; migration, which calibrations do not hold; spread about the means
struct Attribution {
  // The simulation with one cell replaced, all else as predicted.
  struct CellEffect {
    CellError cell;
    Level effect;
  };

  Level simulated, with_steps, with_overheads, measured;
  std::vector<CellEffect> cells;       // by |measured - predicted|, largest first
  std::optional<CellError> most_time;  // the first of all cells, notable or not
  std::size_t cells_left_out = 0;
  bool setup_replaced = true;  // false: communicators have a table of their own

  Level cost_model() const { return with_steps - simulated; }
  Level overheads() const { return with_overheads - with_steps; }
  Level rest() const { return measured - with_overheads; }

  enum class Part { kNone, kCostModel, kOverheads, kRest };
  // The part with the largest share of the violation gap; of the latency gap if no part changes
  // violations.
  Part largest() const;
  // Whether any part changes violations.
  bool in_violations() const;
  // The cell whose replacement alone explains most: leaves the least of the cost model's part,
  // first of violations, then of latency. nullopt: none leaves less than there was.
  std::optional<CellEffect> main_cell() const;
  // For a cell that the cost model scaled from another: one that was calibrated and is off by as
  // much, which it therefore probably is scaled from.
  std::optional<CellError> inferred_from(const CellError& cell) const;
};

// Cells are replaced alone if their mean error is above this, and so many of them at most.
inline constexpr double kNotableError = 0.01;
inline constexpr std::size_t kMostCells = 12;

// `recorded` is what the simulated run says of itself. Simulates up to 3 + kMostCells times.
// Throws ConfigError if the first of them does not come out as recorded: then the run was described
// otherwise than its folder says.
Attribution attribute(const Rerun& rerun, const StepErrors& errors, Level recorded, Level measured);

}  // namespace regroup::tools
