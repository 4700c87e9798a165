#include "runtime/cluster/cluster_backend.hpp"

#include <algorithm>

#include "core/errors.hpp"
#include "runtime/collectives/rank_group.hpp"

namespace regroup::cluster {
namespace {

template <class T>
bool contains(const std::vector<T>& all, const T& one) {
  return std::ranges::find(all, one) != all.end();
}

}  // namespace

ClusterBackend::ClusterBackend(const Catalog& catalog, Transport& transport, ClusterOptions options)
    : catalog_(catalog),
      transport_(transport),
      virtual_clock_(options.node.virtual_clock),
      real_compute_(options.node.real_compute),
      report_(std::move(options.report)),
      dead_(catalog.gpus().size()) {
  for (const Node& each : catalog.nodes()) {
    if (each.count > collectives::kMaxRanks)
      fail<ConfigError>("node {} has {} GPUs; the runtime has at most {} ranks a node",
                        each.id.value, each.count, collectives::kMaxRanks);
    node_of_gpu_.insert(node_of_gpu_.end(), static_cast<std::size_t>(each.count),
                        static_cast<int>(nodes_.size()));
    nodes_.push_back({.first = each.first.value, .gpus = each.count});
  }
  const auto count = static_cast<int>(nodes_.size());
  if (transport_.nodes() != count)
    fail<ConfigError>(
        "{} processes for a cluster of {} node{}: start one for each node (mpirun -n {})",
        transport_.nodes(), count, count == 1 ? "" : "s", count);
  start_nodes(options);
  start_ = std::chrono::steady_clock::now();
}

void ClusterBackend::start_nodes(const ClusterOptions& options) {
  for (int to = 0; to < transport_.nodes(); ++to) {
    NodeSpec spec = options.node;
    spec.ranks = node(to).gpus;
    for (serve::Fault fault : options.faults) {
      fault.rank -= static_cast<int>(node(to).first);
      if (fault.rank >= 0 && fault.rank < spec.ranks) spec.faults.push_back(fault);
    }
    node(to).asked = true;
    send(to, spec);
  }
  await_reports();
  for (const NodeView& each : nodes_)
    if (each.gone) fail<SystemError>("a node was lost before the run began (see above)");
  events_.clear();
}

int ClusterBackend::node_of(GpuId gpu) const { return node_of_gpu_[gpu.value]; }

void ClusterBackend::send(int to, const Message& message) { transport_.send(to, encode(message)); }

void ClusterBackend::launch(const Launch& launch) {
  Run run{.slot = launch.slot, .group = launch.group, .launched = now_};
  std::vector<RunPart> parts;
  for (std::size_t i = 0; i < launch.group.size(); ++i) {
    const int on = node_of(launch.group[i]);
    auto found = std::ranges::find(run.nodes, on);
    if (found == run.nodes.end()) {
      found = run.nodes.insert(run.nodes.end(), on);
      parts.push_back({.run = launch.run,
                       .at = now_,
                       .layout = launch.layout,
                       .steps = launch.steps,
                       .dispatch = launch.expected.dispatch,
                       .setup = launch.expected.setup,
                       .migrate = launch.expected.migrate,
                       .step = launch.step});
    }
    parts[static_cast<std::size_t>(found - run.nodes.begin())].members.push_back(
        static_cast<std::uint8_t>(launch.group[i].value - node(on).first));
  }
  if (run.nodes.size() > 1 && real_compute_)
    fail<ConfigError>(
        "run {} is placed on GPUs of {} nodes: with --compute real, a group is within a node",
        launch.run.value, run.nodes.size());

  for (const Task* task : launch.tasks) {
    const TaskPart common = describe(*task);
    run.tasks.push_back(common.task);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      TaskPart part = common;
      if (!part.begins) bring_state(*task, run.nodes[i], part);
      parts[i].tasks.push_back(std::move(part));
    }
    settle_where(*task, run.nodes);
  }
  run.waiting = run.nodes;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    parts[i].nodes = run.nodes;
    send(run.nodes[i], parts[i]);
    node(run.nodes[i]).next = now_;
  }
  runs_.emplace(launch.run, std::move(run));
}

TaskPart ClusterBackend::describe(const Task& task) const {
  const StageGraph& stages = catalog_.stages(task.model);
  TaskPart part;
  part.task = {.request = task.request,
               .model = task.model,
               .shape = task.shape,
               .kind = task.kind,
               .stage = task.stage,
               .steps_done = task.steps_done,
               .steps_total = task.steps_total};
  part.task.last_stage = task.stage == stages.sink();
  part.task.guided = catalog_.why_not(task.shape_id, stages.denoise(), {.cfg = 2}).empty();
  part.begins = task.steps_done == 0 && stages.before(task.stage).empty();
  return part;
}

// Where the node lacks the state, one that has it sends it, or it gets the copy that is kept here.
void ClusterBackend::bring_state(const Task& task, int to, TaskPart& part) {
  for (const GpuId gpu : task.group)
    if (node_of(gpu) == to)
      part.holders.push_back(static_cast<std::uint8_t>(gpu.value - node(to).first));
  const auto found = kept_.find(task.request);
  RG_CHECK(found != kept_.end(), "nothing is known of the state of request {}", task.request.value);
  const Kept& kept = found->second;
  if (contains(kept.nodes, to)) return;
  if (kept.nodes.empty()) {
    part.attached = kept.snapshot;
    return;
  }
  part.from = kept.nodes.front();
  send(part.from,
       HandOver{
           .request = task.request, .stage = task.stage, .steps_done = task.steps_done, .to = to});
}

