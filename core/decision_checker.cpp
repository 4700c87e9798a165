#include "core/decision_checker.hpp"

#include <algorithm>
#include <bit>

#include "core/errors.hpp"

namespace regroup {
namespace {

constexpr std::nullopt_t kKept = std::nullopt;

std::string text(const Group& group) {
  std::string out = group.size() == 1 ? "GPU" : "GPUs";
  for (const GpuId gpu : group) out += fmt::format(" {}", gpu.value);
  return out;
}

std::string text(const Task& task) {
  return fmt::format("task {} of request {}", task.id.value, task.request.value);
}

std::string text(Layout layout) {
  return fmt::format("cfg {} x ulysses {} x ring {} x tp {}", layout.cfg, layout.ulysses,
                     layout.ring, layout.tp);
}

}  // namespace

DecisionChecker::DecisionChecker(World& world, const Catalog& catalog)
    : world_(world),
      catalog_(catalog),
      least_memory_(std::ranges::min(world.gpus(), {}, &Gpu::memory_free_bytes).memory_free_bytes) {
}

void DecisionChecker::begin() {
  made_ = 0;
  tasks_.clear();
  ++call_;
}

void DecisionChecker::complain(const PolicyHandle& policy) const {
  fail<PolicyError>("policy '{}' broke its contract at t={:.9f} s: {}", policy.name(),
                    to_seconds(world_.now()), error_);
}

template <class Check, class Describe>
bool DecisionChecker::accept(Check check, Describe describe) noexcept {
  if (!error_.empty()) return false;
  // An exception here is out of memory or a bug of ours; like every noexcept it ends the program.
  const Broken broken = check();
  if (!broken) return true;
  error_ = fmt::format("{}: {}", describe(), *broken);
  return false;
}

void DecisionChecker::place_batch(std::span<const Task* const> tasks, const Group& group,
                                  Layout layout, int steps) noexcept {
  if (!plainly_right(tasks, group, layout, steps) && !right(tasks, group, layout, steps)) return;
  Decision& decision = next(Decision::Kind::kPlace);
  decision.group = group;
  decision.layout = layout;
  decision.first_task = static_cast<std::uint32_t>(tasks_.size());
  decision.task_count = static_cast<std::uint32_t>(tasks.size());
  decision.steps = steps;
  if (steps == kUntilToldOtherwise) {
    decision.steps = tasks[0]->steps_left();
    for (const Task* task : tasks) decision.steps = std::min(decision.steps, task->steps_left());
  }
  for (const Task* claimed : tasks) {
    LiveTask& task = *world_.live(*claimed);
    task.decided_in = call_;
    tasks_.push_back(&task);
  }
  world_.idle().take(group);
}

// Inline, as others below: see control_loop.cpp.
//
// Reused, so that nobody has to clear its large group: what the kind does not have is an older
// decision's.
inline Decision& DecisionChecker::next(Decision::Kind kind) {
  if (made_ == decisions_.size()) decisions_.emplace_back();
  Decision& decision = decisions_[made_++];
  decision.kind = kind;
  decision.first_task = decision.task_count = 0;
  return decision;
}

bool DecisionChecker::right(std::span<const Task* const> tasks, const Group& group, Layout layout,
                            int steps) {
  const auto describe = [&] {
    std::string names;
    for (const Task* task : tasks) names += (names.empty() ? "" : ", ") + text(*task);
    return fmt::format(
        "place({} on {}, {}, steps {})", names, text(group), text(layout),
        steps == kUntilToldOtherwise ? "until told otherwise" : fmt::format("{}", steps));
  };
  return accept([&] { return broken_place(tasks, group, layout, steps); }, describe);
}

inline bool DecisionChecker::plainly_right(std::span<const Task* const> tasks, const Group& group,
                                           Layout layout, int steps) const {
  if (tasks.size() != 1 || tasks[0] == nullptr || !error_.empty()) return false;
  const LiveTask* const task = world_.live(*tasks[0]);
  if (task == nullptr || task->running || task->decided_in == call_ || steps < 0 ||
      steps > task->steps_left())
    return false;
  const Answer& answer = answer_of(*task, layout);
  return answer.is_of(*task, layout, 1) && answer.bytes <= least_memory_ &&
         static_cast<std::size_t>(layout.size()) == group.size() && !group.overflowed() &&
         world_.idle().contains_on_one_node(group);
}

DecisionChecker::Broken DecisionChecker::broken_place(std::span<const Task* const> tasks,
                                                      const Group& group, Layout layout,
                                                      int steps) const {
  if (tasks.empty()) return "a placement needs a task";
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (Broken broken = broken_task(tasks[i])) return broken;
    for (std::size_t j = 0; j < i; ++j)
      if (tasks[j]->slot == tasks[i]->slot) return text(*tasks[i]) + " is in the batch twice";
    if (tasks[i]->model != tasks[0]->model || tasks[i]->shape_id != tasks[0]->shape_id ||
        tasks[i]->stage != tasks[0]->stage)
      return text(*tasks[i]) + " differs from the batch's first in model, shape or stage";
  }
  if (Broken broken = broken_group(group)) return broken;
  const Task& task = *tasks[0];
  if (static_cast<std::size_t>(layout.size()) != group.size())
    return fmt::format("the layout is for {} GPUs, the group has {}", layout.size(), group.size());
  const auto needed = bytes_needed(task, layout, tasks.size());
  if (!needed) return catalog_.why_not(task.shape_id, task.stage, layout);
  for (const Task* each : tasks)
    if (steps < 0 || steps > each->steps_left())
      return fmt::format("{} has {} steps left; steps must be 1 to {}, or kUntilToldOtherwise",
                         text(*each), each->steps_left(), each->steps_left());
  for (const GpuId gpu : group)
    if (const std::int64_t free = world_.gpus()[gpu.value].memory_free_bytes; *needed > free)
      return fmt::format(
          "it needs {:.2f} GiB on each GPU, GPU {} has {:.2f} GiB beside the weights",
          static_cast<double>(*needed) / 0x1p30, gpu.value, static_cast<double>(free) / 0x1p30);
  return kKept;
}

