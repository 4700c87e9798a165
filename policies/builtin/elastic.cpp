// regroup's own policy: the GPUs of every request may change at every step boundary.
//
// At each call:
//  1. What changed is taken in. Every live / 32 calls, all is looked at again (plan): triage says
//     which requests can still be saved, all of them together (elastic/triage.hpp), and who has
//     waited too long is promoted (elastic/ageing.hpp).
//  2. In order of deadline, every request to be saved gets the narrowest width in time. If no node
//     has it, the run boundaries to come are looked through for the node that has it soonest, and
//     what runs there without need makes room.
//  3. Every other idle GPU goes where it raises the rate of completions, 1 / time left, most: it
//     starts a waiting request (least work first) or widens one, also a running one if that is
//     worth the change. A few stay idle for requests that cannot wait (elastic/standby.hpp).
//  4. A running request that makes less of its last GPUs than a waiting one would makes room.
//  5. GPUs that wait for a boundary are lent for the whole steps that fit.
// Other objectives than violations save nobody. Fairness has another order of those who wait;
// throughput leaves out step 4, as every change costs time.
//
// Cost of a call: O(changes x log live) and the head of the queue (64) against the nodes where
// something changed; O(runs of 256 nodes) if somebody to be saved finds no idle GPUs, once for each
// width; a copy of what is idle, some ten bytes a node; and O(GPUs that stand by). A plan is O(live
// x (widths + log live)), every live / 32 calls. One of more than 2,048 tasks or 256 nodes goes on
// in the calls that follow, each with as many; so no call grows with the size of the world but for
// that copy. Up to that size it is one call's work, and the same as ever.
#include "policies/builtin/elastic/boundaries.hpp"
#include "policies/builtin/elastic/offers.hpp"
#include "regroup/policy/policy.hpp"

namespace {
using namespace regroup;
using namespace regroup::elastic;

class Elastic final : public Policy {
 public:
  static constexpr const char* kSource = "regroup";

  explicit Elastic(const Params& params) : planner_(params) {}

  void decide(const ClusterView& view, Decisions& out) override {
    planner_.update(view, out);
    placed_.clear();
    unplaced_.clear();
    begin_pool(out);
    secure_running(view, out);
    secure_waiting(view, out);
    share(view, out);
    if (planner_.planned()) {
      if (planner_.settings().objective != Objective::kThroughput) make_room(view, out);
      restore_standby(view, out);
    }
    place(view, out);
    lend(view, out);
    if (planner_.settings().reject) reject(view, out);
  }

 private:
  static constexpr std::size_t kHead = 64;  // how far into a queue a call looks
  static constexpr int kMisses = 4;         // after so many vain searches a call gives up
  static constexpr double kBetter = 1.1;    // by what a waiting one must be better to stop a run

  Ledger& ledger() { return planner_.ledger(); }
  const Ledger& ledger() const { return planner_.ledger(); }

  // --- 2. What the saved need

  void begin_pool(const Decisions& out) {
    standby_wanted_ =
        planner_.saves() ? planner_.standby().count(planner_.now(), planner_.capacity()) : 0;
    pool_.begin(out.idle(), standby_wanted_);
    boundaries_.begin();
  }

  void secure_waiting(const ClusterView& view, Decisions& out) {
    std::size_t looked_at = 0;
    misses_ = 0;
    const auto& urgent = ledger().urgent();
    for (auto it = urgent.begin(); it != urgent.end() && looked_at < kHead;) {
      Job& job = ledger().at(view, (it++)->slot);
      const std::size_t need = planner_.need(job);
      if (need == kLate) {
        planner_.give_up(job);
        continue;
      }
      ++looked_at;
      if (misses_ >= kMisses && pool_.count() == 0 && pool_.standing_by() == 0) break;
      if (assign_at_once(view, job, need)) {
        placed_.push_back(job.order.slot);
        job.node = pool_.node_of(job.group[0]);
        boundaries_.call_in(view, job, job.gpus(need) - job.width, false, out);
        continue;
      }
      unplaced_.push_back(job.order.slot);
      if (job.reserved)
        pool_.keep(job.node, job.gpus(need));
      else if ((planner_.planned() || view.task(job.order.slot).ready_since == planner_.now()) &&
               misses_ < kMisses)
        misses_ += !boundaries_.await(view, job, need, out);
    }
  }

