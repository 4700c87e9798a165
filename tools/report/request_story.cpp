#include "tools/report/request_story.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

namespace regroup::tools {
namespace {

constexpr double kNotable = 0.01;  // less of a request's time is no reason

using Runs = std::vector<const Placement*>;  // of one request, by launch

// The time in which at least one of the runs was under way.
Duration covered(const Runs& runs) {
  Duration sum{};
  TimePoint until{};
  for (const Placement* run : runs) {
    const TimePoint from = std::max(run->launched, until);
    if (run->ended > from) sum += run->ended - from;
    until = std::max(until, run->ended);
  }
  return sum;
}

void add_runs(RequestStory& story, const Runs& runs) {
  Duration moving{}, lost{};
  const Placement* before = nullptr;
  for (const Placement* run : runs) {
    const int width = static_cast<int>(run->group.size());
    story.narrowest = story.runs == 0 ? width : std::min(story.narrowest, width);
    story.widest = std::max(story.widest, width);
    ++story.runs;
    story.moves += before != nullptr && before->group != run->group ? 1 : 0;
    story.preemptions += run->mark.preempted == kNever ? 0 : 1;
    moving += run->times.dispatch + run->times.setup + run->times.migrate;
    if (run->failed) lost += run->times.compute;
    before = run;
  }
  const double busy_s = to_seconds(covered(runs));
  story.moving_s = std::min(to_seconds(moving), busy_s);
  story.lost_s = std::min(to_seconds(lost), busy_s - story.moving_s);
  story.running_s = busy_s - story.moving_s - story.lost_s;
  story.waiting_s = std::max(story.latency_s - busy_s, 0.0);
}

Reason reason_of(const RequestStory& story, const RequestRow& row) {
  if (story.alone_s && row.deadline != kNever &&
      *story.alone_s > to_seconds(row.deadline - row.arrival))
    return Reason::kDoomed;
  if (row.rejected) return Reason::kRejected;
  const double narrow_s = story.alone_s ? std::max(story.running_s - *story.alone_s, 0.0) : 0;
  const std::array<std::pair<double, Reason>, 4> parts = {{{story.waiting_s, Reason::kWaited},
                                                           {narrow_s, Reason::kNarrow},
                                                           {story.moving_s, Reason::kMoved},
                                                           {story.lost_s, Reason::kLost}}};
  const auto largest = std::ranges::max_element(parts, {}, &std::pair<double, Reason>::first);
  return largest->first > kNotable * story.latency_s ? largest->second : Reason::kUnknown;
}

}  // namespace

const char* text_of(Reason reason) {
  switch (reason) {
    case Reason::kDoomed:
      return "doomed on arrival";
    case Reason::kRejected:
      return "rejected";
    case Reason::kWaited:
      return "waited";
    case Reason::kNarrow:
      return "too narrow";
    case Reason::kMoved:
      return "moved";
    case Reason::kLost:
      return "lost to a failure";
    case Reason::kUnknown:
      break;
  }
  return "none found";
}

std::vector<RequestStory> stories_of(const RunFacts& facts, const RunCosts* costs) {
  std::vector<Runs> lives(facts.requests().size());
  for (const Placement& each : facts.placements)
    for (const std::size_t request : each.requests) lives[request].push_back(&each);
  std::vector<RequestStory> stories(lives.size());
  for (std::size_t i = 0; i < lives.size(); ++i) {
    const RequestRow& row = facts.requests()[i];
    RequestStory& story = stories[i];
    story.request = i;
    story.latency_s = to_seconds(facts.gone[i] - row.arrival);
    if (row.deadline != kNever) story.lateness_s = to_seconds(facts.gone[i] - row.deadline);
    if (costs != nullptr) story.alone_s = to_seconds(costs->alone(row));
    std::ranges::stable_sort(lives[i], {}, &Placement::launched);
    add_runs(story, lives[i]);
    story.reason = reason_of(story, row);
  }
  return stories;
}

std::vector<std::size_t> worst_of(const std::vector<RequestStory>& stories, std::size_t count) {
  std::vector<std::size_t> order(stories.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto badness = [&](std::size_t i) {
    const double none = -std::numeric_limits<double>::infinity();
    return std::pair(stories[i].lateness_s.value_or(none), stories[i].latency_s);
  };
  std::ranges::stable_sort(order, std::ranges::greater{}, badness);
  order.resize(std::min(order.size(), count));
  return order;
}

}  // namespace regroup::tools
