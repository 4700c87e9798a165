#include "tools/compare/divergence.hpp"

#include <chrono>
#include <deque>
#include <sstream>

#include "core/errors.hpp"

namespace regroup::tools {
namespace {

constexpr std::size_t kNeighbours = 2;

// The decisions of one journal, one after another.
class Decisions {
 public:
  explicit Decisions(JournalText journal) : journal_(std::move(journal)) {
    if (!std::getline(journal_.text, line_) || line_ != "# regroup journal v1")
      fail<ConfigError>("{}:1: expected '# regroup journal v1'", journal_.name);
  }

  // nullopt at the end.
  std::optional<RecordedDecision> next() {
    while (std::getline(journal_.text, line_)) {
      ++line_number_;
      if (line_.starts_with("d ")) return decision();
    }
    return std::nullopt;
  }

  std::uint64_t count() const { return count_; }

 private:
  RecordedDecision decision() {
    std::istringstream words(line_.substr(2));
    std::int64_t at = 0;
    std::string verb;
    words >> at >> verb;
    RecordedDecision decision;
    decision.number = ++count_;
    decision.at = TimePoint(Duration(at));
    decision.what = verb;
    std::uint64_t run = 0;
    if (verb == "place") {
      std::string tasks, gpus, layout;
      int steps = 0;
      words >> run >> tasks >> gpus >> layout >> steps;
      decision.what = fmt::format("place on {} {}, {} {}, run {}", gpus, layout, steps,
                                  steps == 1 ? "step" : "steps", run);
      decision.tasks = journal_.tasks_of ? journal_.tasks_of(run) : "task " + tasks;
    } else if (verb == "preempt") {
      words >> run;
      decision.what = fmt::format("preempt run {}", run);
      if (journal_.tasks_of) decision.tasks = journal_.tasks_of(run);
    } else if (verb == "reject") {
      std::uint64_t request = 0;
      words >> request;
      decision.what = fmt::format("reject {}", request);
    } else if (verb == "wake") {
      std::int64_t when = 0;
      words >> when;
      decision.when = TimePoint(Duration(when));
    } else {
      words.setstate(std::ios::failbit);
    }
    if (!words)
      fail<ConfigError>("{}:{}: '{}' is not a decision", journal_.name, line_number_, line_);
    return decision;
  }

  JournalText journal_;
  std::string line_;
  std::uint64_t line_number_ = 1;
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

Divergence first_divergence(JournalText simulated, JournalText measured,
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
