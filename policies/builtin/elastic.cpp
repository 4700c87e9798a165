// regroup's own policy: the GPUs of every request may change at every step boundary, to have the
// fewest violations first and the lowest latency second.
//
// At each arrival, departure and boundary:
//  1. Triage (Moore 1968: fewest late jobs). In order of deadline, add up the GPU time that each
//     request needs at the narrowest width that still meets its deadline. Where the sum exceeds
//     what the cluster can deliver until then, the request that needs most is set aside: it is late
//     anyway, and must not make others late. One set aside for too long counts as saved again.
//  2. In order of deadline, every request that can be saved gets that narrowest width. If no node
//     has it, the run boundaries to come are looked through for the node that has it soonest, and
//     what runs there without need makes room.
//  3. Every idle GPU goes where it raises the rate of completions, 1 / time left, most: it starts a
//     waiting request or widens one, also a running one if that is worth the change.
//  4. A running request that makes less of its last GPUs than a waiting one would makes room.
//  5. GPUs that wait for a boundary are lent for the whole steps that fit.
//
// Cost of a decision: O(live requests x (widths + log live requests) + nodes).
#include <array>
#include <queue>
#include <set>
#include <vector>

#include "regroup/policy/deadline_order.hpp"
#include "regroup/policy/policy.hpp"

namespace {
using namespace regroup;

class Elastic final : public Policy {
 public:
  explicit Elastic(const Params& params)
      : reserve_(params.get("reserve", 0.05,
                            "share of the cluster that triage keeps for what is not known yet")),
        margin_(params.get("margin", 0.02, "share by which predictions are taken to be short")),
        starvation_(params.get("starvation", 10.0,
                               "a late request is served like the others once it has waited this "
                               "many times its own length")) {
    if (!(reserve_ >= 0 && reserve_ < 1)) throw std::invalid_argument("reserve: from 0 to below 1");
    if (!(margin_ >= 0)) throw std::invalid_argument("margin: at least 0");
    if (!(starvation_ > 0)) throw std::invalid_argument("starvation: more than 0");
  }

  void decide(const ClusterView& view, Decisions& out) override {
    for (const Change& change : view.changes()) take_in(view, change);
    look(view);
    triage();
    idle_ = out.idle();
    for (Job& job : jobs_)
      if (job.saved) secure(view, job, out);
    share(view, out);
    make_room(out);
    for (Job& job : jobs_)
      if (!job.group.empty()) out.place(*job.task, job.group, view.widest(*job.task, job.width));
    lend(view, out);
  }

 private:
  static constexpr std::size_t kMaxWidths = 12;
  static constexpr double kWorthwhile = 0.02;  // the least relative gain for which a run is changed

  struct Job {
    const Task* task = nullptr;
    double until_boundary = 0;  // seconds until its GPUs can change
    std::size_t widths = 0;
    std::array<std::int16_t, kMaxWidths> options{};  // ascending
    std::array<double, kMaxWidths> left{};  // seconds from now to the end, with that width from the
                                            // boundary on
    int widest_now = 1;                     // what the current stage can have
    std::size_t need = 0;                   // index of the narrowest width in time
    bool saved = false;
    bool leaving = false;  // runs, and stops at its boundary
    int width = 0;         // planned; of a run: what it has, or will have
    Group group{};         // ready: planned

    bool movable() const { return task->running && task->kind == StageKind::kDenoise; }
    int needed() const { return std::min<int>(options[need], widest_now); }
    // Index of the widest option up to `limit`.
    std::size_t within(int limit) const {
      std::size_t best = 0;
      for (std::size_t i = 0; i < widths; ++i)
        if (options[i] <= limit) best = i;
      return best;
    }
    double left_with(int gpus) const { return left[within(gpus)]; }
  };

  void take_in(const ClusterView& view, const Change& change) {
    if (change.kind == Change::Kind::kTaskReady) {
      const Task& t = view.task(change.slot);
      if (by_slot_.size() <= change.slot) by_slot_.resize(change.slot + 1);
      by_slot_[change.slot] = DeadlineOrder(t);
      live_.insert(by_slot_[change.slot]);
    } else if (change.kind == Change::Kind::kTaskDone) {
      live_.erase(by_slot_[change.slot]);
    }
  }

