#include "runtime/cuda/dit/serial_members.hpp"

#include "core/errors.hpp"
#include "runtime/cuda/portable/check.hpp"

namespace regroup::cuda {
namespace {

// The members that take part in an exchange of one of them.
struct Peers {
  int first, step, count;

  int operator[](int i) const { return first + i * step; }
  int position(int member) const { return (member - first) / step; }
};

Peers peers_of(Layout layout, Among among, int member) {
  const int ulysses = layout.ulysses;
  switch (among) {
    case Among::kBranch:
      return {member / ulysses * ulysses, 1, ulysses};
    case Among::kPair:
      return {member % ulysses, ulysses, layout.cfg};
    case Among::kAll:
      break;
  }
  return {0, 1, layout.size()};
}

void copy(cudaStream_t stream, const collectives::Block& block, const std::byte* from,
          std::byte* to) {
  if (block.bytes() == 0) return;
  for (std::uint64_t plane = 0; plane < block.planes; ++plane)
    check(cudaMemcpy2DAsync(to + block.to.offset + plane * block.to.plane, block.to.row,
                            from + block.from.offset + plane * block.from.plane, block.from.row,
                            block.run, block.rows, cudaMemcpyDefault, stream),
          "copying what a member takes");
}

class SerialStep {
 public:
  SerialStep(Layout layout, std::span<const SerialMember> members, cudaStream_t stream)
      : layout_(layout), members_(members), stream_(stream), at_(members.size()) {
    RG_CHECK(static_cast<int>(members.size()) == layout.size(), "{} members of a group of {}",
             members.size(), layout.size());
  }

  void run() {
    for (int m = 0; m < layout_.size(); ++m) advance(m);
    while (exchange_once()) {
    }
    for (int m = 0; m < layout_.size(); ++m)
      RG_CHECK(waiting(m) == nullptr, "member {} waits for an exchange that others leave out", m);
  }

 private:
  const Segment& segment(int member) const {
    const std::span<const Segment> all = members_[member].program->segments();
    return all[at_[member]];
  }
  void advance(int member) { StepProgram::run(segment(member), stream_); }
  const Exchange* waiting(int member) const {
    const auto& exchange = segment(member).exchange;
    return exchange ? &*exchange : nullptr;
  }

  // The first that all of its members have come to. False: there is none.
  bool exchange_once() {
    for (int m = 0; m < layout_.size(); ++m) {
      const Exchange* const mine = waiting(m);
      if (mine == nullptr) continue;
      const Peers peers = peers_of(layout_, mine->among, m);
      if (peers[0] != m || !all_wait(peers, mine->among)) continue;
      for (int i = 0; i < peers.count; ++i) take(peers, peers[i]);
      for (int i = 0; i < peers.count; ++i) {
        ++at_[peers[i]];
        advance(peers[i]);
      }
      return true;
    }
    return false;
  }

  bool all_wait(const Peers& peers, Among among) const {
    for (int i = 0; i < peers.count; ++i) {
      const Exchange* const theirs = waiting(peers[i]);
      if (theirs == nullptr || theirs->among != among) return false;
    }
    return true;
  }

  void take(const Peers& peers, int member) const {
    const Exchange& exchange = *waiting(member);
    for (int i = 0; i < peers.count; ++i) {
      const int slot = waiting(peers[i])->slot;
      copy(stream_, block_of(exchange.op, exchange.shape, peers.count, peers.position(member), i),
           members_[peers[i]].exchanges->staging(slot), exchange.output);
    }
  }

  Layout layout_;
  std::span<const SerialMember> members_;
  cudaStream_t stream_;
  std::vector<std::size_t> at_;  // each member's segment, whose work is enqueued
};

}  // namespace

void StagingOnly::exchange(cudaStream_t, const Exchange&) {
  RG_CHECK(false, "a member of a serial group cannot exchange by itself");
}

void run_serially(Layout layout, std::span<const SerialMember> members, cudaStream_t stream) {
  SerialStep(layout, members, stream).run();
}

}  // namespace regroup::cuda
