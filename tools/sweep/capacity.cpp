#include "tools/sweep/capacity.hpp"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>

namespace regroup::tools {
namespace {

// student_mean() is for 95 %; another confidence has the same standard error.
Estimate interval(const std::vector<double>& rates, double requests, double confidence) {
  Estimate estimate = student_mean(rates).within(0, 1);
  if (rates.size() == 1) return estimate;
  const boost::math::students_t distribution(static_cast<double>(rates.size() - 1));
  estimate.half_width *= boost::math::quantile(distribution, (1 + confidence) / 2) /
                         boost::math::quantile(distribution, 0.975);
  estimate.half_width = std::max(estimate.half_width, -std::log(1 - confidence) / requests);
  return estimate;
}

// The intervals are apart. Points with one run have none, and compare as false.
bool surely_more(const Probe& one, const Probe& other) {
  return one.violation_rate.low() > other.violation_rate.high();
}

class Search {
 public:
  Search(const CapacitySearch& search, const std::function<ProbeRun(double point, int seed)>& run)
      : search_(search), run_(run) {}

  Capacity result() {
    find();
    found_.decided =
        found_.answer().decided && (!found_.over || found_.probes[*found_.over].decided);
    found_.monotone = monotone();
    return std::move(found_);
  }

 private:
  void find() {
    if (!under(search_.easy)) {
      found_.over = 0;
      return;
    }
    found_.end = Capacity::End::kAllUnder;
    if (search_.easy == search_.hard) return;
    if (under(search_.hard)) {
      found_.best = found_.probes.size() - 1;
      return;
    }
    found_.over = found_.probes.size() - 1;
    found_.end = Capacity::End::kBetween;
    double good = search_.easy, bad = search_.hard;
    while (!close(good, bad)) {
      const double middle = between(good, bad);
      if (under(middle)) {
        good = middle;
        found_.best = found_.probes.size() - 1;
      } else {
        bad = middle;
        found_.over = found_.probes.size() - 1;
      }
    }
  }

  bool close(double good, double bad) const {
    const double gap = std::abs(good - bad);
    return search_.whole ? gap <= 1 : gap <= search_.tolerance * std::max(good, bad);
  }

  double between(double good, double bad) const {
    const double middle = (good + bad) / 2;
    return search_.whole ? std::floor(middle) : middle;
  }

  bool under(double point) {
    Probe probe{.point = point, .seeds = 0, .violation_rate = {}, .under = false, .decided = false};
    std::vector<double> rates;
    double requests = 0;
    while (!probe.decided && probe.seeds < search_.max_seeds) {
      const ProbeRun one = run_(point, probe.seeds++);
      rates.push_back(one.violation_rate);
      requests += one.requests;
      probe.violation_rate = interval(rates, requests, search_.confidence);
      if (probe.seeds < search_.min_seeds) continue;
      // Without an interval (a single seed) both are false.
      probe.decided = probe.violation_rate.high() <= search_.target ||
                      probe.violation_rate.low() > search_.target;
    }
    probe.under = probe.violation_rate.mean <= search_.target;
    found_.probes.push_back(probe);
    return probe.under;
  }

  bool monotone() const {
    const auto harder = [&](const Probe& one, const Probe& other) {
      return search_.easy < search_.hard ? one.point > other.point : one.point < other.point;
    };
    for (const Probe& one : found_.probes)
      for (const Probe& other : found_.probes)
        if (harder(other, one) && surely_more(one, other)) return false;
    return true;
  }

  const CapacitySearch& search_;
  const std::function<ProbeRun(double point, int seed)>& run_;
  Capacity found_;
};

}  // namespace

Capacity search_capacity(const CapacitySearch& search,
                         const std::function<ProbeRun(double point, int seed)>& run) {
  return Search(search, run).result();
}

}  // namespace regroup::tools
