// The least that any discrete-event simulator of requests does: what ours is measured against.
#pragma once

#include <cstdint>

namespace regroup::tools {

// Servers that each do one request at a time, step by step, first come first served: a
// std::priority_queue of (time, request), a table of requests, the sum of their latencies, and
// nothing else. No policy, no groups, no costs to look up, nothing checked or recorded.
struct HeapLoop {
  // Which events are in the queue beside the ends of steps. kWholeTrace: every arrival from the
  // start, as one writes it first: the floor that we quote. kNextArrival: one arrival at a time, as
  // our own loop has it: with few servers the queue is nearly empty, and nothing can be faster.
  enum class Queued { kWholeTrace, kNextArrival } queued = Queued::kWholeTrace;
  std::uint64_t requests = 1;
  int steps = 30;
  int servers = 8;
  double load = 0.8;  // of the servers
};

struct HeapLoopResult {
  std::uint64_t events = 0;      // arrivals and ends of steps
  std::int64_t finished_ns = 0;  // when the last request is done, on the loop's own timeline
  std::int64_t latency_ns = 0;   // of all requests together
};

HeapLoopResult run_heap_loop(const HeapLoop& options);

}  // namespace regroup::tools
