#include "runtime/cuda/collectives/soak.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/errors.hpp"
#include "core/random.hpp"
#include "runtime/collectives/describe.hpp"
#include "runtime/cuda/collectives/device_collectives.hpp"
#include "runtime/cuda/collectives/soak_bytes.hpp"
#include "runtime/cuda/gpu/rank_threads.hpp"
#include "runtime/cuda/portable/check.hpp"

namespace regroup::cuda {
namespace {

using collectives::Op;
using collectives::RankGroup;
using collectives::TensorShape;
using Seconds = std::chrono::duration<double>;
using std::chrono::steady_clock;

struct SoakItem {
  Op op;
  RankGroup group;
  TensorShape shape;
  int slot;
};

// The same items for whoever draws them, so that ranks need not tell each other.
class Items {
 public:
  Items(const DeviceWorld& world, const SoakOptions& options, const char* name)
      : world_(world), options_(options), random_(options.seed, name) {}

  SoakItem next() {
    constexpr Op kOps[] = {Op::kBarrier, Op::kAllGather, Op::kSeqToHeads, Op::kHeadsToSeq};
    const Op op = kOps[random_.below(4)];
    return {op, group(), shape(), static_cast<int>(random_.below(collectives::kStagingSlots))};
  }

 private:
  RankGroup group() {
    int ranks[collectives::kMaxRanks];
    const auto world = static_cast<std::size_t>(world_.ranks());
    std::iota(ranks, ranks + world, 0);
    const std::size_t size = 1 + random_.below(world);
    for (std::size_t i = 0; i < size; ++i) std::swap(ranks[i], ranks[i + random_.below(world - i)]);
    return world_.form({ranks, size}, ++step_);
  }

  TensorShape shape() {
    const TensorShape& largest = options_.largest;
    const auto up_to = [this](std::uint64_t most) {
      return static_cast<std::uint32_t>(1 + random_.below(most));
    };
    TensorShape shape{up_to(largest.tokens), up_to(largest.heads), up_to(largest.head_bytes),
                      up_to(largest.tensors), 0};
    // Half of them as a model has them, so that bytes are moved by sixteens, not one by one.
    if (random_.below(2) == 0 && shape.head_bytes >= 16) shape.head_bytes -= shape.head_bytes % 16;
    if (random_.below(2) == 0)
      shape.leading = static_cast<std::uint32_t>(random_.below(shape.tokens + 1));
    return shape;
  }

  const DeviceWorld& world_;
  const SoakOptions& options_;
  RandomStream random_;
  std::uint64_t step_ = 0;
};

// One rank at work.
class SoakRank {
 public:
  SoakRank(DeviceWorld& world, int rank, cudaStream_t stream, std::uint64_t bytes)
      : collectives_(world, rank),
        stream_(stream),
        output_(bytes, "the outputs of the soak"),
        wrong_(sizeof(unsigned long long), "the soak's count") {
    check(cudaMemsetAsync(wrong_.data(), 0, wrong_.bytes(), stream_), "clearing a count");
  }

  void enqueue(const SoakItem& item) {
    const int me = item.group.position(collectives_.rank());
    if (me < 0) return;
    if (item.op == Op::kBarrier) return collectives_.barrier(stream_, item.group);
    const int size = item.group.size;
    const std::uint64_t salt = mix64(item.group.step);
    const TensorPart output = soak_output(item.op, item.shape, size, me);
    collectives_.reserve(stream_, item.slot);
    launch_soak_fill(stream_, soak_input(item.op, item.shape, size, me), salt,
                     collectives_.staging(item.slot));
    collectives_.exchange(stream_, item.op, item.group, item.shape, item.slot, output_.data());
    launch_soak_check(stream_, output, salt, output_.data(), wrong_.as<unsigned long long>());
    checked_ += output.bytes();
  }

  void drain() const { check(cudaStreamSynchronize(stream_), "soaking"); }
  std::uint64_t checked() const { return checked_; }
  std::uint64_t wrong() const {
    unsigned long long count = 0;
    check(cudaMemcpy(&count, wrong_.data(), sizeof count, cudaMemcpyDeviceToHost),
          "reading a count");
    return count;
  }

