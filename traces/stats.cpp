#include "traces/stats.hpp"

#include <cmath>

#include "traces/source.hpp"

namespace regroup::traces {

TraceStats measure(Reader& reader, Catalog* catalog) {
  TraceStats stats;
  double work_gpu_s = 0;
  double squares = 0;  // of the gaps' distances from their mean (Welford 1962)
  for (Record record; reader.next(record);) {
    if (stats.requests == 0) {
      stats.first_arrival = record.arrival;
    } else {
      const double gap_s = to_seconds(record.arrival - stats.last_arrival);
      const double from_old_mean = gap_s - stats.gap_mean_s;
      stats.gap_mean_s += from_old_mean / static_cast<double>(stats.requests);
      squares += from_old_mean * (gap_s - stats.gap_mean_s);
    }
    ++stats.requests;
    stats.last_arrival = record.arrival;
    if (record.deadline) ++stats.with_deadline;
    ++stats.by_class[record.request_class];
    ++stats.by_model[record.model];
    ++stats.by_shape[record.shape];
    ++stats.by_steps[record.steps];
    if (catalog != nullptr) {
      const Resolved resolved = resolve(reader, record, *catalog);
      work_gpu_s += to_seconds(catalog->standalone(resolved.shape, record.steps, 1));
    }
  }
  if (stats.gap_mean_s > 0) {
    const double variance = squares / static_cast<double>(stats.requests - 1);
    stats.gap_cv = std::sqrt(variance) / stats.gap_mean_s;
    stats.rate_per_s = 1 / stats.gap_mean_s;
  }
  if (catalog != nullptr) {
    stats.work_gpu_s = work_gpu_s;
    const double requests = static_cast<double>(stats.requests);
    stats.offered_load_gpus = requests > 0 ? work_gpu_s / requests * stats.rate_per_s : 0;
  }
  return stats;
}

}  // namespace regroup::traces
