// What a request could do at a step boundary (GF-DiT's step-preempt, arXiv 2606.13501).
#pragma once

#include <bit>
#include <optional>
#include <span>
#include <vector>

#include "policies/builtin/deadlines/one_by_one.hpp"
#include "policies/builtin/steps/step_queues.hpp"

namespace regroup {

// One way to go on now.
struct Move {
  const Task* task = nullptr;
  const QueuedRequest* request = nullptr;
  Layout layout{};
  GpuMask window = 0;
  GpuMask runs_on = 0;   // of the window: what the placement is on
  GpuMask claims = 0;    // runs_on, and where the state comes from
  int widened = 0;       // GPUs more than before; below 0: fewer
  bool stays = false;    // where it is, or has no state yet
  double placed_s = 0;   // the steps of this placement
  double left_s = 0;     // what is left of this stage
  double migrate_s = 0;  // the state's way there
  double score = 0;
};

// Widths to try, in that order; zeros are none.
using WidthList = std::array<int, 3>;

// A stage that can only have one GPU.
inline bool single_gpu(const Task& task) { return task.layouts.back().size() == 1; }

// The moves that are open to tasks on one node.
class MoveFinder {
 public:
  // Whether a move claims what it leaves, too, so that nothing else is planned onto it meanwhile.
  enum class Source { kClaimed, kFree };

  MoveFinder(const ClusterView& view, const NodeMasks& nodes, std::size_t node, GpuMask idle,
             int steps, Source source)
      : view_(view), nodes_(nodes), node_(node), idle_(idle), steps_(steps), source_(source) {}

  // As wide as can be, half of that, one.
  WidthList wide_first(const Task& task) const {
    const int widest = widest_window(task);
    return {widest, std::max(2, widest / 2), 1};
  }
  int widest_window(const Task& task) const {
    const int count = std::min(nodes_.count(node_), static_cast<int>(kMaxGroupSize));
    if (!single_gpu(task)) return task.widest(count).size();
    return static_cast<int>(std::bit_floor(static_cast<unsigned>(count)));
  }

  // Appends the moves that `task` could make at once: into its own window, and for each width into
  // up to `windows` windows without a GPU in common, first those that share most with its own, of
  // equal ones the lowest.
  void add(const Task& task, const QueuedRequest& request, std::span<const int> widths, int windows,
           std::vector<Move>& moves) const {
    const std::size_t begin = moves.size();
    const GpuMask own = nodes_.mask(node_, request.window);
    const auto try_window = [&](GpuMask window) {
      for (std::size_t i = begin; i < moves.size(); ++i)
        if (moves[i].window == window) return;
      add_move(task, request, own, window, moves);
    };
    if (own != 0) try_window(own);
    for (const int width : widths) {
      if (width == 0) continue;
      int wide = std::min(width, widest_window(task));
      if (!single_gpu(task)) wide = task.widest(wide).size();
      GpuMask used = 0;
      for (int i = 0; i < windows; ++i) {
        const GpuMask window = best_window(own, wide, used);
        if (window == 0) break;
        try_window(window);
        used |= window;
      }
    }
  }

  // These are no longer idle.
  void take(GpuMask gpus) { idle_ &= ~gpus; }
  GpuMask idle() const { return idle_; }
  // The most neighbouring GPUs that are idle.
  int gap() const {
    int gap = 0;
    for (GpuMask mask = idle_; mask != 0; mask &= mask << 1) ++gap;
    return gap;
  }
  bool whole_node_idle() const { return std::popcount(idle_) == nodes_.count(node_); }

  void place(const Move& move, StepQueues& queues, OneByOne& book, Decisions& out) const {
    const int steps = move.task->kind == StageKind::kDenoise ? steps_ : move.task->steps_left();
    book.place(out, *move.task, nodes_.group(node_, move.runs_on), move.layout, steps);
    queues.placed(*move.task, nodes_.group(node_, move.window));
  }

  // Onto the lowest idle GPUs that the narrowest layout can have.
  std::optional<Move> narrowest(const Task& task, const QueuedRequest& request) const {
    const Layout layout = task.layouts.front();
    const GpuMask window = best_window(0, layout.size(), 0);
    if (window == 0) return std::nullopt;
    return Move{.task = &task,
                .request = &request,
                .layout = layout,
                .window = window,
                .runs_on = window,
                .claims = window};
  }

 private:
  GpuMask best_window(GpuMask own, int width, GpuMask used) const {
    GpuMask best = 0;
    int most = -1;
    for (int first = 0; first + width <= nodes_.count(node_); ++first) {
      const GpuMask window = NodeMasks::window(first, width);
      if ((window & ~(idle_ | own)) != 0 || (window & used) != 0) continue;
      const int common = std::popcount(window & own);
      if (window == own) return window;
      if (common > most) {
        most = common;
        best = window;
      }
    }
    return best;
  }

  void add_move(const Task& task, const QueuedRequest& request, GpuMask own, GpuMask window,
                std::vector<Move>& moves) const {
    Move move{.task = &task, .request = &request, .window = window};
    const int width = std::popcount(window);
    move.layout = task.widest(width);
    if (move.layout.size() > width) return;
    move.runs_on = lowest(window, move.layout.size());
    if (!single_gpu(task)) move.window = move.runs_on;
    move.stays = own == 0 || window == own;
    move.widened = own == 0 ? 0 : width - std::popcount(own);
    move.claims = move.runs_on;
    if (!move.stays && !single_gpu(task) && source_ == Source::kClaimed) move.claims |= own;
    if ((move.claims & ~idle_) != 0) return;
    const int steps = std::min(steps_, task.steps_left());
    move.placed_s = to_seconds(view_.cost().predict(task, move.layout, steps));
    move.left_s = move.placed_s * task.steps_left() / steps;
    if (!move.stays)
      move.migrate_s = to_seconds(view_.cost().migrate(task, nodes_.group(node_, move.runs_on)));
    moves.push_back(move);
  }

  static GpuMask lowest(GpuMask mask, int count) {
    GpuMask taken = 0;
    for (; count > 0; --count, mask &= mask - 1) taken |= mask & (~mask + 1);
    return taken;
  }

  const ClusterView& view_;
  const NodeMasks& nodes_;
  std::size_t node_;
  GpuMask idle_;
  int steps_;
  Source source_;
};

}  // namespace regroup