  bool assign_at_once(const ClusterView& view, Job& job, std::size_t need) {
    const int width = job.gpus(need);
    if (pool_.assign(view, job, width)) return true;
    if (may_use_standby(job, need) && pool_.assign_with_standby(view, job, width)) return true;
    // Narrower until its first boundary, if that leaves time enough.
    if (pool_.count() == 0 || !job.denoise || job.promoted) return false;
    const double slack = job.until_deadline(planner_.now()) - job.left(need);
    for (std::size_t w = need; w-- > 0;)
      if (job.curve->step[w] <= slack && pool_.assign(view, job, job.curve->gpus[w])) return true;
    return false;
  }

  // It makes more of what stands by than those for whom it does.
  bool may_use_standby(const Job& job, std::size_t need) {
    const int n = pool_.standing_by();
    return n > 0 &&
           (job.promoted || 1 / job.area(need) >= planner_.standby().worth(planner_.now(), n));
  }

  // Runs that fell behind, where something changed.
  void secure_running(const ClusterView& view, Decisions& out) {
    for_runs(view, [&](Job& run) {
      if (!run.saved || run.promoted || run.leaving) return;
      const std::size_t need = planner_.need(run);
      if (need == kLate)
        planner_.give_up(run);
      else if (run.width < run.gpus(need) && !widen_run(view, run, run.gpus(need), out))
        boundaries_.call_in(view, run, run.gpus(need) - run.width - pool_.count(run.node), false,
                            out);
    });
  }

  // Calls f(run) for the denoising runs of all nodes after a plan, else of those that changed.
  template <class F>
  void for_runs(const ClusterView& view, F f) {
    const auto on = [&](std::size_t node) {
      for (const std::uint32_t slot : ledger().runs_on(node)) f(ledger().at(view, slot));
    };
    const Planner::Nodes& turn = planner_.turn();
    for (std::size_t node = turn.first; node < turn.end; ++node) on(node);
    for (const std::uint32_t node : ledger().changed_nodes())
      if (node < turn.first || node >= turn.end) on(node);
  }

  // Makes a run stop at its boundary to go on with `width` GPUs, and keeps idle ones for it.
  bool widen_run(const ClusterView& view, Job& run, int width, Decisions& out) {
    if (pool_.count(run.node) < width - run.width) return false;
    pool_.keep(run.node, width - run.width);
    run.width = width;
    Boundaries::leave(view, run, out);
    return true;
  }

  // --- 3. Idle GPUs

  // Those who wait come in order of rank: by gain against the saved, before all others who could be
  // wider.
  void share(const ClusterView& view, Decisions& out) {
    if (pool_.count() == 0) return;
    offers_.begin(planner_.settings().objective, ledger().live(), planner_.capacity());
    for (const std::uint32_t slot : placed_) offers_.next_of(ledger().at(view, slot));
    for (const std::uint32_t slot : unplaced_)
      if (const Job& job = ledger().at(view, slot); !job.reserved) offers_.next_of(job);
    for_runs(view, [&](const Job& run) {
      if (!run.leaving && pool_.count(run.node) > 0) offers_.next_of(run);
    });
    const auto& others = ledger().others();
    auto next = others.begin();
    std::size_t refused = 0;
    while (pool_.count() > 0) {
      const bool waiting = next != others.end() && refused < kHead;
      if (waiting &&
          (offers_.empty() || !offers_.best().for_saved || next->rank >= offers_.best().gain)) {
        Job& job = ledger().at(view, (next++)->slot);
        if (pool_.assign(view, job, job.gpus(0))) {
          placed_.push_back(job.order.slot);
          offers_.next_of(job);
        } else {
          ++refused;
        }
        continue;
      }
      if (offers_.empty()) return;
      const Offer best = offers_.take();
      take_offer(view, ledger().at(view, best.slot), best.width, out);
    }
  }

