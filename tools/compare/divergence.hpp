// Where two runs of one policy begin to decide differently.
#pragma once

#include <cstdint>
#include <functional>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "regroup/policy/types.hpp"

namespace regroup::tools {

struct RecordedDecision {
  std::uint64_t number = 0;  // in its run, from 1
  TimePoint at{};
  std::string
      what;  // "place on 0,1 cfg1.u2.r1, 50 steps, run 5", "preempt run 4", "reject 7", "wake"
  std::string tasks;  // "denoise of r000003"; empty for decisions about none, and if unknown
  TimePoint when{};   // wake
};

// One of the journals. The reference must outlive the comparison.
struct RecordedRun {
  std::istream& journal;
  std::string name;  // stands for the file in messages
  // What a run was of, "denoise of r000003"; empty if that is not known. Task numbers say nothing:
  // they count the tasks of a run in the order in which they became ready. Without it they stand.
  std::function<std::string(std::uint64_t run)> tasks_of{};
};

struct Divergence {
  std::uint64_t agreed = 0;     // decisions before the first that differs
  std::uint64_t simulated = 0;  // decisions in all
  std::uint64_t measured = 0;
  bool found = false;
  // Around the first difference: up to two before it, itself, and up to two after it. A run that
  // ends there has fewer.
  std::vector<RecordedDecision> simulated_near, measured_near;
};

// Compares the decisions of two journals in order: what was decided, on which run, tasks and GPUs,
// in which layout and for how many steps. Events are passed over: they may well differ. So are the
// instants, unless a tolerance is given; then a decision taken further apart differs too, and so
// does one that asks to be woken at another time. Throws what JournalReader does.
Divergence first_divergence(RecordedRun simulated, RecordedRun measured,
                            std::optional<Duration> tolerance);

}  // namespace regroup::tools
