// Carries out placements on ranks of this machine, one for each GPU of the cluster.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/catalog.hpp"
#include "runtime/serve/rank.hpp"

namespace regroup::serve {

struct ServeOptions {
  bool virtual_clock = true;  // else the machine's
  std::vector<Fault> faults;
  // Makes what the rank of that number computes with. `world` is that of the ranks' threads.
  std::function<std::unique_ptr<RankDevice>(int rank, Clock& clock, collectives::World& world)>
      device;
  // Called after a failure when no rank is inside an operation: all is to be as new. The ranks'
  // own world is armed again already. May be empty.
  std::function<void()> rearm;
  std::uint64_t slot_bytes = 4096;       // of that world: the largest shard of a collective
  std::uint64_t window_bytes = 1 << 16;  // the states that one run brings to a rank
  bool puts_in_world = true;             // they travel through that world's windows; else elsewhere
  // How much longer than expected a rank waits for its peers before it gives them up.
  Duration patience = std::chrono::seconds(5);
  // Told what went wrong, a line each time. On the caller's thread.
  std::function<void(const std::string&)> report;
};

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
class RankBackend : public Backend, private RankListener {
 public:
  // ConfigError: more GPUs than kMaxRanks ranks.
  RankBackend(const Catalog& catalog, ServeOptions options);
  ~RankBackend() override;

  TimePoint now() const override { return now_; }
  void launch(const Launch& launch) override;
  void preempt(RunId run) override;
  std::optional<Event> next_event(TimePoint until) override;

 private:
  struct Departure {
    RankRun* run;
    TimePoint at;
    std::string why;
  };

  void left(RankRun& run, int rank, const std::string& why) override;
  void died(int rank) override;
  void broke(std::exception_ptr error) override;

  RunTask describe(const Task& task, const Group& group, std::uint64_t& offset);
  void send_state(const Task& task, const Group& group, RunTask& item);
  void take_in_departures();
  void recover();
  void wait_for_senders();
  int kept_steps(const RankRun& run);
  void add_event(Event event);
  void end_run(RankRun& run, Event::Kind kind);

  const Catalog& catalog_;
  ServeOptions options_;
  std::unique_ptr<Clock> clock_;
  collectives::World world_;
  std::vector<bool> dead_;
  std::uint64_t next_group_ = 1;  // the piece of work a group is formed for

  std::map<RunId, std::unique_ptr<RankRun>> runs_;  // under way
  std::deque<Event> events_;                        // to be returned
  TimePoint now_{};
  TimePoint earliest_{};  // of the next event
  bool recovering_ = false;

  Monitor monitor_;  // guards what ranks tell:
  std::vector<Departure> departures_;
  std::vector<int> newly_dead_;
  std::exception_ptr broken_;  // the first

  StateStore snapshots_;  // what a request goes on from when all ranks that had its state died

  std::vector<std::unique_ptr<Rank>> ranks_;  // last: their threads use all of the above
};

}  // namespace regroup::serve
