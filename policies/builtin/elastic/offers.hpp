// What idle GPUs could be used for, the best first.
#pragma once

#include <vector>

#include "policies/builtin/elastic/job.hpp"
#include "policies/builtin/elastic/settings.hpp"

namespace regroup::elastic {

struct Offer {
  double gain;  // rate of completions, for each GPU
  TaskId id;
  std::uint32_t slot;
  int width;
  bool for_saved;  // may come before somebody who waits
  bool operator<(const Offer& o) const { return gain != o.gain ? gain < o.gain : id > o.id; }
};

// What `to` instead of `from` GPUs are worth, for each one.
inline double gain(const Job& job, int from, int to) {
  const double before = from == 0 ? 0 : 1 / job.left_with(from);
  return (1 / job.left_with(to) - before) / (to - from);
}

// Seconds until the job's work begins there: group set-up, moving the latents, dispatch.
inline double start_price(const ClusterView& view, const Job& job, const Group& group) {
  const CostModel& cost = view.cost();
  return to_seconds(cost.setup(group) + cost.migrate(view.task(job.order.slot), group) +
                    cost.dispatch());
}

class Offers {
 public:
  // `live`: how many requests there are; `capacity`: GPUs.
  void begin(Objective objective, std::size_t live, int capacity) {
    heap_.clear();
    objective_ = objective;
    others_ = live > 0 ? static_cast<double>(live - 1) : 0;
    capacity_ = capacity;
  }
  bool empty() const { return heap_.empty(); }
  const Offer& best() const { return heap_.front(); }
  Offer take() {
    std::pop_heap(heap_.begin(), heap_.end());
    const Offer best = heap_.back();
    heap_.pop_back();
    return best;
  }

  // Adds the job's next width that is worth it.
  void next_of(const Job& job) {
    const Curve& curve = *job.curve;
    for (std::size_t w = 0; w < curve.widths && curve.gpus[w] <= curve.widest_now; ++w) {
      const int width = curve.gpus[w];
      if (width <= job.width || !worth_its_work(job, w)) continue;
      heap_.push_back({gain(job, job.width, width), job.order.id, job.order.slot, width,
                       job.width == 0 || to_be_saved(job)});
      std::push_heap(heap_.begin(), heap_.end());
      return;
    }
  }

 private:
  static constexpr double kWorthwhile = 0.02;  // the least relative gain that changes a run

  // Wider is sooner, and more work. For a request to be saved, sooner is enough. For any other,
  // what it gains must be more than all others lose, each of them the time that the cluster takes
  // for the additional work.
  bool worth_its_work(const Job& job, std::size_t w) const {
    if (job.width == 0) return true;
    const double before = job.left_with(job.width);
    const double sooner = before - job.left(w);
    if (sooner <= kWorthwhile * before) return false;
    if (to_be_saved(job)) return true;
    const double more_work = job.area(w) - before * job.width;
    return sooner > others_ * more_work / capacity_;
  }
  bool to_be_saved(const Job& job) const {
    return job.saved && objective_ == Objective::kViolations;
  }

  Objective objective_ = Objective::kViolations;
  double others_ = 0;
  double capacity_ = 1;
  std::vector<Offer> heap_;
};

}  // namespace regroup::elastic
