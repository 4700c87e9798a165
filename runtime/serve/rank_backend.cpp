#include "runtime/serve/rank_backend.hpp"

#include <algorithm>

#include "core/errors.hpp"
#include "runtime/serve/virtual_clock.hpp"
#include "runtime/serve/wall_clock.hpp"

namespace regroup::serve {
namespace {

std::unique_ptr<Clock> make_clock(bool virtual_clock) {
  if (virtual_clock) return std::make_unique<VirtualClock>();
  return std::make_unique<WallClock>();
}

}  // namespace

RankBackend::RankBackend(const Catalog& catalog, ServeOptions options)
    : catalog_(catalog),
      options_(std::move(options)),
      clock_(make_clock(options_.virtual_clock)),
      world_({.ranks = static_cast<int>(catalog.gpus().size()),
              .slot_bytes = options_.slot_bytes,
              .window_bytes = options_.puts_in_world ? options_.window_bytes : 0,
              .checksums = true}),
      dead_(catalog.gpus().size()) {
  for (int rank = 0; rank < world_.ranks(); ++rank) {
    RankOptions of_rank{
        .wait_for_overheads = options_.virtual_clock, .patience = options_.patience, .faults = {}};
    for (const Fault& fault : options_.faults)
      if (fault.rank == rank) of_rank.faults.push_back(fault);
    ranks_.push_back(std::make_unique<Rank>(rank, *clock_, world_,
                                            options_.device(rank, *clock_, world_), snapshots_,
                                            static_cast<RankListener&>(*this), std::move(of_rank)));
  }
}

RankBackend::~RankBackend() {
  // Runs that are under way (an error ended the loop) stop at their next boundary.
  for (auto& [id, run] : runs_) run->preempt = true;
  for (const auto& rank : ranks_) rank->stop();
  clock_->wait_for_leaving();
  ranks_.clear();
}

void RankBackend::launch(const Launch& launch) {
  auto owned = std::make_unique<RankRun>();
  RankRun& run = *owned;
  run.id = launch.run;
  run.group = launch.group;
  run.layout = launch.layout;
  run.steps = launch.steps;
  run.launched = now_;
  run.dispatch = launch.expected.dispatch;
  run.setup = launch.expected.setup;
  run.migrate = launch.expected.migrate;
  run.step = launch.step;
  run.members_left = static_cast<int>(launch.group.size());

  const TimePoint before = clock_->now();
  std::array<int, kMaxGroupSize> members{};
  for (std::size_t i = 0; i < launch.group.size(); ++i)
    members[i] = static_cast<int>(launch.group[i].value);
  run.ranks = world_.form({members.data(), launch.group.size()}, next_group_);
  next_group_ += RankRun::kNumbers;
  run.times.setup = clock_->now() - before;  // unless the model's is waited for

  std::uint64_t offset = 0;
  for (const Task* task : launch.tasks) run.tasks.push_back(describe(*task, launch.group, offset));
  if (offset > options_.window_bytes)
    fail<SystemError>("run {} brings {} bytes of states to a rank; there is room for {}",
                      run.id.value, offset, options_.window_bytes);
  for (const GpuId gpu : launch.group)
    RG_CHECK(ranks_[gpu.value]->runs().has_room(), "the queue of rank {} is full", gpu.value);
  runs_.emplace(run.id, std::move(owned));
  for (const GpuId gpu : launch.group) ranks_[gpu.value]->runs().push(&run);
}

RunTask RankBackend::describe(const Task& task, const Group& group, std::uint64_t& offset) {
  const StageGraph& stages = catalog_.stages(task.model);
  RunTask item{.request = task.request,
               .model = task.model,
               .shape = task.shape,
               .kind = task.kind,
               .stage = task.stage,
               .steps_done = task.steps_done,
               .steps_total = task.steps_total};
  item.last_stage = task.stage == stages.sink();
  item.guided = catalog_.why_not(task.shape_id, stages.denoise(), {.cfg = 2}).empty();
  item.put_offset = offset;
  if (!task.group.empty()) send_state(task, group, item);
  offset += item.put_bytes;
  return item;
}

// Finds a rank that still has the state, orders it to put it to the members that lack it, and lets
// the others forget it. If none has it (its rank died), the leader gets the last snapshot.
void RankBackend::send_state(const Task& task, const Group& group, RunTask& item) {
  const auto fitting = [&](GpuId gpu) -> State* {
    if (dead_[gpu.value]) return nullptr;
    State* state = ranks_[gpu.value]->states().look_up(task.request);
    return state != nullptr && state->fits(task.stage, task.steps_done) ? state : nullptr;
  };
  const auto holder = std::ranges::find_if(task.group, fitting);
  const GpuId source = holder == task.group.end() ? group[0] : *holder;
  if (holder == task.group.end()) {
    State* snapshot = snapshots_.look_up(task.request);
    // Its rank died in the very first step: it begins again.
    if (snapshot == nullptr && task.stage == 0 && task.steps_done == 0) return;
    RG_CHECK(snapshot != nullptr && snapshot->fits(task.stage, task.steps_done),
             "there is no snapshot of request {}", task.request.value);
    ranks_[source.value]->states().find(task.request) = *snapshot;
  }
  const State& state = *fitting(source);

  std::array<int, kMaxGroupSize + 1> members{static_cast<int>(source.value)};
  std::size_t count = 1;
  for (const GpuId gpu : group)
    if (gpu != source && fitting(gpu) == nullptr) members[count++] = static_cast<int>(gpu.value);
  if (count > 1) {
    item.put = world_.form({members.data(), count}, next_group_++);
    item.put_stage = state.stage;
    item.put_steps = state.stage == task.stage ? task.steps_done : state.steps;
    StateRef data = state.after(item.put_steps);
    item.put_bytes = data->bytes();
    ranks_[source.value]->send(
        {.group = item.put, .offset = item.put_offset, .data = std::move(data)});
  }
  for (const GpuId gpu : task.group)
    if (!group.contains(gpu)) ranks_[gpu.value]->states().erase(task.request);
}

void RankBackend::preempt(RunId run) {
  if (const auto found = runs_.find(run); found != runs_.end()) found->second->preempt = true;
}

std::optional<Event> RankBackend::next_event(TimePoint until) {
  while (true) {
    take_in_departures();
    if (!events_.empty() && events_.front().at <= until) {
      const Event event = events_.front();
      events_.pop_front();
      now_ = earliest_ = event.at;
      return event;
    }
    if (until != kNever && clock_->now() >= until && events_.empty()) break;
    if (until != kNever && !events_.empty()) break;
    std::unique_lock lock(monitor_.mutex);
    if (!departures_.empty() || broken_ != nullptr) continue;
    if (runs_.empty() && until == kNever) return std::nullopt;
    if (!clock_->wait(monitor_, lock, until) && until == kNever) return std::nullopt;
  }
  now_ = until;
  // On the machine's clock what happened until now may be heard of later. It is then of a later
  // instant: this one is over, and decided upon.
  earliest_ = options_.virtual_clock ? until : until + Duration(1);
  return std::nullopt;
}

void RankBackend::left(RankRun& run, int, const std::string& why) {
  const std::lock_guard lock(monitor_.mutex);
  departures_.push_back({&run, clock_->now(), why});
  clock_->notify(monitor_);
}

void RankBackend::died(int rank) {
  const std::lock_guard lock(monitor_.mutex);
  newly_dead_.push_back(rank);
}

void RankBackend::broke(std::exception_ptr error) {
  const std::lock_guard lock(monitor_.mutex);
  if (broken_ == nullptr) broken_ = error;
  clock_->notify(monitor_);
}

void RankBackend::take_in_departures() {
  std::vector<Departure> departures;
  std::vector<int> died;
  {
    const std::lock_guard lock(monitor_.mutex);
    if (broken_ != nullptr) std::rethrow_exception(broken_);
    departures.swap(departures_);
    died.swap(newly_dead_);
  }
  for (const int rank : died) dead_[static_cast<std::size_t>(rank)] = true;
  std::vector<RankRun*> ended;
  for (const Departure& departure : departures) {
    departure.run->ended = std::max(departure.run->ended, departure.at);
    if (!departure.why.empty()) {
      departure.run->failed = true;
      recovering_ = true;
      // The others stop at their next boundary: the world can be armed again when nobody uses it.
      for (auto& [id, run] : runs_) run->preempt = true;
      if (options_.report) options_.report(departure.why);
    }
    if (--departure.run->members_left == 0 && !departure.run->failed)
      ended.push_back(departure.run);
  }
  // Of one instant, in the order of launching, as in simulation.
  std::ranges::sort(ended, {}, &RankRun::id);
  for (RankRun* run : ended) {
    end_run(*run, Event::Kind::kRunEnded);
    runs_.erase(run->id);
  }
  if (recovering_ &&
      std::ranges::all_of(runs_, [](const auto& each) { return each.second->members_left == 0; }))
    recover();
}

// Every member of every run has left, most of them because all operations fail until the world is
// armed again.
void RankBackend::recover() {
  // All at one instant, so that nothing is placed on a dead rank in between.
  TimePoint at{};
  for (const auto& [id, run] : runs_) at = std::max(at, run->ended);
  for (auto& [id, run] : runs_) {
    run->ended = at;
    run->steps_done = kept_steps(*run);
    end_run(*run, Event::Kind::kRunFailed);
  }
  runs_.clear();
  for (std::size_t rank = 0; rank < dead_.size(); ++rank)
    if (dead_[rank])
      add_event(
          {.kind = Event::Kind::kGpuFailed, .at = at, .gpu = {static_cast<std::uint32_t>(rank)}});
  wait_for_senders();
  world_.rearm();
  if (options_.rearm) options_.rearm();
  recovering_ = false;
}

// A put whose receiver has died ends at its deadline.
void RankBackend::wait_for_senders() {
  const auto sending = [](const auto& rank) { return rank->sending(); };
  while (std::ranges::any_of(ranks_, sending))
    clock_->sleep_until(clock_->now() + std::chrono::milliseconds(1));
}

// The most steps of all its tasks that a living member or the snapshot has.
int RankBackend::kept_steps(const RankRun& run) {
  const auto kept_by = [&](StateStore& states, const RunTask& task, int steps) {
    const State* state = states.look_up(task.request);
    return state != nullptr && state->fits(task.stage, task.steps_done + steps);
  };
  for (int steps = run.steps; steps > 0; --steps) {
    const bool kept = std::ranges::all_of(run.tasks, [&](const RunTask& task) {
      return kept_by(snapshots_, task, steps) || std::ranges::any_of(run.group, [&](GpuId gpu) {
               return !dead_[gpu.value] && kept_by(ranks_[gpu.value]->states(), task, steps);
             });
    });
    if (kept) return steps;
  }
  return 0;
}

// Events are returned in the order they are added: none may be earlier than the one before.
void RankBackend::add_event(Event event) {
  event.at = std::max(event.at, events_.empty() ? earliest_ : events_.back().at);
  events_.push_back(event);
}

// The parts of a run's time add up to all of it: what no rank has measured is dispatch.
void RankBackend::end_run(RankRun& run, Event::Kind kind) {
  add_event(
      {.kind = kind, .at = run.ended, .run = run.id, .steps = run.steps_done, .times = run.times});
  Event& event = events_.back();
  event.times.dispatch = {};
  event.times.dispatch = event.at - run.launched - event.times.total();
  if (event.times.dispatch >= Duration{}) return;
  event.times = {};  // it failed before they were measured
  event.times.dispatch = event.at - run.launched;
}

}  // namespace regroup::serve
