// Which requests can still be saved, all of them together.
#pragma once

#include <algorithm>
#include <vector>

namespace regroup::elastic {

// Moore's algorithm (1968: fewest late jobs on one machine), the machine being the GPU seconds of
// the whole cluster: in order of deadline, add up the GPU seconds that each request needs; where
// the sum exceeds what there is until then, set aside the request that needs most.
// Cost: O(log n) for each request.
class Triage {
 public:
  // `supply`: GPUs that there are. `spoken_for`: GPU seconds that come before all requests.
  void begin(double supply, double spoken_for) {
    kept_.clear();
    supply_ = supply;
    needed_ = spoken_for;
  }

  // The next request in order of deadline. `drop(id)` is called for each one set aside, which may
  // be this one.
  template <class Drop>
  void add(std::uint32_t id, double gpu_seconds, double until_deadline, Drop drop) {
    kept_.emplace_back(gpu_seconds, id);
    std::push_heap(kept_.begin(), kept_.end());
    needed_ += gpu_seconds;
    while (needed_ > supply_ * until_deadline && !kept_.empty()) {
      std::pop_heap(kept_.begin(), kept_.end());
      needed_ -= kept_.back().first;
      drop(kept_.back().second);
      kept_.pop_back();
    }
  }

 private:
  double supply_ = 0;
  double needed_ = 0;
  std::vector<std::pair<double, std::uint32_t>> kept_;  // a heap, the one that needs most on top
};

}  // namespace regroup::elastic
