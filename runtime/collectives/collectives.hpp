// The collectives of one rank, on the host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "runtime/collectives/exchange.hpp"
#include "runtime/collectives/failure.hpp"
#include "runtime/collectives/rank_group.hpp"
#include "runtime/collectives/tensor_blocks.hpp"
#include "runtime/collectives/world.hpp"

namespace regroup::collectives {

// One for each rank, used by one thread at a time. All members of a group call the same operation
// with the same group and shape; each rank's order of calls must be part of one order of all (one
// dispatcher that appends to all members' queues before it goes on gives such an order). Ranks that
// are not members do nothing and learn nothing.
//
// An operation returns when this rank has its output and may change its input; its peers may still
// be at work. Anything but kOk: the output is not to be used, failure() says why, and every later
// operation of this rank returns the same until World::rearm(). Peers fail too, when they next wait
// for this rank; the step has failed if one member says so. Nothing throws but for our own bugs,
// and nothing allocates.
//
// `deadline_ns` is on the caller's Clock. Pause and Clock: waiting.hpp.
template <class Pause, class Clock>
class Collectives {
 public:
  // The world must outlive this.
  Collectives(World& world, int rank, Pause pause, Clock clock)
      : exchange_(world, rank, std::move(pause), std::move(clock)) {}

  // Returns when all members have called it.
  [[nodiscard]] Status barrier(const RankGroup& group, std::int64_t deadline_ns) {
    return exchange_.run(Op::kBarrier, group, {}, {}, {}, deadline_ns);
  }

  // input: my tokens; output: all tokens. Both with all heads.
  [[nodiscard]] Status all_gather(const RankGroup& group, const TensorShape& shape,
                                  std::span<const std::byte> input, std::span<std::byte> output,
                                  std::int64_t deadline_ns) {
    return exchange_.run(Op::kAllGather, group, shape, input, output, deadline_ns);
  }

  // Ulysses, into attention. input: my tokens, all heads; output: all tokens, my heads.
  [[nodiscard]] Status seq_to_heads(const RankGroup& group, const TensorShape& shape,
                                    std::span<const std::byte> input, std::span<std::byte> output,
                                    std::int64_t deadline_ns) {
    return exchange_.run(Op::kSeqToHeads, group, shape, input, output, deadline_ns);
  }

  // Ulysses, out of attention. input: all tokens, my heads; output: my tokens, all heads.
  [[nodiscard]] Status heads_to_seq(const RankGroup& group, const TensorShape& shape,
                                    std::span<const std::byte> input, std::span<std::byte> output,
                                    std::int64_t deadline_ns) {
    return exchange_.run(Op::kHeadsToSeq, group, shape, input, output, deadline_ns);
  }

  int rank() const { return exchange_.rank(); }
  // Status kOk: none since the world was armed.
  const Failure& failure() const { return exchange_.failure(); }

 private:
  Exchange<Pause, Clock> exchange_;
};

}  // namespace regroup::collectives
