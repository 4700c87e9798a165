// What a group costs, and what is done in it, with threads for ranks. Times are per operation; with
// fewer processors than ranks they are mostly those of the scheduler.
#include <benchmark/benchmark.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/collectives/collectives.hpp"
#include "runtime/collectives/world.hpp"

namespace regroup::collectives {
namespace {

struct SteadyClock {
  std::int64_t operator()() const {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }
};
using Rank = Collectives<SpinThenYield, SteadyClock>;
constexpr std::int64_t kPatient = std::numeric_limits<std::int64_t>::max();

std::vector<int> all_ranks(int ranks) {
  std::vector<int> all(static_cast<std::size_t>(ranks));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

// Carries out work(rank, i) for i = 0, 1, ... at all ranks of a world: rank 0 is the caller, every
// other one has a thread.
class Crew {
 public:
  using Work = std::function<Status(Rank&, std::uint64_t)>;

  Crew(World& world, const Work& work)
      : work_(work), first_(world, 0, SpinThenYield{}, SteadyClock{}) {
    for (int rank = 1; rank < world.ranks(); ++rank)
      others_.emplace_back([this, &world, rank] {
        Rank self(world, rank, SpinThenYield{}, SteadyClock{});
        for (std::uint64_t done = 0;;) {
          const std::uint64_t wanted = wanted_.load(std::memory_order_acquire);
          if (wanted == kStop) return;
          if (done == wanted) std::this_thread::yield();
          for (; done < wanted; ++done) (void)work_(self, done);
        }
      });
  }
  ~Crew() {
    wanted_.store(kStop, std::memory_order_release);
    for (std::thread& thread : others_) thread.join();
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  // False: an operation failed at rank 0.
  bool run(std::uint64_t times) {
    wanted_.store(done_ + times, std::memory_order_release);
    for (const std::uint64_t end = done_ + times; done_ < end; ++done_)
      if (work_(first_, done_) != Status::kOk) return false;
    return true;
  }

 private:
  static constexpr std::uint64_t kStop = std::numeric_limits<std::uint64_t>::max();

  const Work& work_;
  Rank first_;
  std::uint64_t done_ = 0;
  std::atomic<std::uint64_t> wanted_ = 0;
  std::vector<std::thread> others_;
};

void time_work(benchmark::State& state, World& world, const Crew::Work& work) {
  constexpr std::uint64_t kBatch = 100;  // so that handing out work does not count
  Crew crew(world, work);
  while (state.KeepRunningBatch(kBatch))
    if (!crew.run(kBatch)) {
      state.SkipWithError("an operation failed");
      return;
    }
}

// All that a new group takes, for all of its members.
void form_group(benchmark::State& state) {
  const World world({.ranks = 16});
  const std::vector<int> ranks = all_ranks(static_cast<int>(state.range(0)));
  std::uint64_t step = 0;
  while (state.KeepRunning()) {
    RankGroup group = world.form(ranks, ++step);
    benchmark::DoNotOptimize(group);
  }
}

void barrier(benchmark::State& state) {
  World world({.ranks = static_cast<int>(state.range(0))});
  const RankGroup group = world.form(all_ranks(world.ranks()), 1);
  time_work(state, world, [&](Rank& rank, std::uint64_t) { return rank.barrier(group, kPatient); });
}

// The same, each time in a group that did not exist before: the difference is the price of a group.
void barrier_of_new_group(benchmark::State& state) {
  World world({.ranks = static_cast<int>(state.range(0))});
  const std::vector<int> ranks = all_ranks(world.ranks());
  time_work(state, world, [&](Rank& rank, std::uint64_t step) {
    return rank.barrier(world.form(ranks, step), kPatient);
  });
}

// Query, key and value of `tokens` tokens of FLUX (24 heads of 128 bf16), into attention.
void seq_to_heads(benchmark::State& state) {
  const int size = static_cast<int>(state.range(0));
  const TensorShape shape{static_cast<std::uint64_t>(state.range(1)), 24, 256, 3};
  World world({.ranks = size, .slot_bytes = seq_shard_bytes(shape, size, 0)});
  const RankGroup group = world.form(all_ranks(size), 1);
  using Buffers = std::pair<std::vector<std::byte>, std::vector<std::byte>>;
  std::vector<Buffers> buffers;
  buffers.reserve(static_cast<std::size_t>(size));
  for (int me = 0; me < size; ++me)
    buffers.emplace_back(seq_shard_bytes(shape, size, me), head_shard_bytes(shape, size, me));
  time_work(state, world, [&](Rank& rank, std::uint64_t) {
    auto& [input, output] = buffers[static_cast<std::size_t>(rank.rank())];
    return rank.seq_to_heads(group, shape, input, output, kPatient);
  });
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(shape.bytes()));
}

BENCHMARK(form_group)->Arg(2)->Arg(4)->Arg(8)->Arg(16);
BENCHMARK(barrier)->Arg(2)->Arg(4)->Arg(8)->Arg(16)->UseRealTime();
BENCHMARK(barrier_of_new_group)->Arg(2)->Arg(4)->Arg(8)->Arg(16)->UseRealTime();
BENCHMARK(seq_to_heads)->ArgsProduct({{2, 4, 8, 16}, {16, 512}})->UseRealTime();

}  // namespace
}  // namespace regroup::collectives

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  // What form_group stands against.
  benchmark::AddCustomContext("NCCL communicator, 8 ranks, warm", "0.66 s (NVIDIA/nccl-tests#273)");
  benchmark::AddCustomContext("NCCL communicator, 8 ranks, cold", "55 s (NVIDIA/nccl#1646)");
  benchmark::AddCustomContext("ncclCommSplit, 2 ranks", "0.15 s (NVIDIA/nccl#1605)");
  benchmark::AddCustomContext("GF-DiT, new group / group-free", "778 ms / 60 us (its README)");
  benchmark::AddCustomContext("NCCL memory a group", "544 to 688 MB (NVIDIA/nccl#964)");
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
