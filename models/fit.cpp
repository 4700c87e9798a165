#include "models/fit.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <map>

#include "core/errors.hpp"
#include "models/layouts.hpp"
#include "models/model_costs.hpp"

namespace regroup::models {
namespace {

using Use = CalibrationStep::Use;

// Calls visit(calibration, card, index of the step) for every published step.
template <class Visit>
void for_each_step(const Library& library, Visit visit) {
  for (const Calibration& calibration : library.calibrations())
    for (std::size_t i = 0; i < calibration.steps.size(); ++i)
      visit(calibration, library.card(calibration.model), i);
}

// What a step of one GPU is made of, each part over the measured time: x solves rows . x = 1.
Eigen::Vector4d parts(const StepWork& work, const GpuKind& gpu, double seconds) {
  const double kept = 1.0 / work.ulysses;
  return Eigen::Vector4d(work.linear_flops / gpu.flops, work.attention_flops / gpu.flops,
                         work.all_to_alls, work.all_to_alls * work.all_to_all_bytes * (1 - kept)) /
         seconds;
}

}  // namespace

AnalyticConstants fit_analytic(const Library& library) {
  AnalyticConstants constants = library.analytic();
  std::map<std::string, std::vector<Eigen::Vector4d>> rows;
  double floors = 0;
  int floor_count = 0;
  for_each_step(library, [&](const Calibration& c, const ModelCard& card, std::size_t i) {
    const CalibrationStep& step = c.steps[i];
    if (step.use == Use::kFloor) {
      floors += step.seconds / card.blocks;
      ++floor_count;
    } else if (step.use == Use::kAnchor) {
      const StepWork work = step_work(card, step.shape, step.forwards, step.layout, 1);
      rows[c.gpu].push_back(parts(work, *library.gpu(c.gpu), step.seconds));
    }
  });
  RG_CHECK(floor_count > 0, "no row to set the floor with");
  constants.block_floor_s = floors / floor_count;

  for (const auto& [name, anchors] : rows) {
    const bool pcie = library.gpu(name)->collectives == "pcie";
    const Eigen::Index unknowns = pcie ? 4 : 2;
    Eigen::MatrixXd left(static_cast<Eigen::Index>(anchors.size()), unknowns);
    for (std::size_t i = 0; i < anchors.size(); ++i)
      left.row(static_cast<Eigen::Index>(i)) = anchors[i].head(unknowns).transpose();
    // The columns differ by many powers of ten; brought to one size they lose no digits.
    const Eigen::VectorXd scale = left.cwiseAbs().colwise().maxCoeff();
    const Eigen::VectorXd x = (left * scale.cwiseInverse().asDiagonal())
                                  .colPivHouseholderQr()
                                  .solve(Eigen::VectorXd::Ones(left.rows()))
                                  .cwiseQuotient(scale);
    for (AnalyticConstants::Efficiency& gpu : constants.gpus) {
      if (gpu.gpu != name && gpu.as != name) continue;
      gpu.linear = 1 / x[0];
      gpu.attention = 1 / x[1];
    }
    if (pcie) constants.pcie = {1 / x[3], x[2]};
  }
  return constants;
}

std::vector<StepError> step_errors(const Library& library) {
  std::vector<StepError> errors;
  for_each_step(library, [&](const Calibration& c, const ModelCard& card, std::size_t i) {
    const CalibrationStep& step = c.steps[i];
    const GpuKind& gpu = *library.gpu(c.gpu);
    ModelCosts costs(library, card, gpu, gpu.gpus_per_node);
    const auto analytic = [&](Shape shape, int forwards, Layout layout) {
      return costs.analytic_step(shape, forwards, layout, 1);
    };
    StepError error{card.name, gpu.name, step, std::nullopt, std::nullopt};
    if (step.use == Use::kTable || step.use == Use::kCheck)
      error.analytic = analytic(step.shape, step.forwards, step.layout) / step.seconds - 1;

    for (const Calibration& other : library.calibrations())
      if (other.model == c.model && other.gpu == c.gpu)
        costs.measured().add(other, 0, &other == &c ? std::optional(i) : std::nullopt);
    if (const auto rest = costs.measured().step(step.shape, step.forwards, step.layout, analytic))
      error.left_out = rest->seconds / step.seconds - 1;
    errors.push_back(std::move(error));
  });
  return errors;
}

double median_absolute(std::vector<double> errors) {
  for (double& error : errors) error = std::abs(error);
  std::sort(errors.begin(), errors.end());
  const std::size_t n = errors.size();
  return (errors[(n - 1) / 2] + errors[n / 2]) / 2;
}

std::string error_table(const std::vector<StepError>& errors) {
  struct Group {
    std::vector<double> analytic, left_out;
    const StepError* worst = nullptr;
  };
  std::map<std::pair<std::string, std::string>, Group> groups;
  Group all;
  for (const StepError& error : errors)
    for (Group* group : {&groups[{error.model, error.gpu}], &all}) {
      if (error.left_out) group->left_out.push_back(*error.left_out);
      if (!error.analytic) continue;
      group->analytic.push_back(*error.analytic);
      if (group->worst == nullptr || std::abs(*error.analytic) > std::abs(*group->worst->analytic))
        group->worst = &error;
    }

  std::string table =
      "| model | GPU | rows | analytic: median | worst | at | calibrated, row left out: median |\n"
      "|---|---|---:|---:|---:|---|---:|\n";
  const auto add = [&](const std::string& model, const std::string& gpu, const Group& group) {
    const auto median = [](const std::vector<double>& values) {
      return values.empty() ? std::string("-")
                            : fmt::format("{:.1f} %", 100 * median_absolute(values));
    };
    std::string worst = "-", at = "-";
    if (group.worst != nullptr) {
      const CalibrationStep& step = group.worst->step;
      worst = fmt::format("{:+.0f} %", 100 * *group.worst->analytic);
      at = fmt::format("{}x{}, {} frames, {}", step.shape.width, step.shape.height,
                       step.shape.frames, to_string(step.layout));
    }
    table +=
        fmt::format("| {} | {} | {} | {} | {} | {} | {} |\n", model, gpu, group.analytic.size(),
                    median(group.analytic), worst, at, median(group.left_out));
  };
  for (const auto& [name, group] : groups) add(name.first, name.second, group);
  add("**all**", "", all);
  return table;
}

}  // namespace regroup::models
