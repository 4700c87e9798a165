#include "runtime/cluster/node_ranks.hpp"

#include <algorithm>

#include "core/errors.hpp"

namespace regroup::cluster {
namespace {

using serve::RankRun;
using serve::RunTask;
using serve::State;

// On the machine's clock, groups over several nodes meet.
serve::ServeOptions with_meetings(serve::ServeOptions options, Meetings& meetings) {
  if (options.virtual_clock) return options;
  options.device = [make = std::move(options.device), &meetings](int rank, serve::Clock& clock,
                                                                 collectives::World& world) {
    return meeting_device(rank, make(rank, clock, world), meetings);
  };
  return options;
}

// All runs of these ranks are.
const PartRun& part_of(const RankRun& run) { return static_cast<const PartRun&>(run); }

}  // namespace

NodeRanks::NodeRanks(serve::Clock& clock, Meetings& meetings, int node, NodeOptions options)
    : clock_(clock),
      meetings_(meetings),
      node_(node),
      virtual_clock_(options.serve.virtual_clock),
      states_(std::move(options.states)),
      ranks_(options.ranks, clock, with_meetings(std::move(options.serve), meetings)) {}

void NodeRanks::launch(const RunPart& part) {
  auto run = std::make_unique<PartRun>();
  run->id = part.run;
  run->nodes = part.nodes;
  run->leads = part.nodes.front() == node_;
  run->layout = part.layout;
  run->steps = part.steps;
  run->launched = clock_.now();
  run->dispatch = part.dispatch;
  run->setup = part.setup;
  run->migrate = part.migrate;
  run->step = part.step;
  for (const std::uint8_t rank : part.members) run->group.push_back({rank});
  std::vector<serve::TaskState> states;
  for (const TaskPart& task : part.tasks) {
    run->tasks.push_back(task.task);
    serve::TaskState& state = states.emplace_back();
    state.needed = !task.begins;
    for (const std::uint8_t rank : task.holders) state.holders.push_back({rank});
  }
  ranks_.launch(std::move(run), states);
}

void NodeRanks::preempt(RunId run) {
  auto* const found = static_cast<PartRun*>(ranks_.find(run));
  if (found == nullptr) return;
  const bool meets = found->nodes.size() > 1 && !virtual_clock_;
  (meets ? found->stop_at_meeting : found->preempt) = true;
}

void NodeRanks::keep(PackedState state) {
  ranks_.snapshots().find(state.request) = {state.stage, state.steps,
                                            states_.unpack(std::move(state.numbers)), nullptr};
}

PackedState NodeRanks::pack(RequestId request, const State& state, int steps) {
  return {.request = request,
          .stage = state.stage,
          .steps = steps,
          .numbers = states_.pack(*state.after(steps))};
}

// Kept are the copies that leaders leave, which are made to be used elsewhere.
bool NodeRanks::has(RequestId request, std::uint8_t stage, int steps_done) {
  const State* state = ranks_.snapshots().look_up(request);
  return state != nullptr && state->fits(stage, steps_done);
}

std::optional<PackedState> NodeRanks::find(RequestId request, std::uint8_t stage, int steps_done) {
  if (!has(request, stage, steps_done)) return std::nullopt;
  const State& state = *ranks_.snapshots().look_up(request);
  return pack(request, state, state.stage == stage ? steps_done : state.steps);
}

// A later state may have come already, from the node that it went to.
void NodeRanks::forget(const Forget& order) {
  const State* state = ranks_.snapshots().look_up(order.request);
  if (state != nullptr && (state->stage < order.stage ||
                           (state->stage == order.stage && state->steps <= order.steps_done)))
    ranks_.snapshots().erase(order.request);
  ranks_.forget(order.request);
}

// Nobody notifies of a sender that is done.
void NodeRanks::wait_for_news() {
  ranks_.wait(ranks_.recovering() ? clock_.now() + std::chrono::milliseconds(1) : kNever);
}

NodeNews NodeRanks::news() {
  serve::RankNews told = ranks_.news();
  NodeNews news;
  news.said = std::move(told.said);
  for (const auto& run : told.ended) news.ended.push_back(end(part_of(*run)));
  if (ranks_.recovering() && ranks_.all_left() && !ranks_.sending()) recover(news);
  return news;
}

// All runs end at one instant, so that nothing is placed on a dead rank in between.
void NodeRanks::recover(NodeNews& news) {
  for (const auto& run : ranks_.rearm()) {
    run->failed = true;
    run->ended = clock_.now();
    run->steps_done = kept_steps(part_of(*run));
    news.ended.push_back(end(part_of(*run)));
  }
  for (const int rank : ranks_.dead()) news.dead.push_back(static_cast<std::uint8_t>(rank));
}

// The most steps that the snapshots of all its tasks have.
int NodeRanks::kept_steps(const PartRun& run) {
  int kept = run.steps;
  for (const RunTask& task : run.tasks) {
    const State* state = ranks_.snapshots().look_up(task.request);
    const bool begun = state != nullptr && state->stage == task.stage;
    kept = std::min(kept, begun ? std::max(0, state->steps - task.steps_done) : 0);
  }
  return kept;
}

PartEnd NodeRanks::end(const PartRun& run) {
  meetings_.forget(run.id);
  PartEnd end{.run = run.id,
              .failed = run.failed,
              .at = run.ended,
              .since = clock_.now() - run.ended,
              .steps = run.steps_done,
              .times = run.times,
              .states = {}};
  if (!run.leads) return end;
  for (const RunTask& task : run.tasks) {
    const int steps = task.steps_done + run.steps_done;
    if (task.last_stage && steps == task.steps_total) continue;
    const State* state = ranks_.snapshots().look_up(task.request);
    if (state != nullptr && state->stage == task.stage && state->after(steps) != nullptr)
      end.states.push_back(pack(task.request, *state, steps));
  }
  return end;
}

}  // namespace regroup::cluster
