// TetriServe (arXiv 2510.01565), as the simulator of GF-DiT (arXiv 2606.13501) has it.
//
// A plan gives every request in its denoising, running or not, its GPUs for the time to come: a
// knapsack chooses those that have to run now to be in time, each with the narrowest width that
// does; what is left over goes to the others and then to whoever is made faster, in order of
// deadline (tetriserve_node.hpp). A request whose GPUs are not free yet holds those that are.
// Single-GPU stages go first, on the lowest GPU.
//
// The published form plans once a round; between two plans a request goes on where it is as long as
// its next step ends within the round, and everything else waits. Rounds go on, empty ones left
// out, from the first arrival. Without rounds it plans at everything that happens, and while
// somebody waits beside free GPUs also kAhead before the next run ends: GF-DiT's runtime asks when
// a launch is through, which is that long before the work is. (Who waits for many GPUs may have
// become too late by then, and take the free ones; a moment later those of the run would be free,
// too.)
//
// Beyond what was published: of several nodes each plans for itself; a request is at home on the
// node with the least work for its GPUs, and moves only if GPUs break.
//
// Cost of a decision: O(changes x (log nodes + requests at home on the node x GPUs of it)); with
// rounds the second part once a round for all nodes where somebody waits. When a GPU fails or is
// repaired, O(GPUs).
#include <optional>

#include "policies/builtin/deadlines/one_by_one.hpp"
#include "policies/builtin/deadlines/tetriserve_node.hpp"

namespace {
using namespace regroup;
using namespace regroup::tetriserve;

class Tetriserve final : public Policy {
 public:
  static constexpr const char* kSource =
      "TetriServe, arXiv 2510.01565, in the two forms of GF-DiT, arXiv 2606.13501";

  explicit Tetriserve(const Params& params) {
    const int ms = params.get("round_ms", 0, "length of a round; 0: continuous, no rounds");
    if (ms < 0) throw std::invalid_argument("round_ms " + std::to_string(ms) + ": at least 0");
    round_ = std::chrono::milliseconds(ms);
  }

  void decide(const ClusterView& view, Decisions& out) override {
    if (nodes_.empty()) make_nodes(view);
    book_.replay(view, out, [&](std::span<const Change> event) {
      const bool went_on = ended_wide(event.front());
      std::set<std::size_t> touched;
      for (const Change& change : event) take_in(view, change, touched);
      if (round_ == Duration::zero())
        for (const std::size_t node : touched) plan_and_take(view, nodes_[node], out);
      else if (went_on)
        for (const Change& change : event) carry_on(view, change, out);
    });
    if (round_ > Duration::zero()) tick(view, out);
  }

 private:
  static constexpr Duration kAhead = std::chrono::microseconds(50);
  static constexpr TaskId kLastTask{~std::uint64_t{0}};

  struct Home {
    std::size_t node = 0;
    Duration work{};
  };
  struct Entry {
    TaskId task{};
    std::size_t node = 0;
    bool known = false;
    TimePoint end{};  // of its run, as expected
  };

  void make_nodes(const ClusterView& view) {
    for (const Node& node : view.nodes()) nodes_.emplace_back().id = node.id;
    count_gpus(view);
  }

  void count_gpus(const ClusterView& view) {
    for (NodePlan& node : nodes_) node.gpus = 0;
    for (const Gpu& gpu : view.gpus())
      if (gpu.state != GpuState::kFailed) ++nodes_[gpu.node.value].gpus;
    by_load_.clear();
    for (std::size_t node = 0; node < nodes_.size(); ++node)
      by_load_.emplace(load(nodes_[node]), node);
  }

  // Seconds of work for each GPU.
  static double load(const NodePlan& node) {
    return node.gpus > 0 ? to_seconds(node.work) / node.gpus : 0;
  }
  void add_work(std::size_t node, Duration work) {
    by_load_.erase({load(nodes_[node]), node});
    nodes_[node].work += work;
    by_load_.emplace(load(nodes_[node]), node);
  }

  // The entry of a task change's task, if it has one.
  Entry* entry(const Change& change) {
    if (change.task->slot >= entries_.size()) return nullptr;
    Entry& found = entries_[change.task->slot];
    return found.known && found.task == change.task->id ? &found : nullptr;
  }

  // Whether a run of a stage of any width has just ended.
  bool ended_wide(const Change& change) {
    if (change.kind != Change::Kind::kTaskReady && change.kind != Change::Kind::kTaskDone)
      return false;
    const Entry* const at = entry(change);
    return at != nullptr && nodes_[at->node].find(change.request, change.task->id) != nullptr;
  }