  // --- What there is

  // Describes every live task by what is left of its request at each width.
  void look(const ClusterView& view) {
    now_ = view.now();
    capacity_ = 0;
    for (const Gpu& gpu : view.gpus()) capacity_ += gpu.state != GpuState::kFailed;
    int node_size = 1;
    for (const Node& node : view.nodes()) node_size = std::max(node_size, node.count);
    jobs_.clear();
    for (const DeadlineOrder& entry : live_)
      jobs_.push_back(job_of(view, view.task(entry.slot), node_size));
    runs_on_.assign(view.nodes().size(), {});
    for (std::size_t i = 0; i < jobs_.size(); ++i)
      if (jobs_[i].movable()) runs_on_[node_of(view, jobs_[i]).value].push_back(i);
  }

  Job job_of(const ClusterView& view, const Task& task, int node_size) const {
    Job job;
    job.task = &task;
    job.leaving = task.preempting;
    Task rest = task;  // as it will be at its boundary
    if (task.running) {
      const Progress progress = view.progress(task);
      const bool stepping = progress.step_end > now_;
      job.until_boundary = to_seconds(progress.step_end - now_);
      rest.steps_done = std::min(rest.steps_total, progress.steps_done + (stepping ? 1 : 0));
      job.width = task.layout.size();
    }
    const auto layouts = view.layouts(task);
    job.widest_now = layouts.back().size();
    const auto add = [&](int width) {
      if (job.widths == kMaxWidths || width > node_size) return;
      job.options[job.widths] = static_cast<std::int16_t>(width);
      const double rest_s = to_seconds(view.cost().remaining(rest, width));
      job.left[job.widths++] = std::max(job.until_boundary + rest_s * (1 + margin_), 1e-6);
    };
    if (task.kind == StageKind::kDenoise)
      for (const Layout& layout : layouts) add(layout.size());
    else  // the widths that matter are those of a later stage
      for (int width = 1; width <= node_size; width *= 2) add(width);
    return job;
  }

  static NodeId node_of(const ClusterView& view, const Job& job) {
    return view.gpus()[job.task->group[0].value].node;
  }

  double until(const Job& job) const {
    return job.task->deadline == kNever ? 1e300 : to_seconds(job.task->deadline - now_);
  }

  double age(const Job& job) const {  // in its own lengths
    return to_seconds(now_ - job.task->arrival) / job.left[0];
  }

  // --- 1. Who can be saved. jobs_ is in order of deadline.

  void triage() {
    std::priority_queue<std::pair<double, std::size_t>> kept;  // by GPU seconds needed
    double needed = 0;
    const double supply = capacity_ * (1 - reserve_);
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      Job& job = jobs_[i];
      while (job.need + 1 < job.widths && job.left[job.need] > until(job)) ++job.need;
      if (job.task->deadline == kNever || job.left[job.need] > until(job)) {
        job.need = 0;  // late whatever is done
        job.saved = age(job) > starvation_;
        continue;
      }
      job.saved = true;
      const double work = job.left[job.need] * job.options[job.need];
      kept.emplace(work, i);
      needed += work;
      while (needed > supply * until(job) && !kept.empty()) {
        Job& aside = jobs_[kept.top().second];
        aside.saved = age(aside) > starvation_;
        needed -= kept.top().first;
        kept.pop();
      }
    }
  }

  // --- 2. What the saved need

  void secure(const ClusterView& view, Job& job, Decisions& out) {
    if (job.leaving || (job.task->running && !job.movable())) return;
    if (job.movable()) {
      if (job.width < job.needed()) widen_run(view, job, job.needed(), out);
      return;
    }
    if (assign(job, job.needed())) return;
    // Narrower until its first boundary, if that leaves time enough.
    for (std::size_t i = job.within(std::min(idle_.widest(), job.needed())) + 1; i-- > 0;) {
      const Layout layout = view.widest(*job.task, job.options[i]);
      if (job.options[i] > idle_.widest()) continue;
      const double step = to_seconds(view.cost().predict(*job.task, layout, 1));
      if (step + job.left[job.need] <= until(job) && assign(job, layout.size())) return;
    }
    await(job, out);
  }