// From now on the state is with these nodes, and the others forget it.
void ClusterBackend::settle_where(const Task& task, const std::vector<int>& nodes) {
  Kept& kept = kept_[task.request];
  for (const int other : kept.may_have)
    if (!contains(nodes, other)) send(other, Forget{task.request, task.stage, task.steps_done});
  kept.nodes = nodes;
  kept.may_have = nodes;
}

void ClusterBackend::preempt(RunId run, const Group&) {
  const auto found = runs_.find(run);
  if (found == runs_.end()) return;
  for (const int to : found->second.waiting) send(to, PreemptPart{run});
}

void ClusterBackend::take(int from, Report& report) {
  NodeView& view = node(from);
  view.asked = false;
  view.next = virtual_clock_ ? report.next : kNever;
  view.settling = report.settling;
  instant_ = std::max(instant_, report.now);
  for (const std::string& line : report.said)
    if (report_) report_(fmt::format("node {}: {}", from, line));
  const TimePoint heard = virtual_clock_ ? report.now : real_now();
  for (PartEnd& end : report.ended) {
    TimePoint at = virtual_clock_ ? end.at : heard - end.since;
    // All at one instant, so that nothing is placed on a dead rank in between.
    if (!report.dead.empty()) at = heard;
    end_part(from, std::move(end), at);
  }
  for (const std::uint8_t rank : report.dead) fail_gpu({view.first + rank}, heard);
}

void ClusterBackend::fail_gpu(GpuId gpu, TimePoint at) {
  if (dead_[gpu.value]) return;
  dead_[gpu.value] = true;
  add_event({.kind = Event::Kind::kGpuFailed, .at = std::max({at, now_, earliest_}), .gpu = gpu});
}

void ClusterBackend::end_part(int from, PartEnd end, TimePoint at) {
  const auto found = runs_.find(end.run);
  if (found == runs_.end()) return;
  Run& run = found->second;
  if (std::erase(run.waiting, from) == 0) return;
  run.ended = std::max(run.ended, at);
  run.failed = run.failed || end.failed;
  if (from == run.nodes.front()) {
    run.steps = end.steps;
    run.times = end.times;
    run.states = std::move(end.states);
  }
  if (end.failed)  // the parts at other nodes cannot go on without it
    for (const int other : run.waiting) send(other, PreemptPart{end.run});
  if (!run.waiting.empty()) return;
  finish(end.run, run);
  runs_.erase(found);
}

// The parts of a run's time add up to all of it: what no node has measured is dispatch.
void ClusterBackend::finish(RunId id, Run& run) {
  if (run.failed && run.nodes.size() > 1) {  // they may have done different numbers of steps
    run.steps = 0;
    run.states.clear();
  }
  for (PackedState& state : run.states) kept_[state.request].snapshot = std::move(state);
  for (const serve::RunTask& task : run.tasks) {
    if (run.failed)
      kept_[task.request].nodes.clear();
    else if (task.last_stage && task.steps_done + run.steps == task.steps_total)
      kept_.erase(task.request);
  }
  Event event{.kind = run.failed ? Event::Kind::kRunFailed : Event::Kind::kRunEnded,
              .at = std::max({run.ended, now_, earliest_}),
              .run = id,
              .slot = run.slot,
              .steps = run.steps,
              .times = run.times};
  event.times.dispatch = {};
  event.times.dispatch = event.at - run.launched - event.times.total();
  if (event.times.dispatch < Duration{}) {
    event.times = {};  // it failed before they were measured
    event.times.dispatch = event.at - run.launched;
  }
  add_event(event);
}

// Everything on it is lost, and what ran there ends without a step.
void ClusterBackend::take_loss(int from, const std::string& how) {
  NodeView& view = node(from);
  if (view.gone) return;
  view = {.first = view.first, .gpus = view.gpus, .gone = true};
  if (report_)
    report_(fmt::format("node {} is gone ({}): its GPUs, {} to {}, have failed", from, how,
                        view.first, view.first + static_cast<std::uint32_t>(view.gpus) - 1));
  for (auto& [request, kept] : kept_) {
    std::erase(kept.nodes, from);
    std::erase(kept.may_have, from);
  }
  const TimePoint at = virtual_clock_ ? instant_ : real_now();
  std::vector<RunId> lost;
  for (const auto& [id, run] : runs_)
    if (contains(run.waiting, from)) lost.push_back(id);
  for (const RunId id : lost) end_part(from, {.run = id, .failed = true}, at);
  for (int gpu = 0; gpu < view.gpus; ++gpu)
    fail_gpu({view.first + static_cast<std::uint32_t>(gpu)}, at);
}

// Of one instant: by kind, runs in the order of launching, as in one process.
void ClusterBackend::add_event(const Event& event) {
  const auto order = [](const Event& e) { return std::tuple(e.at, e.kind, e.run, e.gpu); };
  events_.insert(std::ranges::upper_bound(events_, order(event), {}, order), event);
}

Event ClusterBackend::take_event() {
  Event event = events_.front();
  events_.pop_front();
  now_ = event.at;
  return event;
}

}  // namespace regroup::cluster
