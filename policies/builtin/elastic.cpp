// regroup's own policy: the GPUs of every request may change at every step boundary, to have the
// fewest violations first and the lowest latency second.
//
// At each arrival, departure and boundary it makes one plan for all live requests:
//  1. Triage (Moore 1968: fewest late jobs). In order of deadline, add up the GPU time that each
//     request needs at the narrowest width that still meets its deadline. Where the sum exceeds
//     what the cluster can deliver until then, the request that needs most is set aside: it is late
//     anyway, and must not make others late.
//  2. Requests that can be saved get that narrowest width, in order of deadline.
//  3. Every GPU left goes where it raises the rate of completions most, 1 / time left: it starts a
//     waiting request or widens one. The gain of those set aside grows with their age, so none
//     starves.
// Then it carries the plan out with the boundaries there are: ready tasks are placed, running ones
// are told to stop at their next boundary if they shall make room, or if becoming wider is worth
// more than the change costs; GPUs that wait for such a boundary are lent for the steps that fit.
//
// Cost of a decision: O(live requests x (widths + log live requests)).
#include <array>
#include <optional>
#include <queue>
#include <set>
#include <vector>

#include "regroup/policy/policy.hpp"

namespace {
using namespace regroup;

class Elastic final : public Policy {
 public:
  explicit Elastic(const Params& params)
      : patience_(params.get("patience_s", 60.0,
                             "age in seconds that doubles the weight of a request set aside")),
        reserve_(params.get("reserve", 0.05,
                            "share of the cluster that triage keeps for what is not known yet")) {
    if (!(patience_ > 0)) throw std::invalid_argument("patience_s: more than 0");
    if (!(reserve_ >= 0 && reserve_ < 1)) throw std::invalid_argument("reserve: from 0 to below 1");
  }

  void decide(const ClusterView& view, Decisions& out) override {
    for (const Change& change : view.changes()) take_in(view, change);
    look(view);
    triage(view);
    allocate(view);
    place_ready(view, out);
    make_changes(view, out);
    lend(view, out);
  }

 private:
  static constexpr std::size_t kMaxWidths = 12;

  struct Job {
    const Task* task = nullptr;
    TimePoint boundary{};  // from when on its GPUs can change
    std::size_t widths = 0;
    std::array<std::int16_t, kMaxWidths> width{};  // ascending
    std::array<double, kMaxWidths>
        left{};            // seconds from now to the end, with width[i] from `boundary`
    int widest_now = 1;    // what the current stage can have
    std::size_t need = 0;  // index of the narrowest width in time (or the fastest)
    bool saved = false;
    int target = 0;       // planned width; 0: waits
    bool placed = false;  // in this call
  };

  struct Entry {  // order of deadline
    TimePoint deadline;
    int less_important;
    TimePoint arrival;
    TaskId id;
    std::uint32_t slot;
    auto operator<=>(const Entry&) const = default;
  };

  void take_in(const ClusterView& view, const Change& change) {
    if (change.kind == Change::Kind::kTaskReady) {
      const Task& t = view.task(change.slot);
      if (by_slot_.size() <= change.slot) by_slot_.resize(change.slot + 1);
      by_slot_[change.slot] = {t.deadline, -t.priority, t.arrival, t.id, t.slot};
      live_.insert(by_slot_[change.slot]);
    } else if (change.kind == Change::Kind::kTaskDone) {
      live_.erase(by_slot_[change.slot]);
    }
  }

