#include "runtime/serve/ranks.hpp"

#include <algorithm>
#include <array>

#include "core/errors.hpp"

namespace regroup::serve {
namespace {

int number(GpuId rank) { return static_cast<int>(rank.value); }

}  // namespace

Ranks::Ranks(int count, Clock& clock, const ServeOptions& options)
    : clock_(clock),
      window_bytes_(options.window_bytes),
      rearm_(options.rearm),
      world_({.ranks = count,
              .slot_bytes = options.slot_bytes,
              .window_bytes = options.puts_in_world ? options.window_bytes : 0,
              .checksums = true}),
      dead_(static_cast<std::size_t>(count)) {
  for (int rank = 0; rank < count; ++rank) {
    RankOptions of_rank{
        .wait_for_overheads = options.virtual_clock, .patience = options.patience, .faults = {}};
    for (const Fault& fault : options.faults)
      if (fault.rank == rank) of_rank.faults.push_back(fault);
    ranks_.push_back(std::make_unique<Rank>(rank, clock_, world_,
                                            options.device(rank, clock_, world_), snapshots_,
                                            static_cast<RankListener&>(*this), std::move(of_rank)));
  }
}

Ranks::~Ranks() {
  for (auto& [id, run] : runs_) run->preempt = true;
  for (const auto& rank : ranks_) rank->stop();
  clock_.wait_for_leaving();
  ranks_.clear();
}

void Ranks::launch(std::unique_ptr<RankRun> owned, std::span<const TaskState> states) {
  RankRun& run = *owned;
  run.members_left = static_cast<int>(run.group.size());
  const TimePoint before = clock_.now();
  std::array<int, kMaxGroupSize> members{};
  std::ranges::transform(run.group, members.begin(), number);
  run.ranks = world_.form({members.data(), run.group.size()}, next_group_);
  next_group_ += RankRun::kNumbers;
  run.times.setup = clock_.now() - before;  // unless the model's is waited for

  std::uint64_t offset = 0;
  for (std::size_t i = 0; i < run.tasks.size(); ++i) {
    run.tasks[i].put_offset = offset;
    if (states[i].needed) bring_state(run, states[i].holders, run.tasks[i]);
    offset += run.tasks[i].put_bytes;
  }
  if (offset > window_bytes_)
    fail<SystemError>("run {} brings {} bytes of states to a rank; there is room for {}",
                      run.id.value, offset, window_bytes_);
  for (const GpuId member : run.group)
    RG_CHECK(rank(number(member)).runs().has_room(), "the queue of rank {} is full", member.value);
  runs_.emplace(run.id, std::move(owned));
  for (const GpuId member : run.group) rank(number(member)).runs().push(&run);
}

bool Ranks::has(int of, const RunTask& task, int steps) {
  if (dead_[static_cast<std::size_t>(of)]) return false;
  const State* state = rank(of).states().look_up(task.request);
  return state != nullptr && state->fits(task.stage, task.steps_done + steps);
}

// Finds a rank that still has the state, orders it to put it to the members that lack it, and lets
// the others forget it. If none has it (its rank died, or it came from elsewhere), the leader gets
// the copy that was kept.
void Ranks::bring_state(const RankRun& run, const Group& holders, RunTask& task) {
  const auto fits = [&](GpuId gpu) { return has(number(gpu), task); };
  const auto holder = std::ranges::find_if(holders, fits);
  const GpuId source = holder == holders.end() ? run.group[0] : *holder;
  if (holder == holders.end()) {
    State* kept = snapshots_.look_up(task.request);
    // Its rank died in the very first step: it begins again.
    if (kept == nullptr && task.stage == 0 && task.steps_done == 0) return;
    RG_CHECK(kept != nullptr && kept->fits(task.stage, task.steps_done),
             "there is no snapshot of request {}", task.request.value);
    rank(number(source)).states().find(task.request) = *kept;
  }
  const State& state = *rank(number(source)).states().look_up(task.request);

  std::array<int, kMaxGroupSize + 1> members{number(source)};
  std::size_t count = 1;
  for (const GpuId member : run.group)
    if (member != source && !fits(member)) members[count++] = number(member);
  if (count > 1) {
    task.put = world_.form({members.data(), count}, next_group_++);
    task.put_stage = state.stage;
    task.put_steps = state.stage == task.stage ? task.steps_done : state.steps;
    StateRef data = state.after(task.put_steps);
    task.put_bytes = data->bytes();
    rank(number(source))
        .send({.group = task.put, .offset = task.put_offset, .data = std::move(data)});
  }
  for (const GpuId other : holders)
    if (!run.group.contains(other)) rank(number(other)).states().erase(task.request);
}

RankRun* Ranks::find(RunId run) {
  const auto found = runs_.find(run);
  return found == runs_.end() ? nullptr : found->second.get();
}

void Ranks::left(RankRun& run, int, const std::string& why) {
  const std::lock_guard lock(monitor_.mutex);
  departures_.push_back({&run, clock_.now(), why});
  clock_.notify(monitor_);
}

void Ranks::died(int rank) {
  const std::lock_guard lock(monitor_.mutex);
  newly_dead_.push_back(rank);
}

void Ranks::broke(std::exception_ptr error) {
  const std::lock_guard lock(monitor_.mutex);
  if (broken_ == nullptr) broken_ = error;
  clock_.notify(monitor_);
}

void Ranks::ring() {
  const std::lock_guard lock(monitor_.mutex);
  rung_ = true;
  clock_.notify(monitor_);
}

bool Ranks::wait(TimePoint until) {
  std::unique_lock lock(monitor_.mutex);
  const bool told = rung_ || !departures_.empty() || broken_ != nullptr;
  const bool more = told || clock_.wait(monitor_, lock, until) || until != kNever;
  rung_ = false;
  return more;
}

RankNews Ranks::news() {
  std::vector<Departure> departures;
  std::vector<int> died;
  {
    const std::lock_guard lock(monitor_.mutex);
    if (broken_ != nullptr) std::rethrow_exception(broken_);
    departures.swap(departures_);
    died.swap(newly_dead_);
  }
  for (const int rank : died) dead_[static_cast<std::size_t>(rank)] = true;
  RankNews news;
  for (const Departure& departure : departures) depart(departure, news);
  // Of one instant, in the order of launching, as in simulation.
  std::ranges::sort(news.ended, {}, [](const auto& run) { return run->id; });
  return news;
}

void Ranks::depart(const Departure& departure, RankNews& news) {
  RankRun& run = *departure.run;
  run.ended = std::max(run.ended, departure.at);
  if (!departure.why.empty()) {
    run.failed = true;
    recovering_ = true;
    // The others stop at their next boundary: the world can be armed again when nobody uses it.
    for (auto& [id, other] : runs_) other->preempt = true;
    news.said.push_back(departure.why);
  }
  if (--run.members_left > 0 || run.failed) return;
  news.ended.push_back(std::move(runs_.extract(run.id).mapped()));
}

bool Ranks::all_left() const {
  return std::ranges::all_of(runs_, [](const auto& run) { return run.second->members_left == 0; });
}

bool Ranks::sending() const {
  return std::ranges::any_of(ranks_, [](const auto& rank) { return rank->sending(); });
}

std::vector<std::unique_ptr<RankRun>> Ranks::rearm() {
  std::vector<std::unique_ptr<RankRun>> failed;
  for (auto& [id, run] : runs_) failed.push_back(std::move(run));
  runs_.clear();
  world_.rearm();
  if (rearm_) rearm_();
  recovering_ = false;
  return failed;
}

std::vector<int> Ranks::dead() const {
  std::vector<int> dead;
  for (std::size_t rank = 0; rank < dead_.size(); ++rank)
    if (dead_[rank]) dead.push_back(static_cast<int>(rank));
  return dead;
}

void Ranks::forget(RequestId request) {
  for (const auto& rank : ranks_) rank->states().erase(request);
}

}  // namespace regroup::serve
