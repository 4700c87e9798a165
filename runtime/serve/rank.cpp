#include "runtime/serve/rank.hpp"

#include <algorithm>

#include "core/errors.hpp"
#include "runtime/collectives/collectives.hpp"
#include "runtime/collectives/describe.hpp"

namespace regroup::serve {
namespace {

constexpr std::size_t kQueueCapacity = 64;

}  // namespace

Rank::Rank(int rank, Clock& clock, collectives::World& world, std::unique_ptr<RankDevice> device,
           StateStore& snapshots, RankListener& listener, RankOptions options)
    : rank_(rank),
      clock_(clock),
      world_(world),
      device_(std::move(device)),
      snapshots_(snapshots),
      listener_(listener),
      options_(std::move(options)),
      runs_(clock, kQueueCapacity),
      sends_(clock, kQueueCapacity) {
  worker_ = start(&Rank::serve);
  sender_ = start(&Rank::serve_sends);
}

std::thread Rank::start(void (Rank::*body)()) {
  return std::thread([this, body, thread = clock_.announce()] {
    clock_.enter(thread);
    try {
      (this->*body)();
    } catch (...) {
      listener_.broke(std::current_exception());
    }
    clock_.leave();
  });
}

Rank::~Rank() {
  worker_.join();
  sender_.join();
}

void Rank::serve() {
  device_->attach();
  while (RankRun* run = runs_.pop()) {
    std::string why;
    const End end = execute(*run, why);
    if (end == End::kDied) {
      listener_.died(rank_);
      listener_.left(*run, rank_, why);
      return;
    }
    listener_.left(*run, rank_, end == End::kFailed ? why : std::string());
  }
}

void Rank::send(Put order) {
  unsent_.fetch_add(1, std::memory_order_relaxed);
  sends_.push(std::move(order));
}

void Rank::stop() {
  runs_.push(nullptr);
  sends_.push(std::nullopt);
}

void Rank::serve_sends() {
  device_->attach_sender();
  while (const std::optional<Put> order = sends_.pop()) {
    device_->put(*order, clock_.now() + options_.patience);
    unsent_.fetch_sub(1, std::memory_order_release);
  }
}

bool Rank::strikes(Fault::Kind kind) {
  const auto found = std::ranges::find_if(options_.faults, [&](const Fault& fault) {
    return fault.kind == kind && fault.at <= clock_.now();
  });
  if (found == options_.faults.end()) return false;
  if (kind == Fault::Kind::kDelay) clock_.sleep_until(clock_.now() + found->delay);
  options_.faults.erase(found);
  return true;
}

Rank::End Rank::execute(RankRun& run, std::string& why) {
  const int member = run.ranks.position(rank_);
  const bool leader = member == 0;
  const TimePoint taken = clock_.now();
  if (leader && options_.wait_for_overheads) wait_for_overheads(run);
  if (!receive_states(run, why)) return End::kFailed;
  for (const RunTask& task : run.tasks)
    if (!prepare(task, why)) return End::kFailed;
  const Duration overheads = run.dispatch + run.setup + run.migrate;
  if (!barrier(run.ranks, overheads, why)) return End::kFailed;
  TimePoint begun = clock_.now();
  if (leader && !options_.wait_for_overheads) run.times.migrate = begun - taken;

  for (int index = 0; index < run.steps && index < run.stop_at; ++index) {
    if (strikes(Fault::Kind::kKill)) {
      why = fmt::format("rank {} was killed in step {} of run {}", rank_, index, run.id.value);
      return End::kDied;
    }
    strikes(Fault::Kind::kDelay);
    if (!step(run, member, index, why)) return End::kFailed;
    const bool last = index + 1 == run.steps;
    if (leader) {
      if (!last && !run.preempt) clock_.settle();
      if (run.preempt) run.stop_at = index + 1;
    }
    collectives::RankGroup group = run.ranks;
    if (strikes(Fault::Kind::kSwap)) group.step = ~group.step;  // another operation than its peers'
    if (!barrier(group, run.step, why)) return End::kFailed;
    commit(run, leader);
    begun = clock_.now();
    if (leader) {
      run.steps_done = index + 1;
      run.times.compute =
          begun - (taken + (options_.wait_for_overheads ? overheads : run.times.migrate));
    }
  }
  for (const RunTask& task : run.tasks) {
    if (!task.last_stage) continue;
    states_.erase(task.request);
    if (leader) snapshots_.erase(task.request);
  }
  if (!run.tasks[0].last_stage && strikes(Fault::Kind::kCorrupt)) {
    State& state = states_.find(run.tasks[0].request);
    state.data = device_->corrupted(state.data);
  }
  return End::kDone;
}

void Rank::wait_for_overheads(RankRun& run) {
  clock_.sleep_until(clock_.now() + run.dispatch + run.setup + run.migrate);
  run.times.setup = run.setup;
  run.times.migrate = run.migrate;
}

// Takes in what others have put into this rank's window.
bool Rank::receive_states(RankRun& run, std::string& why) {
  for (const RunTask& task : run.tasks) {
    if (task.put.position(rank_) < 1) continue;
    const TimePoint deadline =
        clock_.now() + run.dispatch + run.setup + run.migrate + options_.patience;
    StateRef data = device_->await_put(task, deadline, why);
    if (data == nullptr) return false;
    states_.find(task.request) = {task.put_stage, task.put_steps, std::move(data), nullptr};
  }
  return true;
}

// Brings the state to where the task begins: back by a step that failed elsewhere, or on to the
// next stage. Whatever has reached this rank is checked.
bool Rank::prepare(const RunTask& task, std::string& why) {
  State& state = states_.find(task.request);
  if (state.stage == task.stage && state.steps == task.steps_done + 1) {
    state.data = state.before;
    state.steps = task.steps_done;
  }
  if (state.stage >= 0) {
    RunTask before = task;
    before.stage = static_cast<std::uint8_t>(state.stage);
    why = device_->check(before, state.steps, state.data);
    if (why.empty() && state.stage == task.stage && state.steps != task.steps_done)
      why = fmt::format("the state of request {} has {} steps, not {}", task.request.value,
                        state.steps, task.steps_done);
    if (!why.empty()) {
      why = fmt::format("rank {}: {}", rank_, why);
      states_.erase(task.request);
      return false;
    }
  }
  if (state.stage != task.stage) {
    state.stage = task.stage;
    state.steps = 0;
    state.data = device_->begin(task, state.data);
  }
  return true;
}

bool Rank::step(RankRun& run, int member, int index, std::string& why) {
  const TimePoint begun = clock_.now();
  const TimePoint deadline = begun + run.step + options_.patience;
  next_.resize(run.tasks.size());
  for (std::size_t i = 0; i < run.tasks.size(); ++i) {
    const StepContext context{run, member, index, begun, clock_, deadline};
    const RunTask& task = run.tasks[i];
    next_[i] = device_->step(context, task, states_.find(task.request).data, why);
    if (next_[i] == nullptr) return false;
  }
  return true;
}

// All members have done the step: it counts.
void Rank::commit(RankRun& run, bool leader) {
  for (std::size_t i = 0; i < run.tasks.size(); ++i) {
    State& state = states_.find(run.tasks[i].request);
    state.before = std::move(state.data);
    state.data = std::move(next_[i]);
    ++state.steps;
    if (!leader) continue;
    State& snapshot = snapshots_.find(run.tasks[i].request);
    snapshot.stage = state.stage;
    snapshot.steps = state.steps;
    snapshot.data = device_->snapshot(state.data);
  }
}

bool Rank::barrier(const collectives::RankGroup& group, Duration expected, std::string& why) {
  const TimePoint deadline = clock_.now() + expected + options_.patience;
  collectives::Collectives<Look, ClockReading> ranks(world_, rank_, Look{&clock_, deadline},
                                                     ClockReading{&clock_});
  if (ranks.barrier(group, deadline.time_since_epoch().count()) == collectives::Status::kOk)
    return true;
  why = collectives::describe(ranks.failure());
  return false;
}

}  // namespace regroup::serve