 private:
  DeviceCollectives collectives_;
  cudaStream_t stream_;
  DeviceBuffer output_;
  DeviceBuffer wrong_;
  std::uint64_t checked_ = 0;
};

class Soak {
 public:
  Soak(const Machine& machine, DeviceWorld& world, const SoakOptions& options)
      : machine_(machine), world_(world), options_(options) {
    const std::uint64_t slot = world.heap().layout.slot_bytes;
    if (options.largest.bytes() > slot)
      fail<ConfigError>("soak: shapes of up to {} bytes, but slots of {}", options.largest.bytes(),
                        slot);
    RG_CHECK(world.ranks() >= 2, "{} ranks", world.ranks());
    ranks_.resize(static_cast<std::size_t>(world.ranks()));
    on_every_rank(machine, [this, &options](int rank) {
      of(rank) = std::make_unique<SoakRank>(world_, rank, machine_.rank(rank).compute,
                                            options.largest.bytes());
      of(rank)->drain();
    });
    arm();
  }
  ~Soak() { disarm(); }

  SoakReport run() {
    SoakReport report;
    report.ranks = world_.ranks();
    report.sync = sync_mode_name(world_.options().sync);
    report.operations = options_.operations;
    const auto start = steady_clock::now();
    work_through("soak", options_.operations);
    report.seconds = Seconds(steady_clock::now() - start).count();
    count_bytes(report);
    if (const auto failures = world_.failures(); !failures.empty())
      report.failure = describe(failures.front());
    if (!report.failure.empty() || report.wrong_bytes > 0) return report;

    turn_an_order_round(report);
    world_.rearm();
    work_through("soak after re-arming", options_.operations / 10);
    count_bytes(report);
    report.right_after_rearm = world_.failures().empty() && report.wrong_bytes == 0;
    world_.rearm();
    return report;
  }

 private:
  std::unique_ptr<SoakRank>& of(int rank) { return ranks_[static_cast<std::size_t>(rank)]; }

  void work_through(const char* name, std::uint64_t operations) {
    on_every_rank(machine_, [&](int rank) {
      Items items(world_, options_, name);
      for (std::uint64_t i = 0; i < operations; ++i) of(rank)->enqueue(items.next());
      of(rank)->drain();
    });
  }

  // Rank 0 does the second of two operations first.
  void turn_an_order_round(SoakReport& report) {
    std::vector<int> all(ranks_.size());
    std::iota(all.begin(), all.end(), 0);
    const int two[] = {1, 0};
    const SoakItem first{Op::kBarrier, world_.form(all, 1), {}, 0};
    const SoakItem second{Op::kBarrier, world_.form(two, 2), {}, 0};
    std::vector<steady_clock::time_point> enqueued(ranks_.size());
    on_every_rank(machine_, [&](int rank) {
      of(rank)->enqueue(rank == 0 ? second : first);
      of(rank)->enqueue(rank == 0 ? first : second);
      enqueued[static_cast<std::size_t>(rank)] = steady_clock::now();
      of(rank)->drain();
    });
    report.inversion_seconds =
        Seconds(steady_clock::now() - *std::max_element(enqueued.begin(), enqueued.end())).count();
    for (const collectives::Failure& failure : world_.failures())
      if (failure.status == collectives::Status::kMismatch) {
        report.inversion_noticed = true;
        report.inversion = describe(failure);
      }
  }

  // All since the beginning.
  void count_bytes(SoakReport& report) {
    std::vector<std::uint64_t> wrong(ranks_.size());
    on_every_rank(machine_,
                  [&](int rank) { wrong[static_cast<std::size_t>(rank)] = of(rank)->wrong(); });
    report.wrong_bytes = std::accumulate(wrong.begin(), wrong.end(), std::uint64_t{0});
    report.checked_bytes = 0;
    for (const auto& rank : ranks_) report.checked_bytes += rank->checked();
  }

  const Machine& machine_;
  DeviceWorld& world_;
  const SoakOptions& options_;
  std::vector<std::unique_ptr<SoakRank>> ranks_;
};

}  // namespace

bool SoakReport::passed() const {
  constexpr double kSoonEnough = 1;
  return failure.empty() && wrong_bytes == 0 && inversion_noticed &&
         inversion_seconds < kSoonEnough && right_after_rearm;
}

SoakReport collectives_soak(const Machine& machine, DeviceWorld& world,
                            const SoakOptions& options) {
  return Soak(machine, world, options).run();
}

std::string soak_json(const SoakReport& report) {
  const nlohmann::ordered_json json = {
      {"passed", report.passed()},
      {"ranks", report.ranks},
      {"sync", report.sync},
      {"operations", report.operations},
      {"checked_bytes", report.checked_bytes},
      {"wrong_bytes", report.wrong_bytes},
      {"seconds", report.seconds},
      {"failure", report.failure},
      {"inversion",
       {{"noticed", report.inversion_noticed},
        {"seconds", report.inversion_seconds},
        {"report", report.inversion}}},
      {"right_after_rearm", report.right_after_rearm},
  };
  return json.dump(2);
}

}  // namespace regroup::cuda
