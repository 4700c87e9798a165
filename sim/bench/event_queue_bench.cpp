// Which queue: the earliest event leaves and a new one comes, as many times as a simulation does,
// with as many events to come as there are groups of GPUs at work.
#include <benchmark/benchmark.h>

#include <queue>
#include <string>

#include "core/random.hpp"
#include "sim/bench/calendar_queue.hpp"
#include "sim/bench/ladder_queue.hpp"

namespace regroup::sim {
namespace {

using Entry = EventQueue::Entry;

struct BinaryHeap {
  struct Later {
    bool operator()(const Entry& a, const Entry& b) const { return b.before(a); }
  };
  void push(Event::Kind, Entry entry) {
    entry.order = next_sequence++;
    heap.push(entry);
  }
  Entry pop() {
    const Entry first = heap.top();
    heap.pop();
    return first;
  }
  std::priority_queue<Entry, std::vector<Entry>, Later> heap;
  std::uint64_t next_sequence = 0;
};

struct FourAryHeap {
  void push(Event::Kind kind, const Entry& entry) { queue.push(kind, entry); }
  Entry pop() {
    const Entry first = queue.top();
    queue.pop();
    return first;
  }
  EventQueue queue;
};

// How long runs are. `kSteps`: one step of FLUX.1-dev's four sizes on an H100, a little spread.
// `kWholeRequests`: some are a thousand times as long as others.
enum Mix { kSteps, kWholeRequests };

std::vector<Duration> durations(Mix mix) {
  constexpr double kStepSeconds[] = {0.012, 0.03, 0.11, 0.65};
  RandomStream random(1, "event queue bench");
  std::vector<Duration> result;
  for (int i = 0; i < 1 << 16; ++i) {
    const double step = kStepSeconds[static_cast<std::size_t>(random.uniform() * 4)];
    const double steps = mix == kSteps ? 0.95 + 0.1 * random.uniform() : 1 + random.uniform() * 30;
    result.push_back(from_seconds(step * steps));
  }
  return result;
}

template <class Queue>
void hold(benchmark::State& state, Mix mix) {
  const std::vector<Duration> lengths = durations(mix);
  std::size_t next = 0;
  const auto length = [&] { return lengths[next++ % lengths.size()]; };
  Queue queue;
  for (std::int64_t i = 0; i < state.range(0); ++i)
    queue.push(Event::Kind::kRunEnded, {.at = TimePoint(length())});
  for (auto _ : state) {
    const Entry first = queue.pop();
    queue.push(Event::Kind::kRunEnded, {.at = first.at + length(), .subject = first.subject});
  }
}

void sizes(benchmark::internal::Benchmark* bench) {
  for (const int size : {8, 64, 1024, 10'000, 100'000}) bench->Arg(size);
}

template <class Queue>
void add(const std::string& name) {
  benchmark::RegisterBenchmark(("steps/" + name).c_str(), hold<Queue>, kSteps)->Apply(sizes);
  benchmark::RegisterBenchmark(("whole requests/" + name).c_str(), hold<Queue>, kWholeRequests)
      ->Apply(sizes);
}

}  // namespace
}  // namespace regroup::sim

int main(int argc, char** argv) {
  using namespace regroup::sim;
  add<BinaryHeap>("binary heap");
  add<FourAryHeap>("4-ary heap");
  add<CalendarQueue>("calendar");
  add<LadderQueue>("ladder");
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
