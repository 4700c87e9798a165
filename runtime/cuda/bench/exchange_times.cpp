#include "runtime/cuda/bench/exchange_times.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <numeric>

#include "core/errors.hpp"
#include "core/metrics.hpp"
#include "runtime/collectives/describe.hpp"
#include "runtime/cuda/bench/rank_team.hpp"
#include "runtime/cuda/collectives/device_collectives.hpp"
#include "runtime/cuda/collectives/device_puts.hpp"
#include "runtime/cuda/dit/parameters.hpp"
#include "runtime/cuda/gpu/graph.hpp"
#include "runtime/cuda/portable/check.hpp"

namespace regroup::cuda {
namespace {

constexpr int kWarmUp = 3;
constexpr int kLaunches = 100;
constexpr std::uint32_t kHeadBytes = 256;  // 128 numbers in bf16

using Clock = std::chrono::steady_clock;
using collectives::Channel;

ExchangeTime summed_up(std::string what, int degree, std::uint64_t bytes,
                       std::vector<double> seconds) {
  std::ranges::sort(seconds);
  return {std::move(what), degree, bytes, percentile(seconds, 0.5), percentile(seconds, 0.99)};
}

class Bench {
 public:
  Bench(const Machine& machine, DeviceWorld& world, const ExchangeTimesOptions& options)
      : machine_(machine), world_(world), options_(options), team_(machine) {}

  std::vector<ExchangeTime> all() {
    for (const int degree : options_.degrees) {
      if (degree < 2 || degree > machine_.ranks()) continue;
      barriers(degree);
      for (const std::uint64_t bytes : options_.bytes) all_to_alls(degree, bytes);
    }
    if (machine_.ranks() >= 2)
      for (const std::uint64_t bytes : options_.bytes) puts(bytes);
    launches();
    return std::move(times_);
  }

 private:
  collectives::RankGroup group(int degree) {
    std::array<int, collectives::kMaxRanks> ranks{};
    std::iota(ranks.begin(), ranks.begin() + degree, 0);
    return world_.form({ranks.data(), static_cast<std::size_t>(degree)}, ++formed_);
  }

  // Runs `operation(rank, stream)` at all members again and again; each waits for its stream, the
  // first keeps the times.
  template <class Prepare>
  void measure(const std::string& what, const collectives::RankGroup& members, std::uint64_t bytes,
               Prepare prepare) {
    std::vector<double> seconds;
    team_.run(members, [&](int rank) {
      const cudaStream_t stream = machine_.rank(rank).compute;
      auto operation = prepare(rank);
      for (int i = 0; i < kWarmUp + options_.samples; ++i) {
        const auto begun = Clock::now();
        operation(stream);
        check(cudaStreamSynchronize(stream), "measuring an exchange");
        if (members.position(rank) == 0 && i >= kWarmUp)
          seconds.push_back(std::chrono::duration<double>(Clock::now() - begun).count());
        for (const Channel channel : {Channel::kCollectives, Channel::kPuts, Channel::kReceipts})
          if (const collectives::Failure* failure = world_.failure(rank, channel))
            fail<SystemError>("{}: {}", what, collectives::describe(*failure));
      }
    });
    times_.push_back(summed_up(what, members.size, bytes, std::move(seconds)));
  }

  void barriers(int degree) {
    const collectives::RankGroup members = group(degree);
    measure("barrier", members, 0, [&](int rank) {
      return [&members, collectives = DeviceCollectives(world_, rank)](
                 cudaStream_t stream) mutable { collectives.barrier(stream, members); };
    });
  }

  void all_to_alls(int degree, std::uint64_t bytes) {
    const collectives::RankGroup members = group(degree);
    const collectives::TensorShape shape{.tokens = bytes / kHeadBytes /
                                                   static_cast<std::uint64_t>(degree) *
                                                   static_cast<std::uint64_t>(degree),
                                         .heads = static_cast<std::uint32_t>(degree),
                                         .head_bytes = kHeadBytes,
                                         .tensors = 1};
    measure("all-to-all", members, bytes, [&](int rank) {
      return [&members, shape, output = DeviceBuffer(bytes, "an exchange"),
              collectives = DeviceCollectives(world_, rank)](cudaStream_t stream) mutable {
        collectives.reserve(stream, 0);
        collectives.exchange(stream, collectives::Op::kSeqToHeads, members, shape, 0,
                             output.data());
      };
    });
  }

  // From the first rank to the second; what the first sees is that it was sent.
  void puts(std::uint64_t bytes) {
    const collectives::RankGroup members = group(2);
    measure("put", members, bytes, [&](int rank) {
      return [&members, bytes, data = DeviceBuffer(bytes, "a put"), sends = rank == 0,
              puts = DevicePuts(world_, rank),
              receipts = DeviceReceipts(world_, rank)](cudaStream_t stream) mutable {
        if (sends)
          puts.put(stream, members, 0, data.data(), bytes);
        else
          receipts.await_put(stream, members, 0, bytes);
      };
    });
  }

  void launches() {
    std::vector<double> single, graph;
    team_.run(group(1), [&](int rank) {
      const cudaStream_t stream = machine_.rank(rank).compute;
      const DeviceBuffer parameters(sizeof(StepParameters), "a kernel's result");
      const auto enqueue = [&] {
        for (int i = 0; i < kLaunches; ++i)
          store_parameters(stream, {}, parameters.as<StepParameters>());
      };
      const Graph recorded = Graph::record(stream, enqueue);
      const auto timed = [&](const auto& work) {
        const auto begun = Clock::now();
        work();
        check(cudaStreamSynchronize(stream), "measuring launches");
        return std::chrono::duration<double>(Clock::now() - begun).count();
      };
      for (int i = 0; i < kWarmUp + options_.samples; ++i) {
        const double by_itself = timed(enqueue);
        const double together = timed([&] { recorded.launch(stream); });
        if (i < kWarmUp) continue;
        single.push_back(by_itself / kLaunches);
        graph.push_back(together);
      }
    });
    times_.push_back(summed_up("launch", 1, 0, std::move(single)));
    times_.push_back(summed_up("graph of 100 kernels", 1, 0, std::move(graph)));
  }

  const Machine& machine_;
  DeviceWorld& world_;
  const ExchangeTimesOptions& options_;
  RankTeam team_;
  std::uint64_t formed_ = 0;
  std::vector<ExchangeTime> times_;
};

}  // namespace

std::vector<ExchangeTime> measure_exchanges(const Machine& machine, DeviceWorld& world,
                                            const ExchangeTimesOptions& options) {
  return Bench(machine, world, options).all();
}

}  // namespace regroup::cuda
