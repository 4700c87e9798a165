// Runs a policy on a backend.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "core/decision_checker.hpp"
#include "core/policy_handle.hpp"
#include "core/world.hpp"

namespace regroup {

// What a run is made of. Everything must outlive the loop; there may be no observers.
struct LoopParts {
  Backend& backend;
  PolicyHandle& policy;
  Catalog& catalog;
  RequestSource& requests;
  const NameTable<ClassId>& classes;
  std::vector<Observer*> observers;
};

// Owns every request from arrival to end: takes in events, arrivals and wakes of one instant, asks
// the policy, checks its answer, tells the backend. It cannot find out whether the backend is
// simulated. One thread.
//
// At one instant, in this order: backend events (as the backend orders them), arrivals (trace
// order), wakes; then one decide(); then its decisions in the order made.
class ControlLoop {
 public:
  explicit ControlLoop(LoopParts parts);

  // Returns when every request has ended. Throws PolicyError when the policy breaks its contract,
  // or when nothing can happen any more and tasks wait. If every GPU has failed for good, the
  // requests left end unfinished.
  void run();

 private:
  bool more_to_come() const;
  bool take_in_events();
  bool take_in_event(TimePoint until);
  void take_in(const Event& event);
  void take_in_arrivals();
  void take_in_wakes();
  void read_next_request();

  void end_run(const Event& event);
  void end_stage(LiveTask& task);
  void end_request(LiveRequest& live, RequestOutcome::End end);
  void account(const LiveRun& run, const Event& event);

  void ask();
  void apply(const Decision& decision);
  void place(const Decision& decision);
  // Notes in its outcome that a task is launched. Gives the time that its state takes to move.
  Duration note_launch(const Task& task, const Launch& launch);
  bool runs_ahead(const Launch& launch) const;
  [[noreturn]] void stalled() const;

  template <class Call>
  void tell(Call call) {
    for (Observer* observer : parts_.observers) call(*observer);
  }

  // A policy that only ever asks to be woken is stalled too, after this many times.
  static constexpr int kMaxIdleWakes = 100'000;

  LoopParts parts_;
  World world_;
  DecisionChecker checker_;
  struct Freed {
    TimePoint at = kNever;
    bool request_ended = false;  // with its last stage
  };
  Pinning pinning_;           // as the semantics of the run have it
  Duration dispatch_;         // CostModel::dispatch: the same throughout a run
  std::vector<Freed> freed_;  // by GPU: by the end of its latest run
  std::optional<Request> next_request_;
  std::set<TimePoint> wakes_;
  std::uint64_t next_run_ = 0;
  int idle_wakes_ = 0;
};

}  // namespace regroup
