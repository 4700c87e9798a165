#include "tools/report/run_costs.hpp"

#include "models/cluster.hpp"
#include "models/library.hpp"

namespace regroup::tools {

RunCosts::RunCosts(const ResultFolder& folder, const RerunHints& hints) {
  const Rerun rerun = rerun_of(folder, hints);
  platform_ = std::make_unique<models::Platform>(rerun.experiment.platform);
  for (const traces::Record& record : rerun.requests) guidance_.emplace(record.id, record.guidance);
}

double RunCosts::guidance_of(const RequestRow& request) const { return guidance_.at(request.id); }

Duration RunCosts::alone(const RequestRow& request) const {
  const double guidance = guidance_of(request);
  const auto key = std::tuple(request.model, request.shape, guidance > 1, request.steps);
  const auto known = alone_.find(key);
  if (known != alone_.end()) return known->second;
  const ModelId model = platform_->find_model(request.model).value();
  const ShapeId shape = platform_->intern(model, request.shape, guidance);
  return alone_[key] = platform_->standalone(shape, request.steps, gpus());
}

double RunCosts::collective_share(const RequestRow& request, Layout layout) const {
  if (layout.size() == 1) return 0;
  const models::Library& library = models::Library::builtin();
  const models::ModelCard& card = library.card(request.model);
  const int forwards = card.forwards(guidance_of(request));
  const auto key = std::tuple(request.model, request.shape, forwards, layout);
  const auto known = shares_.find(key);
  if (known != shares_.end()) return known->second;
  const models::GpuKind& gpu = platform_->cluster().gpu();
  const models::AnalyticCosts costs(gpu, library.analytic(),
                                    library.collectives(gpu, gpus_per_node()));
  const models::StepWork work = models::step_work(card, request.shape, forwards, layout, 1);
  return shares_[key] = costs.communication(work) / costs.step(work);
}

int RunCosts::gpus() const { return static_cast<int>(platform_->gpus().size()); }
int RunCosts::gpus_per_node() const { return platform_->cluster().largest_node(); }

}  // namespace regroup::tools
