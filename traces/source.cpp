#include "traces/source.hpp"

#include <cmath>

#include "core/errors.hpp"
#include "traces/line_reader.hpp"

namespace regroup::traces {

Resolved resolve(const Reader& reader, const Record& record, Catalog& catalog) {
  const std::optional<ModelId> model = catalog.find_model(record.model);
  if (!model) {
    fail<ConfigError>("{}: model {} has no card", reader.where(record), shown(record.model));
  }
  try {
    return {*model, catalog.intern(*model, record.shape, record.guidance)};
  } catch (const ConfigError& error) {
    fail<ConfigError>("{}: {}", reader.where(record), error.what());
  }
}

TraceSource::TraceSource(std::unique_ptr<Reader> reader, Catalog& catalog,
                         NameTable<ClassId>& classes, SourceOptions options)
    : reader_(std::move(reader)),
      catalog_(catalog),
      classes_(classes),
      options_(std::move(options)) {
  if (options_.steps && *options_.steps < 1) {
    fail<ConfigError>("trace: steps is {}; allowed: at least 1", *options_.steps);
  }
  if (!(options_.rate_scale > 0 && options_.rate_scale <= 1e6)) {
    fail<ConfigError>("trace: rate scale is {}; allowed: above 0, at most 1e6",
                      options_.rate_scale);
  }
}

bool TraceSource::next(Request& request) {
  if (options_.limit > 0 && given_ == options_.limit) return false;
  if (!reader_->next(record_)) return false;
  const Resolved resolved = resolve(*reader_, record_, catalog_);

  request.id = RequestId{given_++};
  request.label = record_.id;
  // At rate 1 the arrival stays what the trace says, to the nanosecond.
  request.arrival =
      options_.rate_scale == 1
          ? record_.arrival
          : TimePoint(from_seconds(to_seconds(record_.arrival) / options_.rate_scale));
  request.model = resolved.model;
  request.shape_id = resolved.shape;
  request.shape = record_.shape;
  request.steps = options_.steps.value_or(record_.steps);
  request.guidance = record_.guidance;
  request.request_class =
      classes_.intern(record_.request_class.empty() ? kDefaultClass : record_.request_class);
  request.priority = record_.priority;
  request.deadline = deadline(request, record_);
  return true;
}

TimePoint TraceSource::deadline(const Request& request, const Record& record) {
  if (options_.slo.from_trace()) {
    return record.deadline ? request.arrival + (*record.deadline - record.arrival) : kNever;
  }
  const auto key = std::tuple(request.shape_id, request.steps, request.request_class);
  auto known = allowances_.find(key);
  if (known == allowances_.end()) {
    try {
      const std::string& name = classes_.name(request.request_class);
      known = allowances_.emplace(key, options_.slo.allowance(request, name, catalog_)).first;
    } catch (const ConfigError& error) {
      fail<ConfigError>("{}: {}", reader_->where(record), error.what());
    }
  }
  return known->second ? request.arrival + *known->second : kNever;
}

}  // namespace regroup::traces