  void take_offer(const ClusterView& view, Job& job, int width, Decisions& out) {
    if (job.running) {
      if (worth_changing(view, job, width) && widen_run(view, job, width, out))
        offers_.next_of(job);
      return;
    }
    const Group before = job.group;
    const int width_before = job.width;
    if (!pool_.assign(view, job, width)) return;
    if (before.empty()) {
      placed_.push_back(job.order.slot);
    } else if (job.left_with(width_before) - job.left_with(width) <
               start_price(view, job, job.group) - start_price(view, job, before)) {
      pool_.reassign(job, before, width_before);
      return;
    }
    offers_.next_of(job);
  }

  // The change itself costs time, and may have to be undone for another.
  bool worth_changing(const ClusterView& view, const Job& run, int width) const {
    Group wider = view.task(run.order.slot).group;
    for (const GpuId gpu : pool_.some_on(run.node, width - run.width)) wider.push_back(gpu);
    return run.left_with(run.width) - run.left_with(width) > 2 * start_price(view, run, wider);
  }

  // --- 4. Runs that should make room

  // For waiting requests, the best first, the run that makes least of its last GPUs.
  void make_room(const ClusterView& view, Decisions& out) {
    rivals_.clear();
    for_runs(view, [&](const Job& run) {
      if (run.leaving || run.promoted) return;
      int narrower = 0;
      for (std::size_t w = 0; w < run.curve->widths; ++w)
        if (run.curve->gpus[w] < run.width) narrower = run.curve->gpus[w];
      if (run.saved && narrower < run.gpus(planner_.need(run))) return;
      const double worth =
          planner_.settings().objective == Objective::kFairness
              ? planner_.rank(run) + (kBetter - 1) * planner_.slowdown() * run.curve->alone
              : kBetter * gain(run, narrower, run.width);
      rivals_.emplace_back(worth, run.order.id, run.order.slot);
    });
    std::ranges::make_heap(rivals_, std::greater());  // few of them will be challenged
    const auto challenge = [&](double worth) {
      if (rivals_.empty() || worth < std::get<0>(rivals_.front())) return false;
      Boundaries::leave(view, ledger().at(view, std::get<2>(rivals_.front())), out);
      std::ranges::pop_heap(rivals_, std::greater());
      rivals_.pop_back();
      return true;
    };
    for (const std::uint32_t slot : unplaced_)
      if (const Job& job = ledger().at(view, slot); job.group.empty() && !job.reserved)
        challenge(resumed(job));
    std::size_t looked_at = 0;
    for (const auto& [worth, id, slot] : ledger().others()) {
      const Job& job = ledger().at(view, slot);
      if (!job.group.empty()) continue;
      if (++looked_at > kHead) return;
      if (!challenge(planner_.settings().objective == Objective::kFairness ? worth : resumed(job)))
        return;
    }
  }

  // The rank of a waiting job, with what placements have cost of late on top of its work.
  double resumed(const Job& job) const {
    return 1 / ((job.left(0) + start_cost_) * job.curve->gpus[0]);
  }

  // What is not saved gives way for requests that could not wait for it.
  void restore_standby(const ClusterView& view, Decisions& out) {
    int missing = standby_wanted_ - pool_.standing_by();
    if (!planner_.saves() || missing <= 0 || ledger().loose_runs() == 0) return;
    rivals_.clear();
    for_runs(view, [&](const Job& run) {
      if (run.leaving)
        missing -= run.width;
      else if (!run.saved)
        rivals_.emplace_back(run.until_boundary, run.order.id, run.order.slot);
    });
    std::ranges::sort(rivals_);
    for (const auto& rival : rivals_) {
      if (missing <= 0) return;
      Job& run = ledger().at(view, std::get<2>(rival));
      Boundaries::leave(view, run, out);
      missing -= run.width;
    }
  }

