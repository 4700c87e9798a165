// Rolling primal-dual planning (GF-DiT, arXiv 2606.13501; its simulator's pd_rolling).
//
// At every boundary, for the few most pressing requests: which of them get which windows of GPUs
// for the next step, so that the sum of their predicted latencies (in lengths T_single of their
// own), plus lambda times how near to their deadlines or beyond them they end, plus a price of GPU
// time, is the least. A request runs as fast as can be after that step. lambda is the dual variable
// of "this class may miss that share of its deadlines": it rises while more misses are predicted or
// seen.
//
// What is ours, and why:
//  - Leaving a request out costs what it loses by starting when GPUs come free again, after the
//    next run that ends. The reference lets all that wait start together, on the widest group,
//    when the whole node is free, and so has to add up all requests again for every set of GPUs in
//    its dynamic program (most of its run time). Ours adds up values of moves. As there, GPUs do
//    not idle for the sake of a better window later.
//  - The prediction behind lambda is what the earliest deadlines first would do with work that can
//    be cut at will, instead of a list schedule of every task to the end.
//  - lambda moves every dual_interval_s of the clock and with every request that ends.
//
// SLO attainment on the reference's workloads at 8 GPUs: the same, 100 %. On generated ones at
// loads of 0.7 to 1.2 within 6 points of it, either way: who is late there is decided by lambda.
//
// Cost of a decision: O(changes x log waiting), and a plan for each node that something changed on
// (see NodeAgenda), of O(look x log look + top_m x windows x sets of GPUs). Every dual_interval_s
// O(n log n) more, n being all that runs and 2 x look requests of every node, some 2,000 at most:
// of a cluster with more, each prediction looks at other nodes.
#include <stdexcept>
#include <tuple>

#include "policies/builtin/steps/step_moves.hpp"

namespace {
using namespace regroup;

class PrimalDual final : public Policy {
 public:
  static constexpr const char* kSource = "GF-DiT, arXiv 2606.13501 (primal_dual_rolling)";

  explicit PrimalDual(const Params& params)
      : queues_(params, StepQueues::Order::kDeadline),
        steps_(params.get("steps", 1, "denoising steps from one decision to the next")),
        top_m_(params.get("top_m", 8, "requests that are planned together")),
        top_g_(params.get("top_g", 8, "windows of each width that a request is planned with")),
        look_(params.get("look", 32, "waiting requests of which top_m are chosen")),
        dual_step_(params.get("dual_step", 4.0, "how far lambda moves for a share of misses of 1")),
        ewma_(params.get("ewma", 0.2, "weight of the newest share of misses in their average")),
        lambda_cap_(params.get("lambda_cap", 80.0, "the most that lambda can be")),
        gpu_time_(params.get("gpu_time", 0.2, "price of the GPU time of a move")),
        dual_interval_(
            from_seconds(params.get("dual_interval_s", 0.5, "seconds between moves of lambda"))) {
    if (steps_ < 1 || top_m_ < 1 || top_g_ < 1 || look_ < 1)
      throw std::invalid_argument("steps, top_m, top_g and look: at least 1");
    if (!(ewma_ > 0 && ewma_ <= 1)) throw std::invalid_argument("ewma: above 0, at most 1");
    if (!(dual_step_ >= 0 && lambda_cap_ >= 0 && gpu_time_ >= 0))
      throw std::invalid_argument("dual_step, lambda_cap and gpu_time: at least 0");
    if (dual_interval_ <= Duration{}) throw std::invalid_argument("dual_interval_s: more than 0");
  }

  void decide(const ClusterView& view, Decisions& out) override {
    queues_.begin(view);
    follow_runs(view);
    predict(view);
    book_.replay(view, out, [&](std::span<const Change> event) {
      for (const Change& change : event)
        queues_.update(view, change, [&](const QueuedRequest& request) {
          if (request.deadline != kNever)
            move_dual(request.service, view.now() > request.deadline ? 1 : 0);
        });
      plan_nodes(view, out);
    });
  }

 private:
  static constexpr PerClass<double> kMissShare{0.05, 0.05, 0.10};
  static constexpr double kLeast = 1e-6;
  static constexpr std::int64_t kSettled = 100;    // moves after which the average stands still
  static constexpr std::size_t kPredicted = 2048;  // requests that a prediction looks at, about

