#include "meeting_exchanges.hpp"

#include <chrono>

#include "core/errors.hpp"
#include "runtime/collectives/block_copy.hpp"
#include "runtime/cuda/portable/check.hpp"

namespace regroup::cuda {
namespace {

constexpr std::chrono::seconds kPatience{60};

const collectives::RankGroup& group_of(const StepParameters& parameters, Among among) {
  if (among == Among::kBranch) return parameters.branch;
  return among == Among::kPair ? parameters.pair : parameters.all;
}

}  // namespace

MeetingExchanges::MeetingExchanges(MeetingPoint& point, int rank, std::size_t slot_bytes,
                                   const StepParameters* parameters)
    : point_(point), rank_(rank), parameters_(parameters) {
  for (DeviceBuffer& slot : slots_) slot = DeviceBuffer(slot_bytes, "a staging slot");
}

void MeetingExchanges::reserve(cudaStream_t stream, int slot) {
  const DeviceBuffer& buffer = slots_[static_cast<std::size_t>(slot)];
  check(cudaMemsetAsync(buffer.data(), 0xff, buffer.bytes(), stream), "poisoning a slot");
  reserved_[static_cast<std::size_t>(slot)] = true;
}

void MeetingExchanges::exchange(cudaStream_t stream, const Exchange& exchange) {
  bool& reserved = reserved_[static_cast<std::size_t>(exchange.slot)];
  RG_CHECK(reserved, "slot {} was written without being reserved", exchange.slot);
  reserved = false;
  Call& call = calls_.emplace_back(Call{this, exchange});
  const auto carry_out = [](void* argument) {
    const auto* const made = static_cast<const Call*>(argument);
    made->self->meet(made->exchange);
  };
  check(cudaLaunchHostFunc(stream, carry_out, &call), "enqueueing an exchange");
}

void MeetingExchanges::meet(const Exchange& exchange) {
  const collectives::RankGroup& group = group_of(*parameters_, exchange.among);
  const int me = group.position(rank_);
  RG_CHECK(me >= 0, "rank {} is told to exchange in a group without it", rank_);

  std::unique_lock lock(point_.mutex);
  for (int i = 0; i < group.size; ++i) {
    MeetingPoint::Edge& edge = point_.edges[rank_][group.ranks[i]];
    edge.input = staging(exchange.slot);
    ++edge.shown;
  }
  point_.changed.notify_all();
  const auto wait_until = [&](auto&& condition) {
    RG_CHECK(point_.changed.wait_for(lock, kPatience, condition), "rank {} waits in vain", rank_);
  };
  for (int i = 0; i < group.size; ++i) {
    MeetingPoint::Edge& edge = point_.edges[group.ranks[i]][rank_];
    wait_until([&] { return edge.shown > edge.taken; });
    copy_block(block_of(exchange.op, exchange.shape, group.size, me, i), edge.input,
               exchange.output);
    ++edge.taken;
    point_.changed.notify_all();
  }
  for (int i = 0; i < group.size; ++i) {
    const MeetingPoint::Edge& edge = point_.edges[rank_][group.ranks[i]];
    wait_until([&] { return edge.taken == edge.shown; });
  }
}

}  // namespace regroup::cuda
