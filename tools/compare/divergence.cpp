#include "tools/compare/divergence.hpp"

#include <fmt/format.h>

#include <chrono>
#include <deque>

#include "core/journal_reader.hpp"
#include "core/result_text.hpp"

namespace regroup::tools {
namespace {

constexpr std::size_t kNeighbours = 2;

// The decisions of one journal, one after another.
class Decisions {
 public:
  explicit Decisions(RecordedRun run)
      : reader_(run.journal, std::move(run.name)), tasks_of_(std::move(run.tasks_of)) {}

  // nullopt at the end.
  std::optional<RecordedDecision> next() {
    while (reader_.next(entry_))
      if (entry_.is_decision()) return decision();
    return std::nullopt;
  }

  std::uint64_t count() const { return count_; }

 private:
  using Kind = JournalEntry::Kind;

  RecordedDecision decision() {
    RecordedDecision decision;
    decision.number = ++count_;
    decision.at = entry_.at;
    decision.what = what();
    const bool of_run = entry_.kind == Kind::kPlace || entry_.kind == Kind::kPreempt;
    if (of_run && tasks_of_)
      decision.tasks = tasks_of_(entry_.run.value);
    else if (entry_.kind == Kind::kPlace)
      decision.tasks = "task " + numbers(entry_.tasks);
    if (entry_.kind == Kind::kWake) decision.when = entry_.when;
    return decision;
  }

  std::string what() const {
    switch (entry_.kind) {
      case Kind::kPlace:
        return fmt::format("place on {} {}, {} {}, run {}", numbers(entry_.group),
                           text_of(entry_.layout), entry_.steps,
                           entry_.steps == 1 ? "step" : "steps", entry_.run.value);
      case Kind::kPreempt:
        return fmt::format("preempt run {}", entry_.run.value);
      case Kind::kReject:
        return fmt::format("reject {}", entry_.request.value);
      default:
        return "wake";
    }
  }

  template <class Ids>
  static std::string numbers(const Ids& ids) {
    std::string text;
    for (const auto& id : ids) {
      if (!text.empty()) text += ',';
      append_number(text, id.value);
    }
    return text;
  }

  JournalReader reader_;
  std::function<std::string(std::uint64_t)> tasks_of_;
  JournalEntry entry_;
  std::uint64_t count_ = 0;
};

bool agree(const RecordedDecision& a, const RecordedDecision& b,
           std::optional<Duration> tolerance) {
  const auto within = [&](TimePoint x, TimePoint y) {
    return !tolerance || std::chrono::abs(x - y) <= *tolerance;
  };
  // A run that never ended left no tasks behind.
  const bool same_tasks = a.tasks == b.tasks || a.tasks.empty() || b.tasks.empty();
  return a.what == b.what && same_tasks && within(a.at, b.at) && within(a.when, b.when);
}

// What is left of the journal is counted; its first decisions are kept as neighbours.
void read_rest(Decisions& decisions, std::vector<RecordedDecision>& near) {
  for (std::size_t kept = 0; auto decision = decisions.next(); ++kept)
    if (kept < kNeighbours) near.push_back(std::move(*decision));
}

}  // namespace

Divergence first_divergence(RecordedRun simulated, RecordedRun measured,
                            std::optional<Duration> tolerance) {
  Decisions left(std::move(simulated)), right(std::move(measured));
  Divergence result;
  std::deque<std::pair<RecordedDecision, RecordedDecision>> before;
  for (;;) {
    std::optional<RecordedDecision> a = left.next(), b = right.next();
    if (!a && !b) break;
    if (a && b && agree(*a, *b, tolerance)) {
      ++result.agreed;
      before.emplace_back(std::move(*a), std::move(*b));
      if (before.size() > kNeighbours) before.pop_front();
      continue;
    }
    result.found = true;
    for (auto& [x, y] : before) {
      result.simulated_near.push_back(std::move(x));
      result.measured_near.push_back(std::move(y));
    }
    if (a) result.simulated_near.push_back(std::move(*a));
    if (b) result.measured_near.push_back(std::move(*b));
    read_rest(left, result.simulated_near);
    read_rest(right, result.measured_near);
    break;
  }
  result.simulated = left.count();
  result.measured = right.count();
  return result;
}

}  // namespace regroup::tools