  struct Pressing {
    const Task* task;
    double miss;   // lambda x how late at best, in own lengths
    double slack;  // time to the deadline, in own lengths
  };

  // --- The dual variables

  void move_dual(ServiceClass c, double missed) {
    double& average = average_miss_[c];
    average += ewma_ * (missed - average);
    lambda_[c] = std::clamp(lambda_[c] + dual_step_ * (average - kMissShare[c]), 0.0, lambda_cap_);
  }

  // Every interval: how late, in own lengths, the requests of each class would be if the earliest
  // deadlines came first on all GPUs. Where there are too many to look at, on those of some nodes,
  // and of others the next time.
  void predict(const ClusterView& view) {
    if (!started_) predicted_ = view.now() - dual_interval_;
    started_ = true;
    const std::int64_t intervals = (view.now() - predicted_) / dual_interval_;
    if (intervals == 0) return;
    predicted_ += intervals * dual_interval_;
    std::vector<const Task*>& tasks = tail_;
    tasks.clear();
    first_of(queues_.anywhere(), view, tasks);
    double gpus = 0;
    for (std::size_t asked = 0; asked < nodes_.size() && tasks.size() < kPredicted; ++asked) {
      predict_from_ = predict_from_ + 1 < nodes_.size() ? predict_from_ + 1 : 0;
      gpus += queues_.nodes().count(predict_from_);
      first_of(queues_.of_node(predict_from_), view, tasks);
      for (const std::uint32_t slot : nodes_[predict_from_].runs) tasks.push_back(&view.task(slot));
    }
    std::ranges::sort(tasks, {}, [](const Task* t) { return std::tuple(t->deadline, t->id); });
    double work = 0;
    PerClass<double> late, count;
    for (const Task* task : tasks) {
      work += to_seconds(view.cost().remaining(*task, 1));
      if (task->deadline == kNever) continue;
      const QueuedRequest& request = queues_.live(*task);
      const double end = std::max(work / gpus, fastest_s(view, *task));
      late[request.service] +=
          std::max(0.0, end - to_seconds(task->deadline - view.now())) / request.alone_s;
      ++count[request.service];
    }
    for (const ServiceClass c : kServiceClasses)
      for (std::int64_t i = 0; i < std::min(intervals, kSettled) && count[c] > 0; ++i)
        move_dual(c, late[c] / count[c]);
  }

  static double fastest_s(const ClusterView& view, const Task& task) {
    return to_seconds(view.cost().remaining(task, static_cast<int>(kMaxGroupSize)));
  }

  // --- One plan

  // What runs where: what was placed in the latest call, less what has ended since.
  void follow_runs(const ClusterView& view) {
    ++call_;
    release_.resize(view.gpus().size());
    nodes_.resize(queues_.nodes().size());
    for (const auto& [slot, node] : placed_) {
      if (node_of_run_.size() <= slot) node_of_run_.resize(slot + 1, kNowhere);
      node_of_run_[slot] = node;
      nodes_[node].runs.push_back(slot);
    }
    placed_.clear();
    for (const Change& change : view.changes()) {
      if (change.kind != Change::Kind::kTaskReady && change.kind != Change::Kind::kTaskDone)
        continue;
      const std::uint32_t slot = change.task->slot;
      if (slot >= node_of_run_.size() || node_of_run_[slot] == kNowhere) continue;
      std::erase(nodes_[node_of_run_[slot]].runs, slot);
      node_of_run_[slot] = kNowhere;
    }
  }

  // Once a call: who runs on the node, and when each of its GPUs comes free, in seconds from now.
  void look_at_runs(const ClusterView& view, std::size_t at) {
    NodeRuns& node = nodes_[at];
    if (node.call == call_) return;
    node.call = call_;
    for (const GpuId gpu : queues_.nodes().working(at)) release_[gpu.value] = 0;
    node.tasks.clear();
    for (const std::uint32_t slot : node.runs) {
      const Task& task = view.task(slot);
      node.tasks.push_back(&task);
      const double end = to_seconds(view.progress(task).run_end - view.now());
      for (const GpuId gpu : task.group) release_[gpu.value] = std::max(end, 1e-6);
    }
    std::ranges::sort(node.tasks, ByArrival());
  }

  void plan_nodes(const ClusterView& view, Decisions& out) {
    queues_.agenda().visit(
        book_.free(), [&] { return needed_anywhere(view); },
        [&](std::uint32_t node) { return plan_node(view, node, out); });
  }