  // Gives a ready job `width` GPUs of one node, in place of what it may have been given before.
  bool assign(Job& job, int width) {
    for (const GpuId gpu : job.group) idle_.give(gpu);
    const Group group = idle_.pick(width, job.group.empty() ? job.task->group : job.group);
    if (group.empty()) {
      idle_.take(job.group);
      return false;
    }
    job.group = group;
    job.width = width;
    idle_.take(group);
    return true;
  }

  // GPUs that a run gives up for a job in need: all of them if it stops anyway or is late anyway,
  // what it has beyond its own need, and, if asked for `more`, all if it is due later than the job.
  int releasable(std::size_t i, const Job& job, bool more) const {
    const Job& run = jobs_[i];
    if (run.leaving || !run.saved || (more && &run > &job)) return run.width;
    return std::max(0, run.width - run.needed());
  }

  // Finds the node where the job's width comes together soonest, makes runs there stop at their
  // boundary, and keeps that node's idle GPUs for it. Nothing, if it would be late all the same.
  void await(Job& job, Decisions& out) {
    for (const bool more : {false, true}) {
      double soonest = until(job) - job.left[job.need];
      std::size_t chosen = runs_on_.size();
      for (std::size_t node = 0; node < runs_on_.size(); ++node) {
        const double at = available(node, job, more);
        if (at <= soonest) {
          soonest = at;
          chosen = node;
        }
      }
      if (chosen == runs_on_.size()) continue;
      const NodeId node{static_cast<std::uint32_t>(chosen)};
      int missing = job.needed() - idle_.count(node);
      idle_.take(idle_.pick_on(node, std::min(job.needed(), idle_.count(node))));
      for (const std::size_t i : runs_on_[chosen]) {
        const int released = releasable(i, job, more);
        if (missing <= 0 || released == 0) continue;
        missing -= released;
        leave(jobs_[i], out);
        jobs_[i].width = 0;  // promised
      }
      return;
    }
  }

  // Seconds until as many GPUs of the node are idle or released as the job needs.
  double available(std::size_t node, const Job& job, bool more) {
    int count = idle_.count({static_cast<std::uint32_t>(node)});
    auto& runs = runs_on_[node];
    std::ranges::sort(runs, {}, [&](std::size_t i) { return jobs_[i].until_boundary; });
    for (const std::size_t i : runs) {
      count += releasable(i, job, more);
      if (count >= job.needed()) return jobs_[i].until_boundary;
    }
    return 1e300;
  }

  static void leave(Job& run, Decisions& out) {
    if (!run.leaving) out.preempt(*run.task);
    run.leaving = true;
  }

  // Makes a run stop at its boundary to go on with `width` GPUs, and keeps idle ones for it.
  bool widen_run(const ClusterView& view, Job& run, int width, Decisions& out) {
    const NodeId node = node_of(view, run);
    const Group extra = idle_.pick_on(node, width - run.width);
    if (extra.empty()) return false;
    idle_.take(extra);
    run.width = width;
    leave(run, out);
    return true;
  }

  // --- 3. Idle GPUs

  struct Offer {
    double gain;  // rate of completions per GPU
    std::size_t job;
    int width;
    bool operator<(const Offer& o) const {
      return std::tie(gain, o.job) < std::tie(o.gain, job);  // ties: earlier deadline first
    }
  };

  double weight(const Job& job) const { return job.saved ? 1 : 1 + age(job) / starvation_; }

  // What `to` instead of `from` GPUs are worth, for each one.
  double gain(const Job& job, int from, int to) const {
    const double before = from == 0 ? 0 : 1 / job.left_with(from);
    return (1 / job.left_with(to) - before) / (to - from) * weight(job);
  }

  void offer_next(std::size_t i, std::priority_queue<Offer>& offers) const {
    const Job& job = jobs_[i];
    for (std::size_t w = 0; w < job.widths && job.options[w] <= job.widest_now; ++w) {
      if (job.options[w] <= job.width) continue;
      if (job.width > 0 && job.left[w] > (1 - kWorthwhile) * job.left_with(job.width)) continue;
      offers.push({gain(job, job.width, job.options[w]), i, job.options[w]});
      return;
    }
  }

