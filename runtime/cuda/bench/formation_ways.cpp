#include "runtime/cuda/bench/formation_ways.hpp"

#include <numeric>

#include "runtime/cuda/gpu/rank_threads.hpp"
#include "runtime/cuda/portable/check.hpp"

namespace regroup::cuda {
namespace {

using collectives::kMaxRanks;
using collectives::RankGroup;
using Ranks = FormationWay::Ranks;

class GroupFree final : public FormationWay {
 public:
  GroupFree(const Machine& machine, DeviceWorld& world)
      : machine_(machine), collectives_(static_cast<std::size_t>(machine.ranks())) {
    on_every_rank(machine, [this, &world](int rank) {
      collectives_[static_cast<std::size_t>(rank)] =
          std::make_unique<DeviceCollectives>(world, rank);
    });
  }
  std::string name() const override { return "group-free"; }
  void meet(int rank, const RankGroup& group) override {
    const cudaStream_t stream = machine_.rank(rank).compute;
    collectives_[static_cast<std::size_t>(rank)]->barrier(stream, group);
    check(cudaStreamSynchronize(stream), "meeting");
  }

 private:
  const Machine& machine_;
  std::vector<std::unique_ptr<DeviceCollectives>> collectives_;  // by rank
};

// The communicator is made where it is first asked for: with the first collective.
class NcclNew : public FormationWay {
 public:
  explicit NcclNew(NcclBench& bench) : bench_(bench) {}
  std::string name() const override { return "nccl new"; }
  bool set_up(Ranks ranks) override {
    drop(ranks);
    return false;
  }
  void meet(int rank, const RankGroup& group) override { bench_.meet(rank, group); }
  bool give_back(Ranks ranks) override {
    drop(ranks);
    return true;
  }

 protected:
  void drop(Ranks ranks) {
    bench_.issuer.run([&](CommunicatorCache& cache) { cache.drop(ranks); });
  }
  NcclBench& bench_;
};

class NcclSplit final : public NcclNew {
 public:
  explicit NcclSplit(NcclBench& bench)
      : NcclNew(bench), all_(static_cast<std::size_t>(bench.machine.ranks())) {
    std::iota(all_.begin(), all_.end(), 0);
  }
  std::string name() const override { return "nccl split"; }
  bool set_up(Ranks ranks) override {
    bench_.issuer.run([&](CommunicatorCache& cache) {
      cache.drop(ranks);
      cache.get(all_);
    });
    return false;
  }
  void decide(Ranks ranks) override {
    bench_.issuer.run([&](CommunicatorCache& cache) { cache.split(all_, ranks); });
  }

 private:
  std::vector<int> all_;
};

// Met, and not the last one that was used.
class NcclCached final : public NcclNew {
 public:
  explicit NcclCached(NcclBench& bench) : NcclNew(bench) {}
  std::string name() const override { return "nccl cached"; }
  bool set_up(Ranks ranks) override {
    bench_.issuer.run([&](CommunicatorCache& cache) { cache.get(ranks); });
    return true;
  }
};

}  // namespace

NcclBench::NcclBench(const NcclLibrary& library, const Machine& on)
    : machine(on), world{library, on, 0, {}}, issuer(world, 2) {
  for (int rank = 0; rank < machine.ranks(); ++rank) {
    check(cudaSetDevice(machine.rank(rank).ordinal), "choosing a GPU");
    streams.emplace_back();
    arrived.emplace_back(kMaxRanks, "barriers of NCCL");
  }
}

void NcclBench::meet(int rank, const RankGroup& group) {
  const auto at = static_cast<std::size_t>(rank);
  NcclCall call;
  call.group = group;
  call.op = collectives::Op::kBarrier;
  call.stream = streams[at].get();
  call.incoming = arrived[at].data();
  issuer.issue(rank, call);
  check(cudaStreamSynchronize(call.stream), "meeting by NCCL");
}

std::unique_ptr<FormationWay> group_free_way(const Machine& machine, DeviceWorld& world) {
  return std::make_unique<GroupFree>(machine, world);
}

std::vector<std::unique_ptr<FormationWay>> nccl_ways(NcclBench& bench) {
  std::vector<std::unique_ptr<FormationWay>> ways;
  ways.push_back(std::make_unique<NcclNew>(bench));
  ways.push_back(std::make_unique<NcclSplit>(bench));
  ways.push_back(std::make_unique<NcclCached>(bench));
  return ways;
}

}  // namespace regroup::cuda