  // With how many neighbouring GPUs some node could do something for those who may go anywhere.
  int needed_anywhere(const ClusterView& view) {
    if (needed_version_ == queues_.anywhere_version()) return needed_;
    needed_version_ = queues_.anywhere_version();
    needed_ = std::numeric_limits<int>::max();
    looked_at_.clear();
    first_of(queues_.anywhere(), view, looked_at_);
    for (const Task* task : looked_at_) needed_ = std::min(needed_, task->layouts.front().size());
    return needed_;
  }

  NodeAgenda::Outcome plan_node(const ClusterView& view, std::uint32_t node, Decisions& out) {
    MoveFinder finder(view, queues_.nodes(), node, queues_.nodes().idle(node, book_.free()), steps_,
                      MoveFinder::Source::kFree);
    if (queues_.of_node(node).empty() && queues_.anywhere().empty()) return {.gap = finder.gap()};
    look_at_runs(view, node);
    while (plan(view, finder, node, out)) {
    }
    // Another may be among the most pressing by the next event.
    return {.again = finder.idle() != 0 && anybody_could_move(finder), .gap = finder.gap()};
  }

  // Of all that were looked at for the latest plan.
  bool anybody_could_move(const MoveFinder& finder) {
    moves_.clear();
    for (const Task* task : looked_at_) {
      if (task->running) continue;
      widths_of(*task);
      finder.add(*task, queues_.live(*task), widths_, top_g_, moves_);
      if (!moves_.empty()) return true;
    }
    return false;
  }

  bool plan(const ClusterView& view, MoveFinder& finder, std::size_t node, Decisions& out) {
    if (finder.idle() == 0) return false;
    choose_pressing(view, node);
    moves_.clear();
    plan_.clear();
    for (const Pressing& one : pressing_) add_moves(view, finder, node, *one.task);
    const auto chosen = plan_.best();
    for (const std::uint32_t move : chosen) place(moves_[move], finder, node, out);
    return !chosen.empty();
  }

  void first_of(const WaitingTasks& waiting, const ClusterView& view,
                std::vector<const Task*>& tasks) const {
    for (const auto* queue : {&waiting.open, &waiting.fresh}) {
      int left = look_;
      for (auto it = queue->begin(); it != queue->end() && left > 0; ++it, --left)
        tasks.push_back(&view.task(it->slot));
    }
  }

  // The first top_m of the node, less those that run (they count, for they will want their GPUs
  // again at once); one at least.
  void choose_pressing(const ClusterView& view, std::size_t node) {
    looked_at_.clear();
    first_of(queues_.of_node(node), view, looked_at_);
    first_of(queues_.anywhere(), view, looked_at_);
    const std::vector<const Task*>& running = nodes_[node].tasks;
    looked_at_.insert(looked_at_.end(), running.begin(), running.end());
    pressing_.clear();
    for (const Task* task : looked_at_) {
      if (task->layouts.front().size() > queues_.nodes().count(node)) continue;
      Pressing one{.task = task, .miss = 0, .slack = 1e300};
      if (task->deadline != kNever) {
        const QueuedRequest& request = queues_.live(*task);
        const double until = to_seconds(task->deadline - view.now());
        one.slack = until / request.alone_s;
        one.miss = lambda_[request.service] * std::max(0.0, fastest_s(view, *task) - until) /
                   request.alone_s;
      }
      pressing_.push_back(one);
    }
    std::ranges::sort(pressing_, {}, [&](const Pressing& p) {
      return std::tuple(-p.miss, p.slack, -queues_.live(*p.task).priority, p.task->id);
    });
    std::size_t kept = 0;
    for (std::size_t i = 0; i < pressing_.size(); ++i)
      if (!pressing_[i].task->running && (i < static_cast<std::size_t>(top_m_) || kept == 0))
        pressing_[kept++] = pressing_[i];
    pressing_.resize(kept);
  }

