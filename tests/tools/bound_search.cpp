#include <algorithm>
#include <map>
#include <numeric>

#include "tests/tools/bound_fixture.hpp"

namespace regroup::testing {
namespace {

// Where a request stands: the stage it is in (the number of stages: done), and what is left of it.
struct Standing {
  std::size_t stage = 0;
  std::int64_t left = 0;
  auto operator<=>(const Standing&) const = default;
};

constexpr Standing kLost{0, -1};

class Search {
 public:
  Search(const SlotCatalog& catalog, const std::vector<Request>& requests)
      : catalog_(catalog), requests_(requests), stages_(catalog.stages({}).size()) {
    for (const Request& r : requests) {
      end_ = std::max(end_, static_cast<int>(r.deadline.time_since_epoch() / kSlot));
      for (std::size_t stage = 0; stage < stages_; ++stage)
        for (int degree = 1; degree <= gpus(); ++degree)
          for (int batch = 1; batch <= static_cast<int>(requests.size()); ++batch)
            if (const int slots = catalog.slots(r.shape_id, stage, degree, batch); slots > 0)
              unit_ = std::lcm(unit_, std::int64_t{slots});
    }
  }

  int best() {
    std::vector<Standing> start;
    for (const Request& r : requests_) start.push_back({0, work(r, 0)});
    return best_from(0, start);
  }

 private:
  int gpus() const { return static_cast<int>(catalog_.gpus().size()); }
  // In units of which a slot does a whole number in every layout.
  std::int64_t work(const Request& r, std::size_t stage) const {
    return unit_ * (catalog_.stages({}).stage(stage).kind == StageKind::kDenoise ? r.steps : 1);
  }
  bool may_run(std::size_t i, int t, const Standing& s) const {
    return s.stage < stages_ && s != kLost && requests_[i].arrival <= slot(t);
  }

  // The most that are in time from slot t on.
  int best_from(int t, std::vector<Standing> at) {
    for (std::size_t i = 0; i < at.size(); ++i)
      if (hopeless(i, t, at[i])) at[i] = kLost;  // whatever was done of it
    const auto in_time = [&](const Standing& s) { return s.stage == stages_; };
    if (t == end_) return static_cast<int>(std::ranges::count_if(at, in_time));
    const auto [known, is_new] = known_.try_emplace({t, at}, 0);
    if (!is_new) return known->second;
    int best = 0;
    assign(t, 0, gpus(), at, at, std::vector<bool>(at.size()), best);
    return known->second = best;
  }

  bool hopeless(std::size_t i, int t, const Standing& s) const {
    if (s.stage == stages_) return false;
    if (s == kLost) return true;
    int slots = 0;  // at the rate of the fastest layout, alone
    for (std::size_t stage = s.stage; stage < stages_; ++stage) {
      std::int64_t rate = 0;
      for (int degree = 1; degree <= gpus(); ++degree)
        if (const int step = catalog_.slots(requests_[i].shape_id, stage, degree, 1); step > 0)
          rate = std::max(rate, unit_ / step);
      const std::int64_t left = stage == s.stage ? s.left : work(requests_[i], stage);
      slots += static_cast<int>((left + rate - 1) / rate);
    }
    return slot(t + slots) > requests_[i].deadline;
  }

  // All ways to share the GPUs left among the requests from i on.
  void assign(int t, std::size_t i, int left, const std::vector<Standing>& before,
              std::vector<Standing> after, std::vector<bool> given, int& best) {
    if (best == std::ranges::count_if(before, [](const Standing& s) { return s != kLost; })) return;
    while (i < before.size() && (given[i] || !may_run(i, t, before[i]))) ++i;
    if (i == before.size()) {
      best = std::max(best, best_from(t + 1, std::move(after)));
      return;
    }
    // Batches that take as long as their requests one after another gain nothing.
    const bool batches = catalog_.costs(requests_[i].shape_id).free_batches;
    std::vector<std::size_t> others;
    for (std::size_t j = i + 1; j < before.size(); ++j)
      if (batches && !given[j] && may_run(j, t, before[j]) && before[j].stage == before[i].stage &&
          requests_[j].shape_id == requests_[i].shape_id)
        others.push_back(j);
    for (unsigned subset = 0; subset < 1u << others.size(); ++subset) {
      std::vector<std::size_t> batch = {i};
      for (std::size_t k = 0; k < others.size(); ++k)
        if ((subset >> k & 1) != 0) batch.push_back(others[k]);
      for (int degree = 1; degree <= left; ++degree) {
        const int slots = catalog_.slots(requests_[i].shape_id, before[i].stage, degree,
                                         static_cast<int>(batch.size()));
        if (slots == 0) continue;
        auto next = after;
        auto taken = given;
        for (const std::size_t member : batch) {
          taken[member] = true;
          advance(next[member], requests_[member], unit_ / slots);
        }
        assign(t, i + 1, left - degree, before, std::move(next), std::move(taken), best);
      }
    }
    assign(t, i + 1, left, before, std::move(after), std::move(given), best);
  }

  void advance(Standing& s, const Request& r, std::int64_t done) const {
    s.left -= done;
    if (s.left > 0) return;
    ++s.stage;
    s.left = s.stage < stages_ ? work(r, s.stage) : 0;
  }

  const SlotCatalog& catalog_;
  const std::vector<Request>& requests_;
  std::size_t stages_;
  int end_ = 0;
  std::int64_t unit_ = 1;
  std::map<std::pair<int, std::vector<Standing>>, int> known_;
};

}  // namespace

int best_attained(const SlotCatalog& catalog, const std::vector<Request>& requests) {
  return Search(catalog, requests).best();
}

}  // namespace regroup::testing
