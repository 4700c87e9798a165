// Carries out placements on ranks of this machine, one for each GPU of the cluster.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "core/catalog.hpp"
#include "runtime/serve/ranks.hpp"

namespace regroup::serve {

// The real runtime: a dispatcher (the thread of the control loop), a bounded queue and a worker
// thread a rank, group-free collectives between them, states that move by one-sided puts. One total
// order: a placement is appended to all its members' queues before the next one is looked at, so
// overlapping groups cannot wait for each other in a circle.
//
// On the machine's clock dispatch, set-up and migration take what they take; where it is virtual
// they take what the cost model says.
//
// After a failure (a rank that died, disagrees or holds a wrong state) all runs of that moment
// fail, the world is armed again, and every request goes on from its last step; dead ranks are
// reported as failed GPUs.
class RankBackend : public Backend {
 public:
  // ConfigError: more GPUs than kMaxRanks ranks.
  RankBackend(const Catalog& catalog, ServeOptions options);

  void launch(const Launch& launch) override;
  void preempt(RunId run, const Group& group) override;
  std::optional<Event> next_event(TimePoint until) override;

 private:
  RunTask describe(const Task& task) const;
  void take_in_news();
  void recover();
  int kept_steps(const RankRun& run);
  void add_event(Event event);
  void end_run(const RankRun& run, Event::Kind kind);

  const Catalog& catalog_;
  bool virtual_clock_;
  std::function<void(const std::string&)> report_;
  std::deque<Event> events_;  // to be returned
  TimePoint now_{};
  TimePoint earliest_{};  // of the next event
  std::unique_ptr<Clock> clock_;
  Ranks ranks_;
};

}  // namespace regroup::serve
