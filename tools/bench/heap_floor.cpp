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
  std::priority_queue<Entry, std::vector<Entry>, Later> heap;
  std::vector<int> steps_left(options.requests, options.steps);
  std::queue<std::uint32_t> waiting;
  int idle = options.servers;
  std::uint64_t random = 88172645463325252u;
  const auto mean_gap = static_cast<std::uint64_t>(static_cast<double>(kStep) * options.steps /
                                                   (options.servers * options.load));
  const auto step = [&] {
    return kStep / 2 + static_cast<std::int64_t>(next_random(random) % kStep);
  };

  HeapLoopResult result;
  heap.push({0, 0, true});
  while (!heap.empty()) {
    const Entry entry = heap.top();
    heap.pop();
    ++result.events;
    result.finished_ns = entry.at;
    if (entry.arrives) {
      if (entry.request + 1 < options.requests)
        heap.push({entry.at + static_cast<std::int64_t>(next_random(random) % (2 * mean_gap)),
                   entry.request + 1, true});
      waiting.push(entry.request);
    } else if (--steps_left[entry.request] > 0) {
      heap.push({entry.at + step(), entry.request, false});
    } else {
      ++idle;
    }
    for (; idle > 0 && !waiting.empty(); --idle, waiting.pop())
      heap.push({entry.at + step(), waiting.front(), false});
  }
  return result;
}

}  // namespace regroup::tools
