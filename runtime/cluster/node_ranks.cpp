#include "runtime/cluster/node_ranks.hpp"

#include <algorithm>
#include <array>

#include "core/errors.hpp"

namespace regroup::cluster {

using serve::Rank;
using serve::RankRun;
using serve::RunTask;
using serve::State;

NodeRanks::NodeRanks(serve::Clock& clock, Meetings& meetings, int node, NodeOptions options)
    : clock_(clock),
      meetings_(meetings),
      node_(node),
      options_(std::move(options)),
      world_({.ranks = options_.ranks,
              .slot_bytes = options_.serve.slot_bytes,
              .window_bytes = options_.serve.puts_in_world ? options_.serve.window_bytes : 0,
              .checksums = true}),
      dead_(static_cast<std::size_t>(options_.ranks)) {
  const serve::ServeOptions& serve = options_.serve;
  for (int rank = 0; rank < world_.ranks(); ++rank) {
    serve::RankOptions of_rank{
        .wait_for_overheads = serve.virtual_clock, .patience = serve.patience, .faults = {}};
    for (const serve::Fault& fault : serve.faults)
      if (fault.rank == rank) of_rank.faults.push_back(fault);
    std::unique_ptr<serve::RankDevice> device = serve.device(rank, clock_, world_);
    if (!serve.virtual_clock) device = meeting_device(rank, std::move(device), meetings_);
    ranks_.push_back(std::make_unique<Rank>(rank, clock_, world_, std::move(device), snapshots_,
                                            static_cast<RankListener&>(*this), std::move(of_rank)));
  }
}

NodeRanks::~NodeRanks() {
  // Runs that are under way (the whole run has ended early) stop at their next boundary.
  for (auto& [id, run] : runs_) run->preempt = true;
  for (const auto& rank : ranks_) rank->stop();
  clock_.wait_for_leaving();
  ranks_.clear();
}

void NodeRanks::launch(const RunPart& part) {
  auto owned = std::make_unique<PartRun>();
  PartRun& run = *owned;
  run.id = part.run;
  run.nodes = part.nodes;
  run.leads = part.nodes.front() == node_;
  run.layout = part.layout;
  run.steps = part.steps;
  run.launched = clock_.now();
  run.dispatch = part.dispatch;
  run.setup = part.setup;
  run.migrate = part.migrate;
  run.step = part.step;
  run.members_left = static_cast<int>(part.members.size());

  std::array<int, collectives::kMaxRanks> members{};
  for (std::size_t i = 0; i < part.members.size(); ++i) {
    members[i] = part.members[i];
    run.group.push_back({part.members[i]});
  }
  run.ranks = world_.form({members.data(), part.members.size()}, next_group_);
  next_group_ += RankRun::kNumbers;
  run.times.setup = clock_.now() - run.launched;  // unless the model's is waited for

  std::uint64_t offset = 0;
  for (const TaskPart& task : part.tasks) {
    RunTask& item = run.tasks.emplace_back(task.task);
    item.put_offset = offset;
    if (!task.begins) send_state(part, task, item);
    offset += item.put_bytes;
  }
  if (offset > options_.serve.window_bytes)
    fail<SystemError>("run {} brings {} bytes of states to a rank; there is room for {}",
                      run.id.value, offset, options_.serve.window_bytes);
  for (const std::uint8_t rank : part.members)
    RG_CHECK(ranks_[rank]->runs().has_room(), "the queue of rank {} is full", rank);
  runs_.emplace(run.id, std::move(owned));
  for (const std::uint8_t rank : part.members) ranks_[rank]->runs().push(&run);
}

State* NodeRanks::fitting(int rank, const RunTask& task) {
  const auto index = static_cast<std::size_t>(rank);
  if (dead_[index]) return nullptr;
  State* state = ranks_[index]->states().look_up(task.request);
  return state != nullptr && state->fits(task.stage, task.steps_done) ? state : nullptr;
}

// Finds a rank that has the state and orders it to put it to the members that lack it; the others
// forget it. If none has it, it came from elsewhere or its rank died: the first member gets it from
// where such states are kept.
void NodeRanks::send_state(const RunPart& part, const TaskPart& from, RunTask& task) {
  const auto fits = [&](int rank) { return fitting(rank, task) != nullptr; };
  const auto holder = std::ranges::find_if(from.holders, fits);
  const int source = holder == from.holders.end() ? part.members[0] : *holder;
  if (holder == from.holders.end()) {
    State* kept = snapshots_.look_up(task.request);
    RG_CHECK(kept != nullptr && kept->fits(task.stage, task.steps_done),
             "there is no snapshot of request {}", task.request.value);
    ranks_[static_cast<std::size_t>(source)]->states().find(task.request) = *kept;
  }
  const State& state = *fitting(source, task);

  std::array<int, collectives::kMaxRanks> members{source};
  std::size_t count = 1;
  for (const int rank : part.members)
    if (rank != source && !fits(rank)) members[count++] = rank;
  if (count > 1) {
    task.put = world_.form({members.data(), count}, next_group_++);
    task.put_stage = state.stage;
    task.put_steps = state.stage == task.stage ? task.steps_done : state.steps;
    serve::StateRef data = state.after(task.put_steps);
    task.put_bytes = data->bytes();
    ranks_[static_cast<std::size_t>(source)]->send(
        {.group = task.put, .offset = task.put_offset, .data = std::move(data)});
  }
  for (const std::uint8_t rank : from.holders)
    if (std::ranges::find(part.members, rank) == part.members.end())
      ranks_[rank]->states().erase(task.request);
}

void NodeRanks::preempt(RunId run) {
  const auto found = runs_.find(run);
  if (found == runs_.end()) return;
  const bool meets = found->second->nodes.size() > 1 && !options_.serve.virtual_clock;
  (meets ? found->second->stop_at_meeting : found->second->preempt) = true;
}

void NodeRanks::keep(PackedState state) {
  snapshots_.find(state.request) = {state.stage, state.steps,
                                    options_.states.unpack(std::move(state.numbers)), nullptr};
}

PackedState NodeRanks::pack(RequestId request, const State& state, int steps) {
  return {.request = request,
          .stage = state.stage,
          .steps = steps,
          .numbers = options_.states.pack(*state.after(steps))};
}

// Kept are the copies that leaders leave, which are made to be used elsewhere.
bool NodeRanks::has(RequestId request, std::uint8_t stage, int steps_done) {
  const State* state = snapshots_.look_up(request);
  return state != nullptr && state->fits(stage, steps_done);
}

std::optional<PackedState> NodeRanks::find(RequestId request, std::uint8_t stage, int steps_done) {
  if (!has(request, stage, steps_done)) return std::nullopt;
  const State& state = *snapshots_.look_up(request);
  return pack(request, state, state.stage == stage ? steps_done : state.steps);
}

// A later state may have come already, from the node that it went to.
void NodeRanks::forget(const Forget& order) {
  const State* state = snapshots_.look_up(order.request);
  if (state != nullptr && (state->stage < order.stage ||
                           (state->stage == order.stage && state->steps <= order.steps_done)))
    snapshots_.erase(order.request);
  for (const auto& rank : ranks_) rank->states().erase(order.request);
}

void NodeRanks::left(RankRun& run, int, const std::string& why) {
  const std::lock_guard lock(monitor_.mutex);
  departures_.push_back({static_cast<PartRun*>(&run), clock_.now(), why});
  clock_.notify(monitor_);
}

void NodeRanks::died(int rank) {
  const std::lock_guard lock(monitor_.mutex);
  newly_dead_.push_back(rank);
}

void NodeRanks::broke(std::exception_ptr error) {
  const std::lock_guard lock(monitor_.mutex);
  if (broken_ == nullptr) broken_ = error;
  clock_.notify(monitor_);
}

void NodeRanks::ring() {
  const std::lock_guard lock(monitor_.mutex);
  rung_ = true;
  clock_.notify(monitor_);
}

// Nobody notifies of a sender that is done.
void NodeRanks::wait_for_news() {
  const TimePoint until = recovering_ ? clock_.now() + std::chrono::milliseconds(1) : kNever;
  std::unique_lock lock(monitor_.mutex);
  while (!rung_ && departures_.empty() && broken_ == nullptr)
    if (!clock_.wait(monitor_, lock, until)) break;
  rung_ = false;
}

NodeNews NodeRanks::news() {
  NodeNews news;
  take_in_departures(news);
  if (!recovering_) return news;
  const auto over = [](const auto& each) { return each.second->members_left == 0; };
  const auto sending = [](const auto& rank) { return rank->sending(); };
  // A put whose receiver has died ends at its deadline.
  if (std::ranges::all_of(runs_, over) && std::ranges::none_of(ranks_, sending)) recover(news);
  return news;
}

void NodeRanks::take_in_departures(NodeNews& news) {
  std::vector<Departure> departures;
  std::vector<int> died;
  {
    const std::lock_guard lock(monitor_.mutex);
    if (broken_ != nullptr) std::rethrow_exception(broken_);
    departures.swap(departures_);
    died.swap(newly_dead_);
  }
  for (const int rank : died) dead_[static_cast<std::size_t>(rank)] = true;
  std::vector<PartRun*> ended;
  for (const Departure& departure : departures) {
    departure.run->ended = std::max(departure.run->ended, departure.at);
    if (!departure.why.empty()) {
      departure.run->failed = true;
      recovering_ = true;
      // The others stop at their next boundary: the world can be armed again when nobody uses it.
      for (auto& [id, run] : runs_) run->preempt = true;
      news.said.push_back(departure.why);
    }
    if (--departure.run->members_left == 0 && !departure.run->failed)
      ended.push_back(departure.run);
  }
  std::ranges::sort(ended, {}, &RankRun::id);
  for (PartRun* run : ended) {
    news.ended.push_back(end(*run));
    runs_.erase(run->id);
  }
}

// Every member of every run has left, most of them because all operations fail until the world is
// armed again. All runs end at one instant, so that nothing is placed on a dead rank in between.
void NodeRanks::recover(NodeNews& news) {
  for (auto& [id, run] : runs_) {
    run->failed = true;
    run->ended = clock_.now();
    run->steps_done = kept_steps(*run);
    news.ended.push_back(end(*run));
  }
  runs_.clear();
  for (std::size_t rank = 0; rank < dead_.size(); ++rank)
    if (dead_[rank]) news.dead.push_back(static_cast<std::uint8_t>(rank));
  world_.rearm();
  if (options_.serve.rearm) options_.serve.rearm();
  recovering_ = false;
}

// The most steps that the snapshots of all its tasks have.
int NodeRanks::kept_steps(const PartRun& run) {
  int kept = run.steps;
  for (const RunTask& task : run.tasks) {
    const State* state = snapshots_.look_up(task.request);
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
    const State* state = snapshots_.look_up(task.request);
    if (state != nullptr && state->stage == task.stage && state->after(steps) != nullptr)
      end.states.push_back(pack(task.request, *state, steps));
  }
  return end;
}

}  // namespace regroup::cluster