  // Notes for which nodes a change makes a difference.
  void take_in(const ClusterView& view, const Change& change, std::set<std::size_t>& touched) {
    switch (change.kind) {
      case Change::Kind::kTaskReady:
        if (const Entry* const at = entry(change)) touched.insert(ended(*at));
        touched.insert(enter(view, *change.task));
        break;
      case Change::Kind::kTaskDone:
        if (Entry* const at = entry(change)) {
          touched.insert(ended(*at));
          nodes_[at->node].remove(change.request, change.task->id);
          at->known = false;
        }
        break;
      case Change::Kind::kRequestDone:
        if (const auto home = homes_.find(change.request); home != homes_.end()) {
          add_work(home->second.node, -home->second.work);
          homes_.erase(home);
        }
        break;
      case Change::Kind::kGpuFailed:
      case Change::Kind::kGpuRepaired:
        count_gpus(view);
        for (const std::uint32_t slot : waiting()) enter(view, view.task(slot));
        for (std::size_t node = 0; node < nodes_.size(); ++node) touched.insert(node);
        break;
      case Change::Kind::kWoke:
        for (const auto& [at, node] : asked_)
          if (at <= view.now())
            touched.insert(node);
          else
            break;
        break;
    }
  }

  // The node where a task's run, if it had one, has ended.
  std::size_t ended(const Entry& at) {
    nodes_[at.node].ends.erase({at.end, at.task});
    return at.node;
  }

  // Slots of the tasks that wait, on all nodes.
  std::vector<std::uint32_t> waiting() const {
    std::vector<std::uint32_t> slots;
    for (const NodePlan& node : nodes_) {
      for (const edf::Key& key : node.singles) slots.push_back(key.task->slot);
      for (const auto& [key, candidate] : node.by_deadline())
        if (!candidate->running) slots.push_back(key.task->slot);
    }
    return slots;
  }

  // Puts a ready task in line on its home node, which is returned.
  std::size_t enter(const ClusterView& view, const Task& task) {
    if (entries_.size() <= task.slot) entries_.resize(task.slot + 1);
    Entry& at = entries_[task.slot];
    if (at.known) {
      nodes_[at.node].remove(task.request, at.task);
      nodes_[at.node].singles.erase(edf::Key(task));
    }
    at = {task.id, home(view, task), true, {}};
    NodePlan& node = nodes_[at.node];
    if (edf::is_single(task))
      node.singles.emplace(task);
    else
      node.add(candidate(view, task), task.id);
    return at.node;
  }

  // Where its request is at home. It gets a new home if that cannot hold it any more.
  std::size_t home(const ClusterView& view, const Task& task) {
    const int least = task.layouts[0].size();
    const auto [found, fresh] = homes_.try_emplace(task.request);
    Home& home = found->second;
    if (fresh) {
      home.work = view.cost().remaining(task, 1);
    } else {
      if (nodes_[home.node].gpus >= least) return home.node;
      add_work(home.node, -home.work);
    }
    home.node = 0;  // where it waits if no node can hold it
    for (const auto& [load, node] : by_load_)
      if (nodes_[node].gpus >= least) {
        home.node = node;
        break;
      }
    add_work(home.node, home.work);
    return home.node;
  }

  static Candidate candidate(const ClusterView& view, const Task& task) {
    Candidate made;
    made.key = edf::Key(task);
    made.steps = task.kind == StageKind::kDenoise ? task.steps_left() : task.denoise_steps;
    for (const Layout layout : task.layouts)
      made.widths.push_back(
          {layout, view.cost().remaining(task, layout.size()), step_time(view, task, layout)});
    return made;
  }

  // One denoising step. Before the denoising: what one step more would add to what is left.
  static Duration step_time(const ClusterView& view, const Task& task, Layout layout) {
    if (task.kind == StageKind::kDenoise) return view.cost().predict(task, layout, 1);
    Task one_more = task;
    ++one_more.denoise_steps;
    return view.cost().remaining(one_more, layout.size()) -
           view.cost().remaining(task, layout.size());
  }

  // Plans until nothing more can be placed (what is under way changes the plan), and asks to plan
  // again when that may have changed though nothing has happened.
  void plan_and_take(const ClusterView& view, NodePlan& node, Decisions& out) {
    while (take(view, node, out)) {
    }
    if (node.asks_at <= view.now()) ask(node, kNever);
    if (book_.free().count(node.id) == 0 || !node.anybody_waits()) return;
    const auto next = node.ends.upper_bound({view.now() + kAhead, kLastTask});
    if (next == node.ends.end() || next->first - kAhead >= node.asks_at) return;
    ask(node, next->first - kAhead);
    out.wake_at(node.asks_at);
  }