  // Describes every live task by what is left of its request at each width.
  void look(const ClusterView& view) {
    capacity_ = 0;
    for (const Gpu& gpu : view.gpus()) capacity_ += gpu.state != GpuState::kFailed;
    int node_size = 1;
    for (const Node& node : view.nodes()) node_size = std::max(node_size, node.count);

    jobs_.clear();
    for (const Entry& entry : live_) {
      Job job;
      job.task = &view.task(entry.slot);
      Task rest = *job.task;  // as it will be at its boundary
      job.boundary = view.now();
      if (rest.running) {
        const Progress progress = view.progress(rest);
        const bool at_boundary = progress.step_end <= view.now();
        job.boundary = progress.step_end;
        rest.steps_done = std::min(rest.steps_total, progress.steps_done + (at_boundary ? 0 : 1));
      }
      const auto layouts = view.layouts(rest);
      job.widest_now = layouts.back().size();
      const auto add = [&](int width) {
        if (job.widths == kMaxWidths || width > node_size) return;
        job.width[job.widths] = static_cast<std::int16_t>(width);
        job.left[job.widths++] =
            to_seconds(job.boundary - view.now()) + time_left(view, rest, width);
      };
      if (rest.kind == StageKind::kDenoise)
        for (const Layout& layout : layouts) add(layout.size());
      else  // the widths that matter are those of a later stage
        for (int width = 1; width <= node_size; width *= 2) add(width);
      if (job.widths == 0) add(1);
      jobs_.push_back(job);
    }
  }

  static double time_left(const ClusterView& view, const Task& rest, int width) {
    // A task at the end of its last step still has its successors' time before it.
    const Duration all = view.cost().remaining(rest, width);
    return std::max(to_seconds(all), 1e-6);
  }

  // jobs_ is in order of deadline.
  void triage(const ClusterView& view) {
    std::priority_queue<std::pair<double, std::size_t>> kept;  // by GPU seconds needed
    double needed = 0;
    const double supply = capacity_ * (1 - reserve_);
    for (std::size_t i = 0; i < jobs_.size(); ++i) {
      Job& job = jobs_[i];
      if (job.task->deadline == kNever) continue;
      const double until = to_seconds(job.task->deadline - view.now());
      while (job.need + 1 < job.widths && job.left[job.need] > until) ++job.need;
      if (job.left[job.need] > until) {  // late whatever is done
        job.need = 0;
        continue;
      }
      job.saved = true;
      const double work = job.left[job.need] * job.width[job.need];
      kept.emplace(work, i);
      needed += work;
      while (needed > supply * until && !kept.empty()) {
        jobs_[kept.top().second].saved = false;
        needed -= kept.top().first;
        kept.pop();
      }
    }
  }

  void allocate(const ClusterView& view) {
    int free = capacity_;
    for (Job& job : jobs_) {
      if (!job.saved || free == 0) continue;
      const int wanted = std::min<int>(job.width[job.need], job.widest_now);
      job.target = widest_within(job, std::min(wanted, free));
      free -= job.target;
    }
    // Greedy by marginal gain per GPU.
    struct Offer {
      double gain;
      std::size_t job;
      std::size_t width;  // index
      bool operator<(const Offer& o) const {
        return std::tie(gain, o.job) < std::tie(o.gain, job);  // ties: earlier deadline first
      }
    };
    std::priority_queue<Offer> offers;
    const auto offer = [&](std::size_t i) {
      const Job& job = jobs_[i];
      const double now = job.target == 0 ? 0 : rate(job, index_of(job, job.target));
      for (std::size_t w = 0; w < job.widths; ++w) {
        const int more = job.width[w] - job.target;
        if (more <= 0 || job.width[w] > job.widest_now) continue;
        const double gain = (rate(job, w) - now) / more * weight(view, job);
        if (gain > 0) offers.push({gain, i, w});
        return;  // the next width only: those after it are offered once it is taken
      }
    };
    for (std::size_t i = 0; i < jobs_.size(); ++i) offer(i);
    for (; free > 0 && !offers.empty();) {
      const Offer best = offers.top();
      offers.pop();
      Job& job = jobs_[best.job];
      const int more = job.width[best.width] - job.target;
      if (more > free) continue;
      free -= more;
      job.target = job.width[best.width];
      offer(best.job);
    }
  }

  static double rate(const Job& job, std::size_t width) { return 1 / job.left[width]; }

  double weight(const ClusterView& view, const Job& job) const {
    return job.saved ? 1 : 1 + to_seconds(view.now() - job.task->arrival) / patience_;
  }

  static std::size_t index_of(const Job& job, int width) {
    for (std::size_t w = 0; w < job.widths; ++w)
      if (job.width[w] == width) return w;
    return 0;
  }

