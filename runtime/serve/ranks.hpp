// The ranks of one process, and what every dispatcher of theirs does for a run: states, queues, who
// has left, and the recovery after a failure.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

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

// What a task goes on from.
struct TaskState {
  bool needed = false;  // else it begins
  Group holders;        // ranks that may have it; where none has, the copy in snapshots() is used
};

// What ranks have told since it was asked last.
struct RankNews {
  std::vector<std::unique_ptr<RankRun>> ended;  // well, in the order of launching
  std::vector<std::string> said;                // what went wrong, a line each
};

// Used by one thread, the dispatcher, which made the clock; but for ring().
class Ranks final : private RankListener {
 public:
  // The clock must outlive it. ConfigError: more than kMaxRanks.
  Ranks(int count, Clock& clock, const ServeOptions& options);
  // Runs that are under way (an error ended the loop) stop at their next boundary.
  ~Ranks() override;

  // Forms the group of the run, orders the states its tasks lack to be put to its members, lets
  // other holders forget them, and appends the run to all members' queues. A GpuId is a rank here;
  // `states` is by task. SystemError: the states do not fit into a window.
  void launch(std::unique_ptr<RankRun> run, std::span<const TaskState> states);
  RankRun* find(RunId run);  // nullptr: not under way
  bool idle() const { return runs_.empty(); }

  // Throws what a rank could not make good.
  RankNews news();
  // Returns when there may be news, or at `until`, or after ring(). False: nothing can happen.
  bool wait(TimePoint until);
  void ring();  // any thread

  // After a failure all runs are told to stop at their next boundary. When nobody is in one any
  // more, and nobody sends(), rearm() makes the ranks as new and hands out the runs, which all have
  // failed.
  bool recovering() const { return recovering_; }
  bool all_left() const;
  bool sending() const;  // a put whose receiver has died ends at its deadline; nobody tells of it
  std::vector<std::unique_ptr<RankRun>> rearm();
  std::vector<int> dead() const;

  // Whether that rank lives and the task, with so many steps more, can go on from what it has.
  bool has(int rank, const RunTask& task, int steps = 0);
  // Copies that leaders leave of every state they reach; a dispatcher may add others.
  StateStore& snapshots() { return snapshots_; }
  void forget(RequestId request);  // at every rank

 private:
  struct Departure {
    RankRun* run;
    TimePoint at;
    std::string why;
  };

  void left(RankRun& run, int rank, const std::string& why) override;
  void died(int rank) override;
  void broke(std::exception_ptr error) override;

  Rank& rank(int number) { return *ranks_[static_cast<std::size_t>(number)]; }
  void bring_state(const RankRun& run, const Group& holders, RunTask& task);
  void depart(const Departure& departure, RankNews& news);

  Clock& clock_;
  std::uint64_t window_bytes_;
  std::function<void()> rearm_;
  collectives::World world_;
  std::vector<bool> dead_;
  std::uint64_t next_group_ = 1;  // the piece of work a group is formed for
  std::map<RunId, std::unique_ptr<RankRun>> runs_;
  bool recovering_ = false;

  Monitor monitor_;  // guards what others tell:
  std::vector<Departure> departures_;
  std::vector<int> newly_dead_;
  std::exception_ptr broken_;  // the first
  bool rung_ = false;

  StateStore snapshots_;

  std::vector<std::unique_ptr<Rank>> ranks_;  // last: their threads use all of the above
};

}  // namespace regroup::serve
