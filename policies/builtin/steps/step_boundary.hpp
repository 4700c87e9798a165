// What step-preempt and clean-edf share: GF-DiT's preemption at step boundaries (arXiv 2606.13501).
#pragma once

#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

#include "policies/builtin/steps/step_moves.hpp"

namespace regroup {

// Every placement is of a few steps, and at every boundary the waiting requests are planned anew:
// for each its moves (a window of consecutive GPUs that it could have now), valued by the subclass,
// and of these the set of the highest value that fits, by MaskPlan. While requests of class S are
// under way, or S has missed deadlines not long ago ("pressure"), the denoising of class L is set
// aside (pause) or narrowed (demote).
//
// Nothing is set aside for ever: after force_s it gets one placement on its narrowest layout, after
// max_pause_s it competes again, and what S has missed is forgotten after `memory`.
//
// Cost of a decision: O(changes x log waiting), and a plan for each node that something changed on
// (see NodeAgenda), of O(4 x look requests x (windows + top_k moves x sets of GPUs)). Whenever
// pressure begins or ends, the same for each node where class L waits.
class StepBoundary : public Policy {
 public:
  void decide(const ClusterView& view, Decisions& out) final {
    queues_.begin(view);
    queues_.agenda().wake(view.now());
    begin(view);
    forget(view.now());
    book_.replay(view, out, [&](std::span<const Change> event) {
      for (const Change& change : event)
        queues_.update(view, change, [&](const QueuedRequest& r) { count_miss(view.now(), r); });
      if (pause_ && pressure()) queues_.set_aside(view.now());
      plan_nodes(view, out);
    });
    observe(view);
    wake(view, out);
  }

 protected:
  explicit StepBoundary(const Params& params)
      : queues_(params, StepQueues::Order::kImportance),
        pause_(mode_of(params.get("mode", "pause",
                                  "what class L does under pressure: pause or "
                                  "demote")) == "pause"),
        steps_(params.get("steps", 1, "denoising steps from one decision to the next")),
        top_k_(params.get("top_k", 6, "moves of each request that are planned with")),
        look_(params.get("look", 32, "requests of each queue that are planned with")),
        demote_degree_(params.get("demote_max_degree", 2, "GPUs of class L when it is demoted")),
        force_after_(seconds(params, "force_s", 60, "seconds set aside until one placement")),
        max_pause_(
            seconds(params, "max_pause_s", 600, "seconds set aside until it competes again")),
        memory_(params.get("memory", 18.0,
                           "for how many lengths of a request its missed deadline counts")) {
    if (steps_ < 1 || top_k_ < 1 || look_ < 1 || demote_degree_ < 1)
      throw std::invalid_argument("steps, top_k, look and demote_max_degree: at least 1");
    if (!(memory_ >= 0 && memory_ < 1e6))
      throw std::invalid_argument("memory: at least 0 and less than 1e6");
  }

  // The larger the better. Moves of 0 or less are made only where a whole node would idle.
  virtual double score(const ClusterView& view, const Move& move) const = 0;
  // In every call: before all plans, after each placement of one, and after all of them.
  virtual void begin(const ClusterView&) {}
  virtual void placed(const ClusterView&, const Task&, int /*gpus*/) {}
  virtual void observe(const ClusterView&) {}

  bool pressure() const {
    return queues_.live_of(ServiceClass::kS) > 0 || misses_[ServiceClass::kS] > 0;
  }
  // The virtual queue of a class: its misses beyond the share that it may have.
  double misses(ServiceClass c) const { return misses_[c]; }
  const StepQueues& queues() const { return queues_; }
  std::size_t look() const { return static_cast<std::size_t>(look_); }

  static Duration seconds(const Params& params, std::string_view key, double otherwise,
                          std::string_view meaning) {
    const double value = params.get(key, otherwise, meaning);
    if (!(value > 0 && value < 1e9))
      throw std::invalid_argument(std::string(key) + ": more than 0 and less than 1e9");
    return from_seconds(value);
  }

  static constexpr PerClass<double> kMissShare{0.01, 0.05, 0.20};  // epsilon

 private:
  static std::string mode_of(std::string mode) {
    if (mode != "pause" && mode != "demote")
      throw std::invalid_argument("mode " + mode + ": pause or demote");
    return mode;
  }

  void count_miss(TimePoint now, const QueuedRequest& request) {
    if (request.deadline == kNever) return;
    const bool late = now > request.deadline;
    double& queue = misses_[request.service];
    queue = std::max(0.0, queue + (late ? 1 : 0) - kMissShare[request.service]);
    if (late) remembered_until_[request.service] = now + from_seconds(memory_ * request.alone_s);
  }

