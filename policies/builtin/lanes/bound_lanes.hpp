// Requests that stay on the lane they were bound to. Private to the built-in policies.
#pragma once

#include <optional>
#include <utility>

#include "policies/builtin/lanes/backlog_bounds.hpp"
#include "policies/builtin/lanes/lane_queue.hpp"

namespace regroup {

// GF-DiT's lane policies (arXiv 2606.13501; its simulator's topologies and fcfs, srtf, sjf, ...):
// a request is bound to a lane when it arrives, and all of its stages run there, each on the first
// GPUs of the lane, as many as the stage can use. The policy says which lane (`Bind`) and whose
// turn it is on one (LaneOrder).
//
// Lanes may overlap. The first task of each lane starts when all the GPUs it needs are idle; where
// several could, in the order in which they came to the head of their lanes. Nobody keeps GPUs free
// for somebody who waits, so a wide lane can starve among narrow ones: that is what was published.
// A stage runs to its end unless a lane that shares its GPUs waits; then it is cut at each step
// boundary, and whoever waits has the first turn.
//
// Other than there: a lane goes on with what GPUs are left of it when some fail, and the requests
// of a lane that has none left are bound anew.
//
// Cost of a decision: O(changes x (log waiting + log lanes + lanes that share a GPU)), beside
// `Bind`, and O(lanes) when a GPU fails or is repaired.
class BoundLanes {
 public:
  explicit BoundLanes(LaneOrder order) : order_(order) {}

  bool empty() const { return lanes_.empty(); }
  std::size_t size() const { return lanes_.size(); }

  // Once, before the first decide(): the lanes, one after another.
  void add(const ClusterView& view, std::span<const Group> lanes) {
    for (const Group& gpus : lanes) {
      turns_.add_lane(gpus, view.gpus().size());
      bounds_.add_lane();
      lanes_.emplace_back().gpus = gpus;
      of_one_width_ = of_one_width_ && gpus.size() == lanes_.front().gpus.size();
    }
    count_broken(view);
  }

  // Bind: (task) -> std::optional<std::size_t>, the lane for the request of that task. Nothing: the
  // one where it would be done first.
  template <class Bind>
  void decide(const ClusterView& view, Decisions& out, Bind bind) {
    for (const Change& change : view.changes()) take_in(view, change, out, bind);
    for (const std::size_t lane : unsettled_) settle(view, lane, out);
    unsettled_.clear();
    for (std::size_t lane; (lane = turns_.next_hopeful()) != kNoLane;) start(view, lane, out);
  }

  // The GPUs of the lane that have not failed.
  int working(const ClusterView& view, std::size_t lane) const {
    int count = 0;
    for (const GpuId gpu : lanes_[lane].gpus) count += works(view, gpu) ? 1 : 0;
    return count;
  }

  // What is left to do for the requests of the lane.
  Duration backlog(const ClusterView& view, std::size_t lane) const {
    const Lane& at = lanes_[lane];
    if (at.running)
      return at.waiting_work + work_left(view, view.task(at.slot), working(view, lane));
    if (at.active == nullptr || at.active->ready.empty()) return at.waiting_work;
    const Task& next = view.task(at.active->ready.front());
    return at.waiting_work + work_left(view, next, working(view, lane));
  }

  // The lane with the least backlog and work of this task's request together, the first of several.
  // Nothing if no lane works. O(log lanes), and for each lane that will be done within a step of
  // the first; O(lanes) where lanes have different numbers of working GPUs.
  std::optional<std::size_t> soonest(const ClusterView& view, const Task& task) {
    if (!of_one_width_ || broken_) return soonest_of_all(view, task);
    bounds_.renew([&](std::size_t lane) { return not_done_before(view, lane); });
    return bounds_.least(view.now(), [&](std::size_t lane) { return backlog(view, lane); });
  }

 private:
  static bool works(const ClusterView& view, GpuId gpu) {
    return view.gpus()[gpu.value].state != GpuState::kFailed;
  }

