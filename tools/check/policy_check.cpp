#include "tools/check/policy_check.hpp"

#include <fmt/format.h>

#include <functional>
#include <map>
#include <sstream>

#include "core/errors.hpp"
#include "core/journal_reader.hpp"
#include "tools/check/check_cases.hpp"

namespace regroup::tools {
namespace {

class EndlessWakes : public CheckFailed {
 public:
  using CheckFailed::CheckFailed;
};

// Ends a run in which the policy does nothing but have itself woken.
class WakeWatch final : public Observer {
 public:
  void on_arrival(TimePoint at, const Request&) override { something_happened(at); }
  void on_launch(TimePoint at, const Launch&) override { something_happened(at); }
  void on_run_end(const RunRecord& run) override { something_happened(run.ended); }
  void on_request_end(const RequestOutcome& outcome) override { something_happened(outcome.ended); }
  void on_instant(TimePoint at, std::size_t, int) override {
    if (++instants_ <= kMaxWakes) return;
    fail<EndlessWakes>(
        "it was woken {} times in a row, from t={:.9f} s to t={:.9f} s, and nothing else happened",
        kMaxWakes, to_seconds(since_), to_seconds(at));
  }

 private:
  static constexpr int kMaxWakes = 10'000;
  void something_happened(TimePoint at) {
    since_ = at;
    instants_ = 0;
  }
  int instants_ = 0;
  TimePoint since_{};
};

// Notes whether requests of the overload are still there when the calm after it ends.
class StarvationWatch final : public Observer {
 public:
  explicit StarvationWatch(const CheckCase& each)
      : overload_(each.overload),
        overload_end_(each.overload == 0 ? TimePoint{} : each.requests[each.overload - 1].arrival),
        calm_end_(each.requests.back().arrival) {}

  void on_arrival(TimePoint, const Request& request) override {
    if (request.id.value < overload_) left_.emplace(request.id, request.label);
  }
  void on_request_end(const RequestOutcome& outcome) override { left_.erase(outcome.request->id); }
  void on_instant(TimePoint at, std::size_t, int) override {
    if (at < calm_end_ || left_.empty() || !problem_.empty()) return;
    problem_ = fmt::format(
        "{} of the {} requests of the overload, which ended at t={:.0f} s, have not ended at "
        "t={:.0f} s, though a tenth of what the GPUs can do has come since; the first is '{}'",
        left_.size(), overload_, to_seconds(overload_end_), to_seconds(at), left_.begin()->second);
  }

  const std::string& problem() const { return problem_; }

 private:
  std::size_t overload_;
  TimePoint overload_end_;
  TimePoint calm_end_;
  std::map<RequestId, std::string> left_;  // of the overload, with their names in the trace
  std::string problem_;
};

// The loop tells a stall from a broken rule in words only.
bool is_stall(const PolicyError& error) {
  return std::string_view(error.what()).starts_with("nothing can happen any more");
}

// Where two journals part, as text. Of the second all instants are first taken that much earlier.
std::string first_difference(const std::string& a, const std::string& b, Duration earlier = {}) {
  std::istringstream left(a), right(b);
  JournalReader x_reader(left, "the first journal"), y_reader(right, "the second journal");
  JournalEntry x, y;
  while (true) {
    const bool more_x = x_reader.next(x), more_y = y_reader.next(y);
    if (!more_x && !more_y) return "";
    y.at -= earlier;
    y.when -= earlier;
    if (more_x && more_y && x == y) continue;
    return fmt::format("line {} of the journal: '{}' and '{}'",
                       more_x ? x_reader.line() : y_reader.line(), more_x ? text_of(x) : "(end)",
                       more_y ? text_of(y) : "(end)");
  }
}

class Checker {
 public:
  Checker(const std::string& policy, const std::map<std::string, std::string>& params)
      : policy_(policy), params_(params) {}

  void check(const CheckCase& each) {
    each_ = &each;
    if (!first_run() || !repeats()) return;
    replays();
    shifts();
  }

  std::vector<CheckResult> take_results() { return std::move(results_); }

 private:
  // Runs the case as it is described; the bytes of the journal.
  std::string journal_of(const CheckCase& each, std::vector<Observer*> observers = {}) const {
    std::string journal;
    Experiment experiment = experiment_of(each, policy_, params_);
    experiment.observers = std::move(observers);
    experiment.journal_bytes = &journal;
    run(experiment);
    return journal;
  }

  std::string command(const CheckCase& each) const { return command_of(each, policy_, params_); }

  void report(const char* check, std::string problem, std::string reproduce) {
    results_.push_back(
        {fmt::format("{}: {}", check, each_->name), std::move(problem), std::move(reproduce)});
  }

  // False: the run did not come to its end.
  bool first_run() {
    WakeWatch wakes;
    StarvationWatch starvation(*each_);
    std::string rules, stalls, conserves, starves;
    try {
      journal_ = journal_of(*each_, {&wakes, &starvation});
      starves = starvation.problem();
    } catch (const PolicyError& error) {
      (is_stall(error) ? stalls : rules) = error.what();
    } catch (const EndlessWakes& error) {
      stalls = error.what();
    } catch (const InternalError& error) {
      conserves = error.what();
    }
    const bool ended = rules.empty() && stalls.empty() && conserves.empty();
    report("rules", std::move(rules), command(*each_));
    report("stalls", std::move(stalls), command(*each_));
    report("conserves", std::move(conserves), command(*each_));
    if (ended && each_->overload > 0) report("starves", std::move(starves), command(*each_));
    return ended;
  }

  // What `attempt` says, or what ends it.
  static std::string problem_of(const std::function<std::string()>& attempt) {
    try {
      return attempt();
    } catch (const PolicyError& error) {
      return error.what();
    } catch (const CheckFailed& error) {
      return error.what();
    } catch (const InternalError& error) {
      return error.what();
    }
  }

  // False: the second run is another.
  bool repeats() {
    std::string problem = problem_of([&] {
      const std::string parts = first_difference(journal_, journal_of(*each_));
      return parts.empty() ? parts : "the second run parts from the first at " + parts;
    });
    const bool same = problem.empty();
    report("repeats", std::move(problem),
           fmt::format("{0} --out a; {0} --out b; diff <(regroup journal a) <(regroup journal b)",
                       command(*each_)));
    return same;
  }

  void replays() {
    report("replays", problem_of([&] {
             std::istringstream recording(journal_);
             Experiment experiment = experiment_of(*each_, policy_, params_);
             experiment.recording = &recording;
             run(experiment);
             return std::string();
           }),
           fmt::format("{0} --out a; {0} --on journal:a/journal", command(*each_)));
  }

  void shifts() {
    const CheckCase shifted = later(*each_, kOneDay);
    report("shifts", problem_of([&] {
             const std::string parts = first_difference(journal_, journal_of(shifted), kOneDay);
             return parts.empty() ? parts
                                  : "with all times a day later it decides otherwise at " + parts +
                                        " (the day taken off)";
           }),
           fmt::format("{} --out a; {} --out b", command(*each_), command(shifted)));
  }

  std::string policy_;
  std::map<std::string, std::string> params_;
  const CheckCase* each_ = nullptr;
  std::string journal_;  // of the first run
  std::vector<CheckResult> results_;
};

}  // namespace

std::vector<CheckResult> check_policy(const std::string& policy,
                                      const std::map<std::string, std::string>& params) {
  Checker checker(policy, params);
  for (const CheckCase& each : check_cases()) checker.check(each);
  return checker.take_results();
}

}  // namespace regroup::tools