  void ask(NodePlan& node, TimePoint at) {
    if (node.asks_at != kNever) asked_.erase({node.asks_at, node.id.value});
    node.asks_at = at;
    if (at != kNever) asked_.emplace(at, node.id.value);
  }

  // Places what can be placed on a node by a new plan. False: nothing.
  bool take(const ClusterView& view, NodePlan& node, Decisions& out) {
    const int before = book_.free().count(node.id);
    while (!node.singles.empty() && book_.free().count(node.id) > 0) {
      const Task& task = *node.singles.begin()->task;
      node.singles.erase(node.singles.begin());
      start(view, node, task, book_.free().pick_on(node.id, 1), task.layouts[0], out);
    }
    if (book_.free().count(node.id) > 0) {
      node.plan(view.now(), round_);
      place_planned(view, node, out);
    }
    return book_.free().count(node.id) < before;
  }

  void place_planned(const ClusterView& view, NodePlan& node, Decisions& out) {
    for (const auto& [key, candidate] : node.by_deadline()) {
      if (candidate->running || candidate->target == 0) continue;
      const Task& task = *key.task;
      const Group group = edf::pick(book_.free(), task, node.id, candidate->target);
      if (group.empty()) return;  // it holds those that are free until there are enough
      run(view, node, task, *candidate, group, out);
    }
  }

  void run(const ClusterView& view, NodePlan& node, const Task& task, Candidate& candidate,
           const Group& group, Decisions& out) {
    const auto size = static_cast<int>(group.size());
    const auto width = std::ranges::find(candidate.widths, size,
                                         [](const Width& each) { return each.layout.size(); });
    candidate.running = true;
    if (task.kind == StageKind::kDenoise) --candidate.steps;
    start(view, node, task, group, width->layout, out);
  }

  void start(const ClusterView& view, NodePlan& node, const Task& task, const Group& group,
             Layout layout, Decisions& out) {
    const CostModel& cost = view.cost();
    const TimePoint end = view.now() + cost.dispatch() + cost.setup(group) +
                          cost.migrate(task, group) + cost.predict(task, layout, 1);
    entries_[task.slot].end = end;
    node.ends.emplace(end, task.id);
    book_.place(out, task, group, layout, 1);
  }

  // Between two plans: the next step on the same GPUs, if it ends within the round.
  void carry_on(const ClusterView& view, const Change& change, Decisions& out) {
    if (change.kind != Change::Kind::kTaskReady) return;
    const Task& task = *change.task;
    NodePlan& node = nodes_[entry(change)->node];
    Candidate* const candidate = node.find(task.request, task.id);
    if (candidate == nullptr) return;
    for (const Width& width : candidate->widths)
      if (width.layout.size() == static_cast<int>(task.group.size()) &&
          view.now() + view.cost().predict(task, width.layout, 1) <= round_end_ &&
          std::ranges::all_of(task.group, [&](GpuId g) { return book_.free().contains(g); }))
        return run(view, node, task, *candidate, task.group, out);
  }

  // Plans if a round begins now, and wants to be woken when the next one does.
  void tick(const ClusterView& view, Decisions& out) {
    const TimePoint now = view.now();
    const bool live = !view.ready().empty() || !view.running().empty();
    if (live && !first_) first_ = now;
    if (!first_) return;
    const Duration into_round = (now - *first_) % round_;
    const bool begins = next_round_ ? now >= *next_round_ : into_round == Duration::zero();
    if (begins) next_round_.reset();
    const bool gpus = std::ranges::any_of(nodes_, [](const auto& node) { return node.gpus > 0; });
    if (!live || !gpus || next_round_) return;
    next_round_ = now + round_ - into_round;
    out.wake_at(*next_round_);
    if (!begins) return;
    round_end_ = *next_round_;
    for (NodePlan& node : nodes_)
      if (!node.singles.empty() || node.anybody_waits()) take(view, node, out);
  }

  Duration round_{};  // zero: continuous
  OneByOne book_;
  std::vector<NodePlan> nodes_;                        // by NodeId
  std::set<std::pair<double, std::size_t>> by_load_;   // all nodes
  std::set<std::pair<TimePoint, std::size_t>> asked_;  // nodes, by the wake-up they asked for
  std::map<RequestId, Home> homes_;
  std::vector<Entry> entries_;           // by slot
  std::optional<TimePoint> first_;       // when the first round began
  std::optional<TimePoint> next_round_;  // the wake-up that is asked for
  TimePoint round_end_{};                // of the latest round that was planned
};

}  // namespace

RG_REGISTER_POLICY(Tetriserve, "tetriserve",
                   "a knapsack chooses who must run now to meet the most deadlines");
