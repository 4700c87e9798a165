// How much a policy can take: the hardest point at which violations stay under a target, found by
// bisection over noisy runs.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "tools/bench/student.hpp"

namespace regroup::tools {

// What is searched for, and how well. A point is a rate, a number of nodes or GPUs, or an SLO
// scale; which end of the range is the hard one depends on that.
struct CapacitySearch {
  double easy = 0, hard = 0;  // the ends of the range; either may be the larger
  bool whole = false;         // points are whole numbers, and the search ends at neighbours
  double tolerance = 0.05;    // otherwise it ends when this share of the larger end is left
  double target = 0.05;       // violation rate
  double confidence = 0.95;   // of the interval that decides a point
  int min_seeds = 3, max_seeds = 12;
};

// What a search sees of one run.
struct ProbeRun {
  double violation_rate = 0;
  double requests = 0;
};

// One point that was tried. Seeds are added from 0 on until the interval lies on one side of the
// target, or max_seeds are used; then the mean decides.
struct Probe {
  double point = 0;
  int seeds = 0;
  Estimate violation_rate;  // with the interval of the search's confidence
  bool under = false;       // held to be at most the target
  bool decided = false;     // by the interval, not by the mean
};

struct Capacity {
  enum class End {
    kBetween,   // `best` is under the target; one tolerance harder is over it
    kAllUnder,  // even the hard end is under it: `best` is that end
    kAllOver,   // even the easy end is over it: `best` is that end, and no answer
  };
  End end = End::kAllOver;
  std::size_t best = 0;  // position in `probes`: the hardest point held to be under the target
  std::optional<std::size_t> over;  // the easiest one held to be over it, if any is
  std::vector<Probe> probes;        // in the order tried
  // Those two were decided by their intervals. The others do not matter for what lies between them.
  bool decided = false;
  // False if some point has surely more violations than a harder one has (intervals apart): the
  // answer is then one crossing of the target, and there may be others.
  bool monotone = true;

  const Probe& answer() const { return probes[best]; }
  std::optional<double> over_point() const {
    if (!over) return std::nullopt;
    return probes[*over].point;
  }
};

// `run` is called for seeds 0, 1, ... of a point and must always give the same answer. What it
// throws leaves this call.
//
// The interval is Student's over the seeds, but never narrower than the rule of three allows
// (Hanley and Lippman-Hand, JAMA 1983: -ln(1 - confidence) / requests), as short runs without a
// violation would otherwise decide at once. It is looked at after every seed, so that the chance
// of a wrong decision is somewhat above 1 - confidence for each point.
Capacity search_capacity(const CapacitySearch& search,
                         const std::function<ProbeRun(double point, int seed)>& run);

}  // namespace regroup::tools