  void add_moves(const ClusterView& view, const MoveFinder& finder, std::size_t node,
                 const Task& task) {
    const QueuedRequest& request = queues_.live(task);
    widths_of(task);
    const std::size_t begin = moves_.size();
    finder.add(task, request, widths_, top_g_, moves_);
    const Layout widest = task.widest(queues_.nodes().count(node));
    const int steps = std::min(steps_, task.steps_left());
    const double step = to_seconds(view.cost().predict(task, widest, steps));
    const double rest = std::max(0.0, fastest_s(view, task) - step);
    const double wait = earliest_end(view, node, task, steps, step);
    const double waiting = cost(view, request, wait + rest);
    options_.clear();
    for (std::size_t i = begin; i < moves_.size(); ++i) {
      Move& move = moves_[i];
      const double share =
          static_cast<double>(std::popcount(move.runs_on)) / queues_.nodes().count(node);
      move.score = waiting - cost(view, request, move.migrate_s + move.placed_s + rest) -
                   gpu_time_ * move.placed_s * share / request.alone_s;
      // A move that costs more than waiting is still better than an idle GPU.
      const double value = move.score > 0 ? move.score : kLeast / (1 - move.score);
      options_.push_back({move.claims, value, static_cast<std::uint32_t>(i)});
    }
    plan_.add(options_);
  }

  void widths_of(const Task& task) {
    widths_.clear();
    for (const Layout& layout : task.layouts) widths_.push_back(layout.size());
  }

  // Of a request that ends `end` seconds from now.
  double cost(const ClusterView& view, const QueuedRequest& request, double end) const {
    const double latency = to_seconds(view.now() - request.arrival) + end;
    double cost = latency / request.alone_s;
    if (request.deadline != kNever) {
      const double slack = to_seconds(request.deadline - view.now()) - end;
      cost += lambda_[request.service] * std::max(0.0, 1 - slack / request.alone_s);
    }
    return cost;
  }

  // Seconds to the end of the next step, if the task is left out now: on the window that gives the
  // earliest one once a run has ended; if nothing runs, after somebody else's step.
  double earliest_end(const ClusterView& view, std::size_t node, const Task& task, int steps,
                      double step) const {
    const NodeMasks& nodes = queues_.nodes();
    double next = 1e300;
    for (const GpuId gpu : nodes.working(node))
      if (release_[gpu.value] > 0) next = std::min(next, release_[gpu.value]);
    if (next == 1e300) next = step;
    double earliest = 1e300;
    for (const Layout& layout : task.layouts) {
      const double length = to_seconds(view.cost().predict(task, layout, steps));
      for (int first = 0; first + layout.size() <= nodes.count(node); ++first) {
        double start = next;
        for (int i = first; i < first + layout.size(); ++i)
          start = std::max(start, release_[nodes.working(node)[static_cast<std::size_t>(i)].value]);
        earliest = std::min(earliest, start + length);
      }
    }
    return earliest;
  }

  void place(const Move& move, MoveFinder& finder, std::size_t node, Decisions& out) {
    finder.place(move, queues_, book_, out);
    placed_.emplace_back(move.task->slot, node);
    finder.take(move.claims);
    for (const GpuId gpu : queues_.nodes().group(node, move.claims))
      release_[gpu.value] = move.migrate_s + move.placed_s;
  }

  StepQueues queues_;
  OneByOne book_;
  int steps_, top_m_, top_g_, look_;
  double dual_step_, ewma_, lambda_cap_, gpu_time_;
  Duration dual_interval_;
  PerClass<double> lambda_;
  PerClass<double> average_miss_ = kMissShare;
  bool started_ = false;
  TimePoint predicted_{};
  std::size_t predict_from_ = 0;  // the node that was asked last

  static constexpr std::size_t kNowhere = ~std::size_t{0};
  struct NodeRuns {
    std::vector<std::uint32_t> runs;  // slots of what runs there
    std::uint64_t call = 0;           // the latest for which what follows was set
    std::vector<const Task*> tasks;   // the same, by arrival
  };
  std::uint64_t call_ = 0;
  std::vector<NodeRuns> nodes_;
  std::vector<std::size_t> node_of_run_;                       // by slot
  std::vector<std::pair<std::uint32_t, std::size_t>> placed_;  // slot, node: in this call

  int needed_ = 0;  // see needed_anywhere()
  std::uint64_t needed_version_ = ~std::uint64_t{0};

  // Of this call:
  std::vector<double> release_;  // by GPU; 0: idle
  std::vector<const Task*> tail_, looked_at_;
  std::vector<Pressing> pressing_;
  std::vector<int> widths_;
  std::vector<Move> moves_;
  std::vector<MaskOption> options_;
  MaskPlan plan_;
};

}  // namespace

RG_REGISTER_POLICY(PrimalDual, "primal-dual",
                   "plans the most pressing together, deadlines priced by class");
