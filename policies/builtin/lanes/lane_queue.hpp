// One lane of GPUs and the requests that are bound to it. Private to the built-in policies.
#pragma once

#include <map>
#include <tuple>
#include <vector>

#include "policies/builtin/lanes/lane_turns.hpp"
#include "regroup/policy/policy.hpp"

namespace regroup {

// Whose turn it is on a lane. All but the last let a request finish once it has begun.
enum class LaneOrder : std::uint8_t {
  kArrival,           // first come, first served
  kPriority,          // the most important, then the earliest deadline, then the first to come
  kShortestJob,       // the one with the least work of all that wait
  kShortestRemaining  // the same, asked anew at every step boundary
};

// Smaller goes first: what the order goes by, the deadline where it counts, number of arrival.
using LaneRank = std::tuple<std::int64_t, TimePoint, std::uint64_t>;

struct BoundRequest {
  std::size_t lane = kNoLane;
  std::uint64_t arrival_number = 0;
  std::vector<std::uint32_t> ready;  // slots of its tasks that wait, the first to come first
  LaneRank rank{};                   // where it stands while it waits for the lane
  Duration work{};                   // what was left of it when it began to wait
};

struct Lane {
  Group gpus;
  BoundRequest* active = nullptr;             // has the lane; its first ready task is next
  std::map<LaneRank, BoundRequest*> waiting;  // with a ready task each
  Duration waiting_work{};                    // sum of their work

  bool running = false;    // a task of the active request runs
  TimePoint runs_until{};  // with it, the active request is not done before this
  TaskId task{};
  std::uint32_t slot = 0;
  Group group{};
};

// What is left of a request, from this task on, on that many GPUs; a running task's steps count as
// they end.
inline Duration work_left(const ClusterView& view, const Task& task, int gpus) {
  Duration left = view.cost().remaining(task, gpus);
  if (!task.running) return left;
  const int steps = view.progress(task).steps_done - task.steps_done;
  return left - steps * view.cost().predict(task, task.layout, 1);
}

// Puts a request with a ready task in the lane's queue.
inline void wait_for(Lane& lane, BoundRequest& request, LaneOrder order, const Task& task,
                     Duration work) {
  request.work = work;
  switch (order) {
    case LaneOrder::kArrival:
      request.rank = {0, {}, request.arrival_number};
      break;
    case LaneOrder::kPriority:
      request.rank = {-std::int64_t{task.priority}, task.deadline, request.arrival_number};
      break;
    case LaneOrder::kShortestJob:
    case LaneOrder::kShortestRemaining:
      request.rank = {work.count(), {}, request.arrival_number};
      break;
  }
  lane.waiting.emplace(request.rank, &request);
  lane.waiting_work += work;
}

// Takes the first of the queue out of it.
inline BoundRequest& next_of(Lane& lane) {
  BoundRequest& first = *lane.waiting.begin()->second;
  lane.waiting.erase(lane.waiting.begin());
  lane.waiting_work -= first.work;
  return first;
}

}  // namespace regroup