  // Bounds are not told of GPUs that come and go: those of what runs are given up.
  void count_broken(const ClusterView& view) {
    broken_ =
        !std::ranges::all_of(view.gpus(), [&](const Gpu& gpu) { return works(view, gpu.id); });
    for (std::size_t lane = 0; lane < lanes_.size(); ++lane) touch(lane).runs_until = {};
  }

  TimePoint not_done_before(const ClusterView& view, std::size_t lane) const {
    const Lane& at = lanes_[lane];
    if (at.running) return at.runs_until + at.waiting_work;
    const Duration left = backlog(view, lane);
    return left == Duration::zero() ? BacklogBounds::kNothing : view.now() + left;
  }

  std::optional<std::size_t> soonest_of_all(const ClusterView& view, const Task& task) const {
    std::optional<std::size_t> best;
    Duration least{}, own{};
    int own_width = 0;
    for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
      const int width = working(view, lane);
      if (width == 0) continue;
      if (width != own_width) own = work_left(view, task, own_width = width);
      const Duration total = backlog(view, lane) + own;
      if (best && total >= least) continue;
      best = lane;
      least = total;
    }
    return best;
  }

  // The lane, about to be changed.
  Lane& touch(std::size_t lane) {
    bounds_.changed(lane);
    return lanes_[lane];
  }

  template <class Bind>
  void take_in(const ClusterView& view, const Change& change, Decisions& out, Bind& bind) {
    switch (change.kind) {
      case Change::Kind::kTaskReady: {
        const auto [found, is_new] = requests_.try_emplace(change.request);
        BoundRequest& request = found->second;
        if (is_new) request.arrival_number = arrivals_++;
        end_run(request, change.task->id);
        request.ready.push_back(change.task->slot);
        if (is_new) {
          enter(view, request, bind);
        } else if (request.lane != kNoLane) {
          bounds_.changed(request.lane);
          unsettled_.push_back(request.lane);
        }
        break;
      }
      case Change::Kind::kTaskDone:
        end_run(requests_.at(change.request), change.task->id);
        break;
      case Change::Kind::kRequestDone: {
        const auto found = requests_.find(change.request);
        touch(found->second.lane).active = nullptr;
        unsettled_.push_back(found->second.lane);
        requests_.erase(found);
        break;
      }
      case Change::Kind::kGpuFailed:
        count_broken(view);
        turns_.changed(change.gpu);
        for (const std::size_t lane : turns_.lanes_of(change.gpu))
          if (working(view, lane) == 0) abandon(view, lane, bind);
        break;
      case Change::Kind::kGpuRepaired:
        count_broken(view);
        turns_.changed(change.gpu);
        widen(view, change.gpu, out);
        for (BoundRequest* request : std::exchange(homeless_, {})) enter(view, *request, bind);
        break;
      case Change::Kind::kWoke:
        break;
    }
  }

  // Binds a request that has a ready task, and queues it.
  template <class Bind>
  void enter(const ClusterView& view, BoundRequest& request, Bind& bind) {
    const Task& task = view.task(request.ready.front());
    std::optional<std::size_t> lane = bind(task);
    if (!lane) lane = soonest(view, task);
    request.lane = lane.value_or(kNoLane);
    if (!lane) {
      homeless_.push_back(&request);
      return;
    }
    wait_for(touch(*lane), request, order_, task, work_left(view, task, working(view, *lane)));
    unsettled_.push_back(*lane);
  }

  // The lane has lost its last GPU, and with it whatever ran.
  template <class Bind>
  void abandon(const ClusterView& view, std::size_t lane, Bind& bind) {
    Lane& at = touch(lane);
    std::vector<BoundRequest*> leaving;
    if (at.active != nullptr) leaving.push_back(at.active);
    while (!at.waiting.empty()) leaving.push_back(&next_of(at));
    at.active = nullptr;
    turns_.give_up(lane);
    for (BoundRequest* request : leaving) enter(view, *request, bind);
  }

  // What runs there on fewer GPUs than there are again is cut at its next boundary.
  void widen(const ClusterView& view, GpuId gpu, Decisions& out) const {
    for (const std::size_t lane : turns_.lanes_of(gpu))
      if (lanes_[lane].running) cut(view, lanes_[lane], out);
  }