  void forget(TimePoint now) {
    for (const ServiceClass c : kServiceClasses)
      if (misses_[c] > 0 && now >= remembered_until_[c]) misses_[c] = 0;
  }

  bool aged(const QueuedRequest& request, TimePoint now) const {
    return request.paused_since != kNever && now - request.paused_since >= max_pause_;
  }

  // Those of class L that pressure holds back: of the ones set aside all but the aged.
  bool held() const { return pause_ && pressure(); }

  void plan_nodes(const ClusterView& view, Decisions& out) {
    if (std::exchange(planned_under_pressure_, pressure()) != pressure()) {
      queues_.touch_pausable();
      needed_version_ = kNotKnown;
    }
    queues_.agenda().visit(
        book_.free(), [&] { return needed_anywhere(view); },
        [&](std::uint32_t node) { return plan_node(view, node, out); });
  }

  // With how many neighbouring GPUs some node could do something for those who may go anywhere.
  int needed_anywhere(const ClusterView& view) {
    const WaitingTasks& anywhere = queues_.anywhere();
    const auto narrowest = [&](const WaitingKey& key) {
      return view.task(key.slot).layouts.front().size();
    };
    if (needed_version_ != queues_.anywhere_version()) {
      needed_version_ = queues_.anywhere_version();
      needed_ = kNobody;
      const auto first_of = [&](const auto& queue, auto&& key_of) {
        int left = look_;
        for (auto it = queue.begin(); it != queue.end() && left > 0 && needed_ > 1; ++it, --left)
          needed_ = std::min(needed_, narrowest(key_of(*it)));
      };
      first_of(anywhere.open, std::identity());
      first_of(anywhere.fresh, std::identity());
      // What is held goes nowhere but where it was.
      if (!held()) first_of(anywhere.paused, [](const auto& entry) { return entry.second; });
    }
    if (anywhere.paused.empty() || view.now() - anywhere.paused.begin()->first < force_after_)
      return needed_;
    return std::min(needed_, narrowest(anywhere.paused.begin()->second));
  }

  NodeAgenda::Outcome plan_node(const ClusterView& view, std::uint32_t node, Decisions& out) {
    const WaitingTasks& own = queues_.of_node(node);
    MoveFinder finder(view, queues_.nodes(), node, queues_.nodes().idle(node, book_.free()), steps_,
                      MoveFinder::Source::kClaimed);
    if (own.empty() && queues_.anywhere().empty()) return {.gap = finder.gap()};
    force(view, finder, own, out);
    force(view, finder, queues_.anywhere(), out);
    while (plan(view, finder, node, out)) {
    }
    // What a move claimed beside its own GPUs is free again for the next plan, and what no move was
    // worth its price for may be worth it later.
    if (finder.idle() != queues_.nodes().idle(node, book_.free()) || !moves_.empty())
      return {.again = true};
    return {.gap = finder.gap(), .until = next_moment(own, view.now())};
  }

  // When the next one of a queue is to be forced, or competes again.
  TimePoint next_moment(const WaitingTasks& waiting, TimePoint now) const {
    TimePoint next = kNever;
    if (waiting.paused.empty()) return next;
    const TimePoint forced = waiting.paused.begin()->first + force_after_;
    if (forced > now) next = forced;
    const TimePoint young = waiting.set_aside_after(now - max_pause_);
    return young == kNever ? next : std::min(next, young + max_pause_);
  }

  // One placement on the narrowest layout for each that has been set aside for long.
  void force(const ClusterView& view, MoveFinder& finder, const WaitingTasks& waiting,
             Decisions& out) {
    while (!waiting.paused.empty()) {
      const auto [since, key] = *waiting.paused.begin();
      if (view.now() - since < force_after_) return;
      const Task& task = view.task(key.slot);
      const auto move = finder.narrowest(task, queues_.live(task));
      if (!move) return;
      place(view, *move, finder, out);
    }
  }

  // Places what fits best. False: nothing. Each request is planned with the best window of each
  // width only, so what is left over may do for another once these are gone.
  bool plan(const ClusterView& view, MoveFinder& finder, std::size_t node, Decisions& out) {
    moves_.clear();
    if (finder.idle() == 0) return false;
    looked_at_.clear();
    look_at(queues_.of_node(node), view.now());
    look_at(queues_.anywhere(), view.now());
    std::ranges::sort(looked_at_);
    plan_.clear();
    for (const WaitingKey& key : looked_at_) add_moves(view, finder, view.task(key.slot));
    const auto chosen = plan_.best();
    for (const std::uint32_t move : chosen) place(view, moves_[move], finder, out);
    if (!chosen.empty()) return true;
    if (moves_.empty() || !finder.whole_node_idle()) return false;
    place(view, *std::ranges::max_element(moves_, {}, &Move::score), finder, out);
    return true;
  }

