// Carries out placements on several nodes, a process each.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/catalog.hpp"
#include "runtime/cluster/messages.hpp"
#include "runtime/cluster/transport.hpp"

namespace regroup::cluster {

struct ClusterOptions {
  // What all nodes have in common; their ranks and faults are filled in for each.
  NodeSpec node;
  std::vector<serve::Fault> faults;  // by GPU of the cluster
  // Told what went wrong, a line each time. On the caller's thread.
  std::function<void(const std::string&)> report;
};

// The controller. Cuts every placement into a part for each node that has members, tells those
// nodes, and puts together what they report.
//
// Time. Where it is virtual, a node's clock moves only when it is told to: always those nodes whose
// next instant is the earliest of all, so that nothing is ever launched in a node's past. The
// events are those of one process, at the same nanosecond and in the same order. On the machines'
// clocks, which differ, a node says how long ago something was.
//
// States lie in the nodes where they were made; when a request moves, its node is told to send
// them. Of what a request is to go on from at the end of each placement there is a copy here, for
// when the node is lost: then its GPUs are reported as failed, its runs as failed with no step
// done.
class ClusterBackend final : public Backend {
 public:
  // Tells the nodes what they are and waits until they are ready. ConfigError: not a process for
  // each node; SystemError: one of them cannot work, or is gone.
  ClusterBackend(const Catalog& catalog, Transport& transport, ClusterOptions options);

  void launch(const Launch& launch) override;
  void preempt(RunId run, const Group& group) override;
  std::optional<Event> next_event(TimePoint until) override;

 private:
  struct NodeView {
    std::uint32_t first = 0;  // of its GPUs
    int gpus = 0;
    bool gone = false;
    bool asked = false;  // and has not answered
    // Virtual clock: its last report.
    TimePoint next = kNever;
    bool settling = false;
  };
  struct Run {
    std::uint32_t slot = 0;  // of its launch
    Group group{};
    TimePoint launched{};
    std::vector<int> nodes{};    // the first has the first member
    std::vector<int> waiting{};  // of those, who have not ended their part
    std::vector<serve::RunTask> tasks{};
    bool failed = false;
    TimePoint ended{};
    int steps = 0;
    RunTimes times{};
    std::vector<PackedState> states{};  // at its end
  };
  struct Kept {
    PackedState snapshot;       // of the end of its latest run
    std::vector<int> nodes;     // that have the state it goes on from
    std::vector<int> may_have;  // that have been told nothing else
  };

  void start_nodes(const ClusterOptions& options);
  NodeView& node(int index) { return nodes_[static_cast<std::size_t>(index)]; }
  int node_of(GpuId gpu) const;
  void send(int to, const Message& message);

  TaskPart describe(const Task& task) const;
  void bring_state(const Task& task, int to, TaskPart& part);
  void settle_where(const Task& task, const std::vector<int>& nodes);

  std::optional<Event> next_virtual(TimePoint until);
  std::optional<Event> next_real(TimePoint until);
  TimePoint earliest() const;
  void advance(TimePoint at, TimePoint until);
  void settle();
  void await_reports();

  TimePoint real_now() const;
  bool take_mail(RealTime until);
  void take(int from, Report& report);
  void take_loss(int from, const std::string& how);
  void fail_gpu(GpuId gpu, TimePoint at);
  void end_part(int from, PartEnd end, TimePoint at);
  void finish(RunId id, Run& run);
  void add_event(const Event& event);
  Event take_event();

  const Catalog& catalog_;
  Transport& transport_;
  bool virtual_clock_;
  bool real_compute_;
  std::function<void(const std::string&)> report_;
  std::vector<NodeView> nodes_;
  std::vector<int> node_of_gpu_;
  std::vector<bool> dead_;  // by GPU

  RealTime start_{};
  TimePoint now_{};
  TimePoint earliest_{};       // of the next event, on the machines' clocks
  TimePoint instant_{};        // virtual: how far any node has come
  std::map<RunId, Run> runs_;  // under way
  std::deque<Event> events_;   // to be returned
  std::map<RequestId, Kept> kept_;
};

}  // namespace regroup::cluster