  static void cut(const ClusterView& view, const Lane& lane, Decisions& out) {
    const Task& task = view.task(lane.slot);
    if (task.running && !task.preempting) out.preempt(task);
  }

  // If it was that task that ran on the request's lane: the GPUs are free again.
  void end_run(const BoundRequest& request, TaskId task) {
    if (request.lane == kNoLane) return;
    if (!lanes_[request.lane].running || lanes_[request.lane].task != task) return;
    Lane& lane = touch(request.lane);
    lane.running = false;
    unsettled_.push_back(request.lane);
    turns_.let_go(lane.group);
  }

  // Puts the lane in line for its next task; or, where the running one is to make room, says so.
  void settle(const ClusterView& view, std::size_t index, Decisions& out) {
    const Lane& lane = lanes_[index];
    if (lane.running) {
      if (must_make_room(view, lane, index)) cut(view, lane, out);
    } else if (!turns_.in_line(index) && choose(view, touch(index), index)) {
      turns_.join(index);
    }
  }

  // Whether somebody who waits will have less left than the running request has at its next
  // boundary.
  bool must_make_room(const ClusterView& view, const Lane& lane, std::size_t index) const {
    if (order_ != LaneOrder::kShortestRemaining || lane.waiting.empty()) return false;
    const Task& task = view.task(lane.slot);
    const Duration step = view.cost().predict(task, task.layout, 1);
    const Duration left = work_left(view, task, working(view, index)) - step;
    return std::get<0>(lane.waiting.begin()->first) < left.count();
  }

  // Makes the request whose turn it is the active one. False: there is none, or it has no task
  // ready.
  bool choose(const ClusterView& view, Lane& lane, std::size_t index) {
    if (BoundRequest* const before = lane.active; before != nullptr) {
      if (before->ready.empty()) return false;
      if (order_ != LaneOrder::kShortestRemaining || lane.waiting.empty()) return true;
      const Task& task = view.task(before->ready.front());
      const Duration left = work_left(view, task, working(view, index));
      if (left.count() <= std::get<0>(lane.waiting.begin()->first)) return true;
      wait_for(lane, *before, order_, task, left);
    }
    if (lane.waiting.empty()) return false;
    lane.active = &next_of(lane);
    return true;
  }

  // The first GPUs of the lane that work.
  static Group first_working(const ClusterView& view, const Lane& lane, int count) {
    Group group;
    for (const GpuId gpu : lane.gpus)
      if (works(view, gpu) && static_cast<int>(group.size()) < count) group.push_back(gpu);
    return group;
  }

  // Starts the next task of the lane, or has those cut that run where it wants to.
  void start(const ClusterView& view, std::size_t index, Decisions& out) {
    Lane& lane = touch(index);
    const Task& task = view.task(lane.active->ready.front());
    const Layout layout = task.widest(working(view, index));
    const Group group = first_working(view, lane, layout.size());
    if (!all_idle(group, out)) {
      for (const GpuId gpu : group)
        if (turns_.holder(gpu) != kNoLane) cut(view, lanes_[turns_.holder(gpu)], out);
      return;
    }
    turns_.hold(index, group);
    lane.running = true;
    lane.runs_until = view.now() + work_left(view, task, working(view, index));
    lane.task = task.id;
    lane.slot = task.slot;
    lane.group = group;
    lane.active->ready.erase(lane.active->ready.begin());
    out.place(task, group, layout, turns_.wanted(group) ? 1 : kUntilToldOtherwise);
  }

  static bool all_idle(const Group& group, const Decisions& out) {
    for (const GpuId gpu : group)
      if (!out.idle().contains(gpu)) return false;
    return true;
  }

  LaneOrder order_;
  std::vector<Lane> lanes_;
  LaneTurns turns_;
  BacklogBounds bounds_;
  bool of_one_width_ = true;                    // all lanes
  bool broken_ = false;                         // some GPU of the cluster
  std::map<RequestId, BoundRequest> requests_;  // those that are not done
  std::vector<BoundRequest*> homeless_;         // no lane worked when they were to be bound
  std::vector<std::size_t> unsettled_;          // lanes where something changed, in that order
  std::uint64_t arrivals_ = 0;
};

}  // namespace regroup
