#include "tools/bench/heap_floor.hpp"

#include <queue>
#include <vector>

namespace regroup::tools {
namespace {

struct Entry {
  std::int64_t at = 0;
  std::uint32_t request = 0;
  bool arrives = false;
};
struct Request {
  std::int64_t arrival = 0;
  int steps_left = 0;
};
struct Later {
  bool operator()(const Entry& a, const Entry& b) const {
    return a.at != b.at ? a.at > b.at : a.request > b.request;
  }
};

constexpr std::int64_t kStep = 300'000'000;  // mean; +- 50 %, so that the heap has work to do

// xorshift64 (Marsaglia, 2003): a few instructions.
std::uint64_t next_random(std::uint64_t& state) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

}  // namespace

HeapLoopResult run_heap_loop(const HeapLoop& options) {
  std::uint64_t random = 88172645463325252u;
  const auto mean_gap = static_cast<std::uint64_t>(static_cast<double>(kStep) * options.steps /
                                                   (options.servers * options.load));
  const auto gap = [&] { return static_cast<std::int64_t>(next_random(random) % (2 * mean_gap)); };
  const auto step = [&] {
    return kStep / 2 + static_cast<std::int64_t>(next_random(random) % kStep);
  };

  std::vector<Request> requests(options.requests, {.steps_left = options.steps});
  for (std::size_t i = 1; i < requests.size(); ++i)
    requests[i].arrival = requests[i - 1].arrival + gap();
  std::priority_queue<Entry, std::vector<Entry>, Later> heap;
  std::uint32_t next = 0;
  const auto queue_next_arrival = [&] {
    heap.push({requests[next].arrival, next, true});
    ++next;
  };
  const bool whole_trace = options.queued == HeapLoop::Queued::kWholeTrace;
  while (next < (whole_trace ? requests.size() : 1)) queue_next_arrival();

  std::queue<std::uint32_t> waiting;
  int idle = options.servers;
  HeapLoopResult result;
  while (!heap.empty()) {
    const Entry entry = heap.top();
    heap.pop();
    ++result.events;
    result.finished_ns = entry.at;
    Request& request = requests[entry.request];
    if (entry.arrives) {
      if (next < requests.size()) queue_next_arrival();
      waiting.push(entry.request);
    } else if (--request.steps_left > 0) {
      heap.push({entry.at + step(), entry.request, false});
    } else {
      result.latency_ns += entry.at - request.arrival;
      ++idle;
    }
    for (; idle > 0 && !waiting.empty(); --idle, waiting.pop())
      heap.push({entry.at + step(), waiting.front(), false});
  }
  return result;
}

}  // namespace regroup::tools
