#include "runtime/cuda/gpu/self_test.hpp"

#include <functional>
#include <memory>
#include <numeric>
#include <vector>

#include "core/errors.hpp"
#include "runtime/collectives/describe.hpp"
#include "runtime/cuda/collectives/device_collectives.hpp"
#include "runtime/cuda/gpu/busy.hpp"
#include "runtime/cuda/gpu/graph.hpp"
#include "runtime/cuda/gpu/rank_threads.hpp"
#include "runtime/cuda/portable/check.hpp"

namespace regroup::cuda {
namespace {

using collectives::RankGroup;
using collectives::Status;

// All ranks with one way of waiting.
class Trial {
 public:
  Trial(const Machine& machine, SyncMode mode, const SelfTestOptions& options)
      : machine_(machine), options_(options) {
    // On threads of their own, because a slice's context can be current to one thread only.
    memory_.resize(static_cast<std::size_t>(machine.ranks()));
    collectives_.resize(memory_.size());
    on_every_rank(machine, [this](int rank) {
      memory_[static_cast<std::size_t>(rank)] =
          DeviceBuffer(sizeof(DeviceRank), "a rank of the self-test");
    });
    std::vector<DeviceRank*> ranks;
    for (const DeviceBuffer& memory : memory_) ranks.push_back(memory.as<DeviceRank>());
    WorldOptions world;
    world.watchdog_ns = options.watchdog_ns;
    world.sync = mode;
    world.memops = options.memops;
    world_ = std::make_unique<DeviceWorld>(machine.heap(), ranks, world);
    on_every_rank(machine, [this](int rank) {
      collectives_[static_cast<std::size_t>(rank)] =
          std::make_unique<DeviceCollectives>(*world_, rank);
    });
  }

  // Empty: all went well; otherwise where they stopped, and who waited for whom.
  std::string run() {
    std::string failed = failure_in("in pairs", [this](int rank) { meet_in_pairs(rank); });
    if (failed.empty())
      failed = failure_in("all together", [this](int rank) { meet_all_together(rank); });
    for (const int busy : {0, 1})
      if (failed.empty())
        failed = failure_in("behind busy kernels", [this, busy](int rank) {
          if (rank % 2 == busy) keep_busy(rank);
          meet_all_together(rank);
        });
    if (failed.empty() && world_->options().sync == SyncMode::kSpin) failed = run_graphs();
    clear();
    return failed;
  }

 private:
  cudaStream_t stream(int rank) const { return machine_.rank(rank).compute; }
  void meet(int rank, const RankGroup& group) {
    collectives_[static_cast<std::size_t>(rank)]->barrier(stream(rank), group);
  }

  // Every rank goes through its pairs in the same order of all pairs.
  void meet_in_pairs(int rank) {
    const int ranks = machine_.ranks();
    for (int a = 0; a < ranks; ++a)
      for (int b = a + 1; b < ranks; ++b) {
        const int pair[] = {a, b};
        const auto step = static_cast<std::uint64_t>(a * ranks + b);
        if (rank == a || rank == b) meet(rank, world_->form(pair, step));
      }
  }

  void meet_all_together(int rank) {
    constexpr std::uint64_t kTimes = 8;
    std::vector<int> all(static_cast<std::size_t>(machine_.ranks()));
    std::iota(all.begin(), all.end(), 0);
    for (std::uint64_t step = 0; step < kTimes; ++step) meet(rank, world_->form(all, step));
  }

  // Two waves of blocks, so that whoever waits for an SM has to wait.
  void keep_busy(int rank) const {
    launch_busy(stream(rank), 4 * machine_.rank(rank).sms, options_.busy_ns);
  }

  // All are recorded before any is launched: recording may wait for the device.
  std::string run_graphs() {
    constexpr int kTimes = 3;
    std::vector<Graph> graphs(collectives_.size());
    on_every_rank(machine_, [this, &graphs](int rank) {
      graphs[static_cast<std::size_t>(rank)] = Graph::record(stream(rank), [this, rank] {
        if (rank % 2 == 0) keep_busy(rank);
        meet_all_together(rank);
        meet_in_pairs(rank);
      });
    });
    return failure_in("in graphs", [this, &graphs](int rank) {
      for (int i = 0; i < kTimes; ++i) graphs[static_cast<std::size_t>(rank)].launch(stream(rank));
    });
  }

  std::string failure_in(const char* phase, const std::function<void(int rank)>& enqueue) {
    on_every_rank(machine_, [this, &enqueue](int rank) {
      enqueue(rank);
      check(cudaStreamSynchronize(stream(rank)), "meeting in the self-test");
    });
    for (const collectives::Failure& failure : world_->failures())
      if (failure.status != Status::kOk && failure.status != Status::kAborted)
        return fmt::format("{}: {}", phase, collectives::describe(failure));
    return {};
  }

  // The next world that uses the heap begins to count anew.
  void clear() const {
    on_every_rank(machine_, [this](int rank) {
      check(cudaMemset(machine_.heap().region(rank), 0, sizeof(collectives::Pad)),
            "clearing the symmetric heap");
      check(cudaDeviceSynchronize(), "clearing the symmetric heap");
    });
  }

  const Machine& machine_;
  const SelfTestOptions& options_;
  std::vector<DeviceBuffer> memory_;
  std::unique_ptr<DeviceWorld> world_;
  std::vector<std::unique_ptr<DeviceCollectives>> collectives_;  // by rank
};

// Why the mode cannot be used; empty: it can.
std::string reason_against(const Machine& machine, SyncMode mode, const SelfTestOptions& options) {
  if (mode == SyncMode::kSpin && !options.shared_sms.empty()) return options.shared_sms;
  if (mode == SyncMode::kMemop && options.memops == nullptr)
    return "the GPU or driver has no 64-bit memory operations for streams";
  return Trial(machine, mode, options).run();
}

}  // namespace

SyncChoice choose_sync_mode(const Machine& machine, const SelfTestOptions& options) {
  const std::string met =
      fmt::format("{} ranks met in pairs, all together and behind busy kernels", machine.ranks());
  std::string against;
  for (const SyncMode mode : {SyncMode::kSpin, SyncMode::kMemop, SyncMode::kEvent}) {
    if (options.forced && *options.forced != mode) continue;
    const std::string reason = reason_against(machine, mode, options);
    if (reason.empty()) {
      const char* const graphs = mode == SyncMode::kSpin ? ", in graphs too" : "";
      const char* const asked = options.forced ? " (as asked for)" : "";
      return {mode, fmt::format("{}{}: {}{}{}", sync_mode_name(mode), asked, met, graphs, against)};
    }
    against += fmt::format("; not {}: {}", sync_mode_name(mode), reason);
  }
  fail<CudaError>("the self-test found no way for ranks to wait for each other{}", against);
}

}  // namespace regroup::cuda