  void share(const ClusterView& view, Decisions& out) {
    if (idle_.count() == 0) return;
    std::priority_queue<Offer> offers;
    for (std::size_t i = 0; i < jobs_.size(); ++i)
      if (!jobs_[i].task->running || (jobs_[i].movable() && !jobs_[i].leaving))
        offer_next(i, offers);
    while (idle_.count() > 0 && !offers.empty()) {
      const Offer best = offers.top();
      offers.pop();
      Job& job = jobs_[best.job];
      if (!job.task->running) {
        if (assign(job, best.width)) offer_next(best.job, offers);
        continue;
      }
      if (!worth_changing(view, job, best.width)) continue;
      if (widen_run(view, job, best.width, out)) offer_next(best.job, offers);
    }
  }

  // The change itself costs time: group set-up, moving the latents, dispatch.
  bool worth_changing(const ClusterView& view, const Job& run, int width) const {
    Group wider = run.task->group;
    for (const GpuId gpu : idle_.pick_on(node_of(view, run), width - run.width))
      wider.push_back(gpu);
    const double price = to_seconds(view.cost().setup(wider) +
                                    view.cost().migrate(*run.task, wider) + view.cost().dispatch());
    return run.left_with(run.width) - run.left_with(width) > 2 * price;
  }

  // --- 4. Runs that should make room for waiting requests

  void make_room(Decisions& out) {
    std::vector<std::pair<double, std::size_t>> waiting;  // by gain of the first GPU
    std::vector<std::pair<double, std::size_t>> running;  // by loss of the last GPUs
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      const Job& job = jobs_[i];
      if (!job.task->running && job.group.empty()) {
        waiting.emplace_back(gain(job, 0, job.options[0]), i);
      } else if (job.movable() && !job.leaving) {
        int narrower = 0;
        for (std::size_t w = 0; w < job.widths; ++w)
          if (job.options[w] < job.width) narrower = job.options[w];
        if (job.saved && narrower < job.needed()) continue;
        running.emplace_back(gain(job, narrower, job.width), i);
      }
    }
    if (waiting.empty() || running.empty()) return;
    std::ranges::sort(waiting, std::greater<>());
    std::ranges::sort(running);
    for (std::size_t i = 0; i < std::min(waiting.size(), running.size()); ++i) {
      if (waiting[i].first < 1.1 * running[i].first) return;
      leave(jobs_[running[i].second], out);
    }
  }

  // --- 5. Until the next run stops

  void lend(const ClusterView& view, Decisions& out) {
    double next_change = 1e300;
    for (const Job& job : jobs_)
      if (job.leaving) next_change = std::min(next_change, job.until_boundary);
    if (next_change == 1e300) return;
    for (Job& job : jobs_) {
      if (out.idle().count() == 0) return;
      const Task& task = *job.task;
      if (task.running || !job.group.empty() || task.kind != StageKind::kDenoise) continue;
      const Layout layout = view.widest(task, out.idle().widest());
      const Group group = out.idle().pick(layout.size(), task.group);
      if (group.empty()) continue;
      const double start = to_seconds(view.cost().dispatch() + view.cost().setup(group) +
                                      view.cost().migrate(task, group));
      const double steps = (next_change - start) / to_seconds(view.cost().predict(task, layout, 1));
      if (steps < 1) continue;
      out.place(task, group, layout, std::min(task.steps_left(), static_cast<int>(steps)));
      job.group = group;
    }
  }

  double reserve_;
  double margin_;
  double starvation_;
  std::set<DeadlineOrder> live_;
  std::vector<DeadlineOrder> by_slot_;

  // Of this call:
  TimePoint now_{};
  int capacity_ = 0;
  std::vector<Job> jobs_;                          // in order of deadline
  std::vector<std::vector<std::size_t>> runs_on_;  // node -> jobs that run there
  IdleGpus idle_;                                  // less what is planned or kept
};

}  // namespace

RG_REGISTER_POLICY(Elastic, "elastic",
                   "widens, narrows, pauses and moves requests at step boundaries; fewest "
                   "violations first, then latency");
