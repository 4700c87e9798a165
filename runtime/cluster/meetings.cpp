#include "runtime/cluster/meetings.hpp"

namespace regroup::cluster {

Meetings::Outcome Meetings::meet(RunId run, int boundary, std::span<const int> nodes, bool leads,
                                 bool stop, TimePoint deadline) {
  if (!leads) send_(nodes.front(), Boundary{run, boundary, false});
  {
    std::unique_lock lock(monitor_.mutex);
    const std::size_t needed = leads ? nodes.size() - 1 : 1;
    Heard& heard = heard_[{run, boundary}];
    while (heard.count < needed)
      if (!clock_.wait(monitor_, lock, deadline)) return Outcome::kAlone;
    if (!leads) stop = heard.stop;
    heard_.erase({run, boundary});
  }
  if (leads)
    for (const int other : nodes.subspan(1)) send_(other, Boundary{run, boundary, stop});
  return stop ? Outcome::kStop : Outcome::kGoOn;
}

void Meetings::take(const Boundary& message) {
  const std::lock_guard lock(monitor_.mutex);
  Heard& heard = heard_[{message.run, message.boundary}];
  ++heard.count;
  heard.stop = message.stop;
  clock_.notify(monitor_);
}

void Meetings::forget(RunId run) {
  const std::lock_guard lock(monitor_.mutex);
  std::erase_if(heard_, [&](const auto& each) { return each.first.first == run; });
}

}  // namespace regroup::cluster