  // The first of a queue; of those set aside, while there is reason to, only the aged.
  void look_at(const WaitingTasks& waiting, TimePoint now) {
    const auto first_of = [&](const auto& queue, auto&& key_of) {
      int left = look_;
      for (auto it = queue.begin(); it != queue.end() && left > 0; ++it, --left)
        if (const WaitingKey* key = key_of(*it))
          looked_at_.push_back(*key);
        else
          return;
    };
    const auto itself = [](const WaitingKey& key) { return &key; };
    first_of(waiting.open, itself);
    first_of(waiting.fresh, itself);
    const bool all = !held();
    first_of(waiting.paused, [&](const auto& entry) {
      return all || now - entry.first >= max_pause_ ? &entry.second : nullptr;
    });
  }

  void add_moves(const ClusterView& view, const MoveFinder& finder, const Task& task) {
    const QueuedRequest& request = queues_.live(task);
    const std::size_t begin = moves_.size();
    finder.add(task, request, widths(finder, task, request, view.now()), 1, moves_);
    const auto added = moves_.begin() + static_cast<std::ptrdiff_t>(begin);
    for (auto it = added; it != moves_.end(); ++it) it->score = score(view, *it);
    std::sort(added, moves_.end(), [](const Move& a, const Move& b) {
      return std::tuple(-a.score, a.migrate_s, -std::popcount(a.window), a.window) <
             std::tuple(-b.score, b.migrate_s, -std::popcount(b.window), b.window);
    });
    if (moves_.size() > begin + static_cast<std::size_t>(top_k_))
      moves_.resize(begin + static_cast<std::size_t>(top_k_));
    options_.clear();
    for (std::size_t i = begin; i < moves_.size(); ++i)
      options_.push_back({moves_[i].claims, moves_[i].score, static_cast<std::uint32_t>(i)});
    plan_.add(options_);
  }

  // Beside the window that the request has.
  WidthList widths(const MoveFinder& finder, const Task& task, const QueuedRequest& request,
                   TimePoint now) const {
    const bool pressed =
        request.service == ServiceClass::kL && task.kind == StageKind::kDenoise && pressure();
    if (!pressed) return finder.wide_first(task);
    if (pause_) return {};  // it has aged: where it was
    if (aged(request, now)) return {finder.widest_window(task), 2, 1};
    return {1, std::max(2, demote_degree_)};
  }

  void place(const ClusterView& view, const Move& move, MoveFinder& finder, Decisions& out) {
    finder.place(move, queues_, book_, out);
    finder.take(move.claims);
    placed(view, *move.task, std::popcount(move.runs_on));
  }

  // When the next that is set aside is due.
  void wake(const ClusterView& view, Decisions& out) {
    if (!queues_.anybody_aside()) return;
    TimePoint due = kNever;
    for (const Duration age : {force_after_, max_pause_})
      if (const TimePoint since = queues_.longest_aside_after(view.now() - age); since != kNever)
        due = std::min(due, since + age);
    const TimePoint remembered = remembered_until_[ServiceClass::kS];
    if (misses_[ServiceClass::kS] > 0 && remembered > view.now()) due = std::min(due, remembered);
    if (due == kNever || (next_wake_ > view.now() && next_wake_ <= due)) return;
    out.wake_at(due);
    next_wake_ = due;
  }

  StepQueues queues_;
  OneByOne book_;
  bool pause_;  // else demote
  int steps_, top_k_, look_, demote_degree_;
  Duration force_after_, max_pause_;
  double memory_;
  PerClass<double> misses_;
  PerClass<TimePoint> remembered_until_;  // misses_
  TimePoint next_wake_{};

  static constexpr int kNobody = std::numeric_limits<int>::max();
  static constexpr std::uint64_t kNotKnown = ~std::uint64_t{0};
  bool planned_under_pressure_ = false;       // by the latest plan
  int needed_ = kNobody;                      // see needed_anywhere(), without those to be forced
  std::uint64_t needed_version_ = kNotKnown;  // of the queue that it is known for

  // Of this call:
  std::vector<WaitingKey> looked_at_;
  std::vector<Move> moves_;
  std::vector<MaskOption> options_;
  MaskPlan plan_;
};

}  // namespace regroup
