#include "runtime/cuda/collectives/device_world.hpp"

#include <cstring>

#include "core/errors.hpp"
#include "runtime/collectives/form_group.hpp"
#include "runtime/cuda/portable/check.hpp"

namespace regroup::cuda {

using collectives::Channel;
using collectives::Failure;
using collectives::kChannels;

namespace {

std::unique_ptr<EdgeSignals> signals_of(int ranks, const WorldOptions& options) {
  switch (options.sync) {
    case SyncMode::kSpin:
      break;
    case SyncMode::kMemop:
      return memop_signals(ranks, options);
    case SyncMode::kEvent:
      return event_signals(ranks, options);
  }
  return nullptr;
}

void validate(const WorldOptions& options) {
  if (options.watchdog_ns <= 0)
    fail<ConfigError>("collectives: a watchdog of {} ns: it must be more than 0",
                      options.watchdog_ns);
  constexpr int kMostBlocks = 65535;
  if (options.copy_blocks < 1 || options.copy_blocks > kMostBlocks)
    fail<ConfigError>("collectives: {} blocks to copy with: 1 to {} are possible",
                      options.copy_blocks, kMostBlocks);
}

}  // namespace

DeviceWorld::DeviceWorld(const collectives::Heap& heap, std::span<DeviceRank* const> ranks,
                         const WorldOptions& options)
    : heap_(heap), device_ranks_(ranks.begin(), ranks.end()), options_(options) {
  validate(options);
  RG_CHECK(this->ranks() >= 1 && this->ranks() <= collectives::kMaxRanks, "{} ranks",
           this->ranks());
  RG_CHECK(ranks.size() == static_cast<std::size_t>(this->ranks()), "{} of {} ranks have memory",
           ranks.size(), this->ranks());
  const std::size_t ends = ranks.size() * kChannels;
  reports_ = PinnedBuffer(ends * sizeof(FailureReport), "reports of failures");
  std::memset(reports_.data(), 0, reports_.bytes());
  host_ledgers_.resize(ends);
  signals_ = signals_of(this->ranks(), options);
  write_ranks();
}

DeviceWorld::~DeviceWorld() = default;

collectives::RankGroup DeviceWorld::form(std::span<const int> ranks, std::uint64_t step) const {
  return collectives::form_group(ranks, step, this->ranks());
}

const Failure* DeviceWorld::failure(int rank, Channel channel) const {
  FailureReport& report = reports_.as<FailureReport>()[index(rank, channel)];
  return collectives::load_acquire(report.epoch) == epoch_ ? &report.failure : nullptr;
}

std::vector<Failure> DeviceWorld::failures() const {
  std::vector<Failure> found;
  for (int rank = 0; rank < ranks(); ++rank)
    for (const Channel channel : {Channel::kCollectives, Channel::kPuts, Channel::kReceipts})
      if (const Failure* const one = failure(rank, channel); one != nullptr) found.push_back(*one);
  return found;
}

void DeviceWorld::rearm() {
  ++epoch_;
  RG_CHECK(epoch_ < std::uint64_t{1} << (64 - collectives::kSequenceBits), "no more epochs");
  for (collectives::Ledger& ledger : host_ledgers_) ledger = {};
  if (signals_) signals_->rearm();
  write_ranks();
}

Endpoint DeviceWorld::endpoint(int rank, Channel channel) const {
  const std::size_t at = index(rank, channel);
  DeviceRank& memory = *device_ranks_[static_cast<std::size_t>(rank)];
  // Where the stream has waited in a kernel's stead, the kernel looks once.
  const std::int64_t watchdog_ns = signals_ ? 0 : options_.watchdog_ns;
  return {{heap_, channel, rank},
          &memory.channels[static_cast<std::size_t>(channel)],
          &reports_.as<FailureReport>()[at],
          watchdog_ns};
}

collectives::Ledger& DeviceWorld::host_ledger(int rank, Channel channel) {
  return host_ledgers_[index(rank, channel)];
}

std::size_t DeviceWorld::index(int rank, Channel channel) const {
  RG_CHECK(rank >= 0 && rank < ranks(), "no rank {}", rank);
  return static_cast<std::size_t>(rank) * kChannels + static_cast<std::size_t>(channel);
}

void DeviceWorld::write_ranks() {
  DeviceRank fresh;
  for (DeviceChannel& channel : fresh.channels) channel.ledger.epoch = epoch_;
  for (DeviceRank* const rank : device_ranks_)
    check(cudaMemcpyAsync(rank, &fresh, sizeof fresh, cudaMemcpyHostToDevice, nullptr),
          "writing a rank's counters");
  // The ranks' streams do not wait for the default stream.
  check(cudaStreamSynchronize(nullptr), "writing the ranks' counters");
}

}  // namespace regroup::cuda