  static int widest_within(const Job& job, int limit) {
    int best = 0;
    for (std::size_t w = 0; w < job.widths; ++w)
      if (job.width[w] <= limit) best = job.width[w];
    return best;
  }

  // Saved ones first, in order of deadline; then the others. A task whose width is not to be had
  // now starts narrower: it is cheap to widen it when others reach their boundaries.
  void place_ready(const ClusterView& view, Decisions& out) {
    short_of_gpus_ = false;
    for (const bool saved : {true, false}) {
      for (Job& job : jobs_) {
        if (job.task->running || job.saved != saved || job.target == 0) continue;
        const Layout layout = view.widest(*job.task, std::min(job.target, out.idle().widest()));
        if (layout.size() < job.target) short_of_gpus_ = true;
        place(job, layout, kUntilToldOtherwise, out);
      }
    }
  }

  static void place(Job& job, Layout layout, int steps, Decisions& out) {
    const Group group = out.idle().pick(layout.size(), job.task->group);
    if (group.empty()) return;
    out.place(*job.task, group, layout, steps);
    job.placed = true;
  }

  // Tells running tasks to stop at their boundary if their width shall change.
  void make_changes(const ClusterView& view, Decisions& out) {
    next_change_ = kNever;
    IdleGpus idle = out.idle();
    for (Job& job : jobs_) {
      const Task& task = *job.task;
      if (!task.running || task.kind != StageKind::kDenoise) continue;
      const int width = task.layout.size();
      const bool narrower = job.target < width && short_of_gpus_;
      if (task.preempting || narrower || worth_widening(view, job, idle)) {
        if (!task.preempting) out.preempt(task);
        next_change_ = std::min(next_change_, job.boundary);
      }
    }
  }

  // Takes the GPUs out of `idle` if so.
  static bool worth_widening(const ClusterView& view, const Job& job, IdleGpus& idle) {
    const Task& task = *job.task;
    const int more = job.target - task.layout.size();
    if (more <= 0) return false;
    Group wider = task.group;
    const NodeId node = idle.node_of(task.group[0]);
    if (idle.count(node) < more) return false;
    const Group extra = idle.pick(more, task.group);
    for (const GpuId gpu : extra) wider.push_back(gpu);
    const double price = to_seconds(view.cost().setup(wider) + view.cost().migrate(task, wider) +
                                    view.cost().dispatch());
    const double now = job.left[index_of(job, task.layout.size())];
    const double then = job.left[index_of(job, job.target)];
    if (now - then < 2 * price + 0.02 * now) return false;
    idle.take(extra);
    return true;
  }

  // GPUs that wait for a boundary serve waiting requests until then, if whole steps fit.
  void lend(const ClusterView& view, Decisions& out) {
    if (next_change_ == kNever || out.idle().count() == 0) return;
    for (Job& job : jobs_) {
      const Task& task = *job.task;
      if (task.running || job.placed || task.kind != StageKind::kDenoise) continue;
      if (out.idle().count() == 0) return;
      const Layout layout = view.widest(task, out.idle().widest());
      const Group group = out.idle().pick(layout.size(), task.group);
      if (group.empty()) continue;
      const Duration start =
          view.cost().dispatch() + view.cost().setup(group) + view.cost().migrate(task, group);
      const Duration step = view.cost().predict(task, layout, 1);
      const auto steps = (next_change_ - view.now() - start) / step;
      if (steps < 1) continue;
      place(job, layout, static_cast<int>(std::min<std::int64_t>(steps, task.steps_left())), out);
    }
  }

  double patience_;
  double reserve_;
  std::set<Entry> live_;
  std::vector<Entry> by_slot_;
  std::vector<Job> jobs_;  // of this call, in order of deadline
  int capacity_ = 0;
  bool short_of_gpus_ = false;
  TimePoint next_change_ = kNever;
};

}  // namespace

RG_REGISTER_POLICY(Elastic, "elastic",
                   "widens, narrows, pauses and moves requests at step boundaries; fewest "
                   "violations first, then latency");
