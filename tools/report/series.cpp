#include "tools/report/series.hpp"

#include <algorithm>

namespace regroup::tools {
namespace {

struct Change {
  TimePoint at{};
  int waiting = 0;
  int busy = 0;
};

// A request with several tasks at a time waits only while none of them runs.
void add_request(std::vector<Change>& changes, TimePoint arrival, TimePoint gone,
                 std::vector<std::pair<TimePoint, TimePoint>>& running) {
  std::ranges::sort(running);
  TimePoint waits_from = arrival;
  for (const auto& [from, to] : running) {
    if (from > waits_from) {
      changes.push_back({waits_from, 1, 0});
      changes.push_back({from, -1, 0});
    }
    waits_from = std::max(waits_from, to);
  }
  if (gone > waits_from) {
    changes.push_back({waits_from, 1, 0});
    changes.push_back({gone, -1, 0});
  }
}

std::vector<Change> changes_of(const RunFacts& facts) {
  std::vector<Change> changes;
  std::vector<std::vector<std::pair<TimePoint, TimePoint>>> running(facts.requests().size());
  for (const Placement& each : facts.placements) {
    const int width = static_cast<int>(each.group.size());
    changes.push_back({each.launched, 0, width});
    changes.push_back({each.ended, 0, -width});
    for (const std::size_t request : each.requests)
      running[request].emplace_back(each.launched, each.ended);
  }
  for (std::size_t i = 0; i < running.size(); ++i)
    add_request(changes, facts.requests()[i].arrival, facts.gone[i], running[i]);
  std::ranges::sort(changes, {}, &Change::at);
  return changes;
}

}  // namespace

Series series_of(const RunFacts& facts, std::size_t intervals) {
  Series series;
  const double span_s = to_seconds(facts.end - facts.begin);
  if (span_s <= 0 || intervals == 0) return series;
  series.step_s = span_s / static_cast<double>(intervals);
  series.waiting.resize(intervals);
  series.most_waiting.resize(intervals);
  series.utilisation.resize(intervals);

  std::size_t interval = 0;
  double from_s = 0;
  int waiting = 0, busy = 0;
  const auto advance = [&](double to_s) {
    while (from_s < to_s && interval < intervals) {
      const double edge_s = series.step_s * static_cast<double>(interval + 1);
      const double until_s = std::min(edge_s, to_s);
      const double share = std::max(until_s - from_s, 0.0) / series.step_s;
      series.waiting[interval] += share * waiting;
      series.utilisation[interval] += share * busy / std::max(facts.gpus, 1);
      series.most_waiting[interval] =
          std::max(series.most_waiting[interval], static_cast<double>(waiting));
      from_s = until_s;
      if (until_s >= edge_s) ++interval;
    }
  };
  const std::vector<Change> changes = changes_of(facts);
  for (const Change& change : changes) {
    advance(to_seconds(change.at - facts.begin));
    waiting += change.waiting;
    busy += change.busy;
  }
  advance(span_s);
  return series;
}

}  // namespace regroup::tools
