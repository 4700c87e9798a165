// Takes what a policy decides, checks it at once, and keeps it until decide() has returned.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "core/decision.hpp"
#include "core/policy_handle.hpp"
#include "core/world.hpp"

namespace regroup {

class DecisionChecker final : public Decisions {
 public:
  DecisionChecker(World& world, const Catalog& catalog);

  // Before each decide().
  void begin();
  // After it: throws PolicyError for the first broken rule.
  void finish(const PolicyHandle& policy) const {
    if (!error_.empty()) complain(policy);
  }

  std::span<const Decision> decisions() const { return {decisions_.data(), made_}; }
  // The world's own, by its address.
  std::span<const Task* const> tasks(const Decision& decision) const {
    return {tasks_.data() + decision.first_task, decision.task_count};
  }

  void place_batch(std::span<const Task* const> tasks, const Group& group, Layout layout,
                   int steps) noexcept override;
  void preempt(const Task& task) noexcept override;
  void reject(const Task& task) noexcept override;
  void wake_at(TimePoint when) noexcept override;
  const IdleGpus& idle() const noexcept override { return world_.idle(); }

 private:
  [[noreturn]] void complain(const PolicyHandle& policy) const;
  // The rule that a decision breaks, or nothing.
  using Broken = std::optional<std::string>;
  // Whether the placement is what nearly all are, and breaks no rule: one task on idle GPUs of one
  // node, in a layout that was placed lately. Of any other broken_place() finds out.
  bool plainly_right(std::span<const Task* const> tasks, const Group& group, Layout layout,
                     int steps) const;
  // What broken_place() finds out; a broken rule is noted.
  bool right(std::span<const Task* const> tasks, const Group& group, Layout layout, int steps);
  // The next of decisions(), of that kind.
  Decision& next(Decision::Kind kind);
  Broken broken_place(std::span<const Task* const> tasks, const Group& group, Layout layout,
                      int steps) const;
  Broken broken_task(const Task* task) const;
  Broken broken_group(const Group& group) const;
  Broken broken_preempt(const Task& task) const;
  Broken broken_reject(const Task& task) const;
  // What the placement takes on each of its GPUs; nothing if the model cannot have that layout.
  std::optional<std::int64_t> bytes_needed(const Task& task, Layout layout,
                                           std::size_t batch) const;
  struct Answer;
  Answer& answer_of(const Task& task, Layout layout) const;
  // Runs `check` and notes the first broken rule with what was decided.
  template <class Check, class Describe>
  bool accept(Check check, Describe describe) noexcept;

  World& world_;
  const Catalog& catalog_;
  std::vector<Decision> decisions_;  // the first made_ count
  std::size_t made_ = 0;
  std::vector<const Task*> tasks_;
  std::uint64_t call_ = 0;
  std::int64_t least_memory_ = 0;  // that is free on any GPU
  std::string error_;

  // What the catalog said lately: it says the same throughout a run, and takes longer to do so.
  struct Answer {
    ShapeId shape{};
    std::uint8_t stage = 0;
    Layout layout{};
    std::size_t batch = 0;  // 0: none yet
    std::int64_t bytes = 0;
    bool is_of(const Task& task, Layout wanted, std::size_t tasks) const {
      return batch == tasks && shape == task.shape_id && stage == task.stage && layout == wanted;
    }
  };
  mutable std::array<Answer, 256> answers_{};
};

}  // namespace regroup
