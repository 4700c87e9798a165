// One rank: a thread that computes, and one that sends states to other ranks.
#pragma once

#include <atomic>
#include <exception>
#include <memory>
#include <optional>
#include <thread>

#include "runtime/collectives/world.hpp"
#include "runtime/serve/command_queue.hpp"
#include "runtime/serve/fault.hpp"
#include "runtime/serve/rank_device.hpp"

namespace regroup::serve {

// What a rank tells the dispatcher. Called on the rank's threads.
class RankListener {
 public:
  virtual ~RankListener() = default;
  // This member is done with the run. `why`: empty, or how it failed.
  virtual void left(RankRun& run, int rank, const std::string& why) = 0;
  // The rank will not do anything any more.
  virtual void died(int rank) = 0;
  // Something no other rank can make good (its processor refuses): the whole run is to end with it.
  virtual void broke(std::exception_ptr error) = 0;
};

struct RankOptions {
  bool wait_for_overheads = false;  // dispatch, set-up and migration take what the model says
  Duration patience{};              // beyond what is expected, before a peer is given up
  std::vector<Fault> faults;        // of this rank
};

class Rank {
 public:
  // Starts the threads. All references must outlive it. `snapshots` is where leaders leave a copy
  // of every state they reach.
  Rank(int rank, Clock& clock, collectives::World& world, std::unique_ptr<RankDevice> device,
       StateStore& snapshots, RankListener& listener, RankOptions options);
  // The queues must have been told to stop, and the clock to wait for leaving.
  ~Rank();

  CommandQueue<RankRun*>& runs() { return runs_; }
  // Called by the dispatcher.
  void send(Put order);
  void stop();  // both threads end when they have done what is queued
  // Whether one is still waited for or under way.
  bool sending() const { return unsent_.load(std::memory_order_acquire) > 0; }
  StateStore& states() { return states_; }

 private:
  void serve();
  void serve_sends();
  // Runs either of them on a thread of its own.
  std::thread start(void (Rank::*body)());

  enum class End { kDone, kFailed, kDied };
  // `why` is set if it failed.
  End execute(RankRun& run, std::string& why);
  void wait_for_overheads(RankRun& run);
  bool receive_states(RankRun& run, std::string& why);
  bool prepare(const RunTask& task, std::string& why);
  bool step(RankRun& run, int member, int index, std::string& why);
  void commit(RankRun& run, bool leader);
  // Waits for all members. `expected`: how long that may take.
  bool barrier(const collectives::RankGroup& group, Duration expected, std::string& why);
  bool strikes(Fault::Kind kind);

  int rank_;
  Clock& clock_;
  collectives::World& world_;
  std::unique_ptr<RankDevice> device_;
  StateStore& snapshots_;
  RankListener& listener_;
  RankOptions options_;
  StateStore states_;
  CommandQueue<RankRun*> runs_;
  CommandQueue<std::optional<Put>> sends_;
  std::atomic<int> unsent_ = 0;
  std::vector<StateRef> next_;  // of the step under way, by task
  std::thread worker_, sender_;
};

}  // namespace regroup::serve