  // Who moves goes first: where the GPUs that a state comes from take part in moving it, they must
  // not have begun with something else.
  void place(const ClusterView& view, Decisions& out) {
    const auto moves = [&](const Job& job) {
      return view.cost().migrate(view.task(job.order.slot), job.group) > Duration{};
    };
    for (const std::uint32_t slot : placed_)
      if (Job& job = ledger().at(view, slot); moves(job)) place(view, job, out);
    for (const std::uint32_t slot : placed_)
      if (Job& job = ledger().at(view, slot); !job.running) place(view, job, out);
  }

  void place(const ClusterView& view, Job& job, Decisions& out, int steps = kUntilToldOtherwise) {
    const Task& task = view.task(job.order.slot);
    const Layout layout = task.widest(job.width);
    start_cost_ += 0.1 * (start_price(view, job, job.group) - start_cost_);
    if (job.denoise) planner_.standby().steps(job.curve->step[job.curve->within(job.width)]);
    out.place(task, job.group, layout, steps);
    ledger().placed(job, view.gpus()[job.group[0].value].node, job.width);
  }

  // --- 5. Until the next run stops

  void lend(const ClusterView& view, Decisions& out) {
    for (const Pool::Kept& kept : pool_.kept()) {
      double until = kForEver;
      for (const std::uint32_t slot : ledger().runs_on(kept.node.value))
        if (const Job& run = ledger().at(view, slot); run.leaving)
          until = std::min(until, run.until_boundary);
      if (until == kForEver) continue;
      candidates_.clear();
      for (const std::uint32_t slot : unplaced_) candidates_.push_back(slot);
      for (const auto& entry : ledger().others()) {
        if (candidates_.size() >= unplaced_.size() + kMisses) break;
        candidates_.push_back(entry.slot);
      }
      for (const std::uint32_t slot : candidates_) {
        Job& job = ledger().at(view, slot);
        const int free = std::min(kept.gpus, out.idle().count(kept.node));
        if (free == 0) break;
        if (!job.running && job.denoise) lend(view, job, kept.node, free, until, out);
      }
    }
  }

  void lend(const ClusterView& view, Job& job, NodeId node, int free, double until,
            Decisions& out) {
    const Task& task = view.task(job.order.slot);
    const std::size_t w = job.curve->within(free);
    if (job.curve->gpus[w] > free) return;
    const Group group = out.idle().pick_on(node, job.curve->gpus[w]);
    const double start = start_price(view, job, group);
    const double steps = (until - start) / job.curve->step[w];
    if (steps < 1) return;
    job.group = group;
    job.width = job.curve->gpus[w];
    place(view, job, out, static_cast<int>(std::min<double>(steps, task.steps_left())));
  }

  // Gives up who was found to be late whatever is done, unless it runs all the same.
  void reject(const ClusterView& view, Decisions& out) {
    for (const std::uint32_t slot : planner_.hopeless()) {
      const Job& job = ledger().at(view, slot);
      if (!job.live || job.saved || ledger().in_use(job)) continue;
      out.reject(view.task(slot));
      ledger().given_up(job);
    }
  }

  Planner planner_;
  Pool pool_;  // of this call
  Boundaries boundaries_{planner_, pool_};
  double start_cost_ = 0;  // seconds, of the latest placements: group set-up and migration

  // Of this call:
  int standby_wanted_ = 0;
  int misses_ = 0;
  std::vector<std::uint32_t> placed_;    // slots
  std::vector<std::uint32_t> unplaced_;  // saved, and no GPUs for it now
  std::vector<std::uint32_t> candidates_;
  Offers offers_;
  std::vector<std::tuple<double, TaskId, std::uint32_t>> rivals_;
};

}  // namespace

RG_REGISTER_POLICY(Elastic, "elastic",
                   "widens, narrows, pauses and moves requests at step boundaries; fewest "
                   "violations first, then latency");
