#include "runtime/collectives/world.hpp"

#include <cstring>
#include <new>

#include "core/errors.hpp"
#include "runtime/collectives/form_group.hpp"

namespace regroup::collectives {
namespace {

constexpr std::align_val_t kAlignment{kHeapAlignment};

HeapLayout layout_of(const WorldConfig& config) {
  if (config.ranks < 1 || config.ranks > kMaxRanks)
    fail<ConfigError>("collectives: a world of {} ranks: 1 to {} are possible", config.ranks,
                      kMaxRanks);
  // Small enough that no sum of a world's sizes can overflow.
  constexpr std::uint64_t kMost = std::uint64_t{1} << 48;
  if (config.slot_bytes > kMost || config.window_bytes > kMost)
    fail<ConfigError>("collectives: slots of {} and windows of {} bytes: at most {} are possible",
                      config.slot_bytes, config.window_bytes, kMost);
  return {config.ranks, HeapLayout::round_up(config.slot_bytes),
          HeapLayout::round_up(config.window_bytes)};
}

std::byte* allocate(const HeapLayout& layout) {
  const std::uint64_t bytes = static_cast<std::uint64_t>(layout.world) * layout.stride();
  void* const memory = ::operator new(bytes, kAlignment, std::nothrow);
  if (memory == nullptr)
    fail<SystemError>(
        "collectives: no memory for a heap of {} bytes ({} ranks of {}); choose smaller slots or a "
        "smaller window",
        bytes, layout.world, layout.stride());
  return static_cast<std::byte*>(std::memset(memory, 0, bytes));
}

}  // namespace

RankChannel::Occupied::Occupied(RankChannel& channel) : channel_(channel) {
  RG_CHECK(!channel.occupied_.exchange(true, std::memory_order_acquire),
           "two threads use one channel of rank {} at a time", channel.port.self);
}

RankChannel::Occupied::~Occupied() { channel_.occupied_.store(false, std::memory_order_release); }

Status RankChannel::check_collective(const Notice& own, std::uint64_t input, std::uint64_t output) {
  const int size = own.group.size;
  const int me = own.group.position(port.self);
  if (me < 0) return refuse(Refusal::kNotMember, own, static_cast<std::uint64_t>(port.self), 0);
  // The largest part, so that all members refuse or none.
  const std::uint64_t largest = input_bytes(own.op, own.shape, size, 0);
  const std::uint64_t slot = port.heap.layout.slot_bytes;
  if (largest > slot) return refuse(Refusal::kSlotBytes, own, largest, slot);
  const std::uint64_t in = input_bytes(own.op, own.shape, size, me);
  if (input != in) return refuse(Refusal::kInputBytes, own, input, in);
  const std::uint64_t out = output_bytes(own.op, own.shape, size, me);
  if (output != out) return refuse(Refusal::kOutputBytes, own, output, out);
  return Status::kOk;
}

Status RankChannel::fail(Failure found, int accused) {
  found.rank = static_cast<std::uint8_t>(port.self);
  found.channel = port.channel;
  failure = found;
  raise_alarms(port, ledger, found.status, accused);
  return found.status;
}

Status RankChannel::fail(const Arrival& arrival, Awaited awaited, int peer, std::uint64_t sequence,
                         const Notice& own) {
  const Failure found = failure_of(port, arrival, awaited, peer, sequence, own);
  return fail(found, arrival.status == Status::kAborted ? arrival.accused : peer);
}

Status RankChannel::fail_corrupted(int peer, const Notice& own, const Notice& theirs,
                                   std::uint64_t found) {
  Failure failed;
  failed.status = Status::kCorrupted;
  failed.peer = static_cast<std::uint8_t>(peer);
  failed.sequence = ledger.awaited[peer];
  failed.own = own;
  failed.theirs = theirs;
  failed.asked = found;
  failed.allowed = theirs.checksum;
  return fail(failed, peer);
}

Status RankChannel::refuse(Refusal refusal, const Notice& own, std::uint64_t asked,
                           std::uint64_t allowed) {
  Failure found;
  found.status = Status::kRefused;
  found.refusal = refusal;
  found.peer = static_cast<std::uint8_t>(port.self);
  found.own = own;
  found.asked = asked;
  found.allowed = allowed;
  return fail(found, port.self);
}

void World::Release::operator()(std::byte* memory) const { ::operator delete(memory, kAlignment); }

World::World(const WorldConfig& config)
    : heap_{nullptr, layout_of(config)},
      memory_(allocate(heap_.layout)),
      checksums_(config.checksums),
      channels_(static_cast<std::size_t>(config.ranks)) {
  heap_.base = memory_.get();
  for (int rank = 0; rank < ranks(); ++rank)
    for (const Channel channel : {Channel::kCollectives, Channel::kPuts, Channel::kReceipts})
      this->channel(rank, channel).port = {heap_, channel, rank};
}

RankGroup World::form(std::span<const int> ranks, std::uint64_t step) const {
  return form_group(ranks, step, this->ranks());
}

RankChannel& World::channel(int rank, Channel channel) {
  RG_CHECK(rank >= 0 && rank < ranks(), "no rank {}", rank);
  return channels_[static_cast<std::size_t>(rank)][static_cast<std::size_t>(channel)];
}

std::span<std::byte> World::window(int rank) const {
  RG_CHECK(rank >= 0 && rank < ranks(), "no rank {}", rank);
  return {heap_.window(rank), heap_.layout.window_bytes};
}

std::vector<Failure> World::failures() const {
  std::vector<Failure> found;
  for (const auto& of_rank : channels_)
    for (const RankChannel& channel : of_rank)
      if (!channel.occupied() && channel.failure.status != Status::kOk)
        found.push_back(channel.failure);
  return found;
}

void World::rearm() {
  for (const auto& of_rank : channels_)
    for (const RankChannel& channel : of_rank)
      RG_CHECK(!channel.occupied(), "rank {} is still inside an operation", channel.port.self);
  for (auto& of_rank : channels_)
    for (RankChannel& channel : of_rank) {
      const std::uint64_t epoch = channel.ledger.epoch + 1;
      RG_CHECK(epoch < std::uint64_t{1} << (64 - kSequenceBits), "no more epochs");
      channel.ledger = {};
      channel.ledger.epoch = epoch;
      channel.failure = {};
    }
}

}  // namespace regroup::collectives