inline DecisionChecker::Answer& DecisionChecker::answer_of(const Task& task, Layout layout) const {
  const std::uint64_t key = (std::uint64_t{task.shape_id.value} << 8 | task.stage) << 32 |
                            std::bit_cast<std::uint32_t>(layout);
  return answers_[key * 0x9E3779B97F4A7C15u >> 56];  // Fibonacci hashing: Knuth, TAOCP 3, 6.4
}

std::optional<std::int64_t> DecisionChecker::bytes_needed(const Task& task, Layout layout,
                                                          std::size_t batch) const {
  Answer& known = answer_of(task, layout);
  if (!known.is_of(task, layout, batch)) {
    if (!catalog_.why_not(task.shape_id, task.stage, layout).empty()) return std::nullopt;
    known = {
        .shape = task.shape_id,
        .stage = task.stage,
        .layout = layout,
        .batch = batch,
        .bytes = catalog_.memory_bytes(task.shape_id, task.stage, layout, static_cast<int>(batch))};
  }
  return known.bytes;
}

DecisionChecker::Broken DecisionChecker::broken_task(const Task* task) const {
  const LiveTask* live = task == nullptr ? nullptr : world_.live(*task);
  if (live == nullptr) return "there is no such task (any more)";
  if (live->running)
    return fmt::format("{} is not ready: it runs on {}", text(*live), text(live->group));
  if (live->decided_in == call_)
    return text(*live) + " was already placed or rejected in this call";
  return kKept;
}

DecisionChecker::Broken DecisionChecker::broken_group(const Group& group) const {
  if (!group.empty() && !group.overflowed() && world_.idle().contains_on_one_node(group))
    return kKept;
  if (group.empty()) return "the group is empty";
  if (group.overflowed()) return fmt::format("the group has more than {} GPUs", kMaxGroupSize);
  for (std::size_t i = 0; i < group.size(); ++i) {
    const GpuId gpu = group[i];
    if (gpu.value >= world_.gpus().size())
      return fmt::format("there is no GPU {}; the cluster has 0 to {}", gpu.value,
                         world_.gpus().size() - 1);
    for (std::size_t j = 0; j < i; ++j)
      if (group[j] == gpu) return fmt::format("GPU {} is in the group twice", gpu.value);
    if (world_.idle().contains(gpu)) continue;
    const Gpu& state = world_.gpus()[gpu.value];
    if (state.state == GpuState::kFailed) return fmt::format("GPU {} has failed", gpu.value);
    if (state.state == GpuState::kBusy)
      return fmt::format("GPU {} is not idle: run {} is on it", gpu.value, state.run.value);
    return fmt::format("GPU {} was already given away in this call", gpu.value);
  }
  return kKept;
}

void DecisionChecker::preempt(const Task& task) noexcept {
  if (!accept([&] { return broken_preempt(task); },
              [&] { return fmt::format("preempt({})", text(task)); }))
    return;
  next(Decision::Kind::kPreempt).task = world_.live(task);
}

DecisionChecker::Broken DecisionChecker::broken_preempt(const Task& task) const {
  const Task* live = world_.live(task);
  if (live == nullptr) return "there is no such task (any more)";
  if (!live->running) return "the task is not running";
  return kKept;
}

void DecisionChecker::reject(const Task& task) noexcept {
  if (!accept([&] { return broken_reject(task); },
              [&] { return fmt::format("reject({})", text(task)); }))
    return;
  LiveTask& live = *world_.live(task);
  live.decided_in = call_;
  next(Decision::Kind::kReject).task = &live;
}

DecisionChecker::Broken DecisionChecker::broken_reject(const Task& task) const {
  if (Broken broken = broken_task(&task)) return broken;
  const LiveRequest& request = World::owner(*world_.live(task));
  if (request.running_tasks > 0) return "another task of the request is running";
  for (const Decision& decision : decisions()) {
    if (decision.kind == Decision::Kind::kReject && decision.task->request == task.request)
      return "the request was already rejected in this call";
    for (const Task* placed : tasks(decision))
      if (placed->request == task.request)
        return "another task of the request was placed in this call";
  }
  return kKept;
}

void DecisionChecker::wake_at(TimePoint when) noexcept {
  const auto broken = [&]() -> Broken {
    if (when > world_.now()) return kKept;
    return fmt::format("it is not later than now ({:.9f} s)", to_seconds(world_.now()));
  };
  if (!accept(broken, [&] { return fmt::format("wake_at({:.9f} s)", to_seconds(when)); })) return;
  next(Decision::Kind::kWakeAt).when = when;
}

}  // namespace regroup
