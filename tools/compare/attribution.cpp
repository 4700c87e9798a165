#include "tools/compare/attribution.hpp"

#include <cmath>
#include <cstdlib>
#include <span>
#include <tuple>

#include "core/errors.hpp"
#include "tools/cost_table.hpp"

namespace regroup::tools {
namespace {

using Groups = models::PlatformOptions::Groups;

// A folder that goes with its object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "regroup-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr)
      fail<SystemError>("{}: cannot make a temporary folder", name);
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

Level simulate(const Experiment& experiment) {
  const Summary summary = run(experiment).summary;
  return {summary.slo_violation_rate, summary.latency_s.mean};
}

Level simulate_with(const Experiment& experiment, const CostTable& costs) {
  const TemporaryFolder folder;
  costs.write(folder.path());
  Experiment changed = experiment;
  changed.platform.costs = models::PlatformOptions::Costs::kBest;
  changed.platform.calibrations = {folder.path()};
  return simulate(changed);
}

// Sums of the same numbers in another order.
bool same(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= 1e-9 * std::max(1.0, std::abs(a));
}

// Violations first, then latency; to nine digits, so that rounding decides nothing.
std::pair<double, double> weight(const Level& level) {
  const auto size = [](double value) { return std::round(std::abs(value) * 1e9); };
  return {size(level.slo_violation_rate), size(level.latency_mean_s)};
}

}  // namespace

Attribution::Part Attribution::largest() const {
  Part largest = Part::kNone;
  std::pair<double, double> most;
  for (const auto& [part, level] :
       {std::pair(Part::kCostModel, cost_model()), std::pair(Part::kOverheads, overheads()),
        std::pair(Part::kRest, rest())}) {
    if (weight(level) <= most) continue;
    most = weight(level);
    largest = part;
  }
  return largest;
}

bool Attribution::in_violations() const {
  return weight(cost_model()).first > 0 || weight(overheads()).first > 0 ||
         weight(rest()).first > 0;
}

std::optional<Attribution::CellEffect> Attribution::main_cell() const {
  const CellEffect* main = nullptr;
  std::pair<double, double> least = weight(cost_model());
  for (const CellEffect& each : cells) {
    const std::pair<double, double> left = weight(cost_model() - each.effect);
    if (left >= least) continue;
    least = left;
    main = &each;
  }
  return main == nullptr ? std::nullopt : std::optional(*main);
}

std::optional<CellError> Attribution::inferred_from(const CellError& cell) const {
  constexpr double kAsMuch = 0.002;
  if (cell.source != "calibrated, scaled") return std::nullopt;
  for (const CellEffect& each : cells)
    if (each.cell.source == "calibrated" && each.cell.cell.model == cell.cell.model &&
        each.cell.cell.stage == cell.cell.stage &&
        std::abs(each.cell.error() - cell.error()) < kAsMuch)
      return each.cell;
  return std::nullopt;
}

Attribution attribute(const Rerun& rerun, const StepErrors& errors, Level recorded,
                      Level measured) {
  Attribution result;
  result.measured = measured;
  result.simulated = simulate(rerun.experiment);
  if (!same(result.simulated.slo_violation_rate, recorded.slo_violation_rate) ||
      !same(result.simulated.latency_mean_s, recorded.latency_mean_s))
    fail<ConfigError>(
        "the simulation does not come out again: {:.2f} % violations and a mean latency of {:.3f} "
        "s, recorded are {:.2f} % and {:.3f} s; give the --calibration, --cluster, --fail and "
        "--no-memory-check that it was made with",
        100 * result.simulated.slo_violation_rate, result.simulated.latency_mean_s,
        100 * recorded.slo_violation_rate, recorded.latency_mean_s);

  models::Platform platform(rerun.experiment.platform);
  const CostTable predicted(platform, rerun.requests);
  CostTable costs = predicted;
  costs.replace(errors.cells);
  result.with_steps = simulate_with(rerun.experiment, costs);
  costs.replace_overheads(errors);
  result.with_overheads = simulate_with(rerun.experiment, costs);
  result.setup_replaced = rerun.experiment.platform.groups == Groups::kGroupFree;

  if (!errors.cells.empty()) result.most_time = errors.cells.front();
  for (const CellError& cell : errors.cells) {
    if (std::abs(cell.error()) <= kNotableError) continue;
    if (result.cells.size() == kMostCells) {
      ++result.cells_left_out;
      continue;
    }
    CostTable one = predicted;
    one.replace(std::span(&cell, 1));
    result.cells.push_back({cell, simulate_with(rerun.experiment, one) - result.simulated});
  }
  return result;
}

}  // namespace regroup::tools
