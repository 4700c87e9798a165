#include "tools/sweep/scaled_deadlines.hpp"

#include <utility>

#include "core/names.hpp"
#include "traces/source.hpp"

namespace regroup::tools {
namespace {

Duration scaled(Duration allowance, double scale) {
  return from_seconds(to_seconds(allowance) * scale);
}

// Asks the rule for every record. A rule's answer depends on model, shape, steps and class only.
class ScaledDeadlines final : public traces::Reader {
 public:
  ScaledDeadlines(const Experiment& experiment, double scale)
      : inner_(open_requests(experiment)),
        rule_(traces::SloRule::parse(experiment.slo)),
        steps_(experiment.steps),
        scale_(scale) {
    if (rule_.from_trace()) return;
    models::PlatformOptions options = experiment.platform;
    options.cluster = experiment.cluster;
    platform_ = std::make_unique<models::Platform>(options);
  }

  bool next(traces::Record& record) override {
    if (!inner_->next(record)) return false;
    const std::optional<Duration> allowance = allowance_of(record);
    if (allowance)
      record.deadline = record.arrival + scaled(*allowance, scale_);
    else
      record.deadline.reset();
    return true;
  }

  std::string where(const traces::Record& record) const override { return inner_->where(record); }

 private:
  std::optional<Duration> allowance_of(const traces::Record& record) {
    if (rule_.from_trace()) {
      if (!record.deadline) return std::nullopt;
      return *record.deadline - record.arrival;
    }
    const traces::Resolved resolved = traces::resolve(*inner_, record, *platform_);
    Request request;
    request.model = resolved.model;
    request.shape_id = resolved.shape;
    request.shape = record.shape;
    request.steps = steps_.value_or(record.steps);
    request.guidance = record.guidance;
    const std::string& name =
        record.request_class.empty() ? std::string(traces::kDefaultClass) : record.request_class;
    return rule_.allowance(request, name, *platform_);
  }

  std::unique_ptr<traces::Reader> inner_;
  traces::SloRule rule_;
  std::optional<int> steps_;
  double scale_;
  std::unique_ptr<models::Platform> platform_;  // null where the trace has the deadlines
};

}  // namespace

void scale_deadlines(Experiment& experiment, double scale) {
  if (scale == 1) return;
  experiment.workload = [plain = experiment, scale] {
    return std::make_unique<ScaledDeadlines>(plain, scale);
  };
  experiment.slo = "trace";
}

}  // namespace regroup::tools
