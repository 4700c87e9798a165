#include "models/migration.hpp"

#include <algorithm>
#include <array>

namespace regroup::models {
namespace {

// Where shard `rank` of `ranks` begins.
std::int64_t shard_begin(std::int64_t bytes, std::size_t ranks, std::size_t rank) {
  const auto w = static_cast<std::int64_t>(ranks), r = static_cast<std::int64_t>(rank);
  return r * (bytes / w) + std::min(r, bytes % w);
}

// The transfers of one end.
struct Busy {
  double transfer = 0, latency = 0;
  void add(const Path& path, std::int64_t bytes) {
    transfer += static_cast<double>(bytes) / path.bytes_per_s;
    latency = std::max(latency, path.seconds);
  }
  double total() const { return transfer + latency; }
};

}  // namespace

Transfers transfers(const TaskState& state, const Group& from_group, const Group& to_group,
                    const std::function<Path(GpuId, GpuId)>& path) {
  const std::span<const GpuId> from = from_group, to = to_group;
  Transfers result;
  if (from.empty() || to.empty()) return result;
  std::array<Busy, kMaxGroupSize> senders{};
  const auto send = [&](std::size_t source, std::size_t target, std::int64_t bytes,
                        Busy& receiver) {
    if (bytes <= 0 || from[source] == to[target]) return;
    const Path way = path(from[source], to[target]);
    senders[source].add(way, bytes);
    receiver.add(way, bytes);
    result.bytes += bytes;
  };
  for (std::size_t target = 0; target < to.size(); ++target) {
    Busy receiver;
    const std::int64_t begin = shard_begin(state.latent_bytes, to.size(), target);
    const std::int64_t end = shard_begin(state.latent_bytes, to.size(), target + 1);
    for (std::size_t source = 0; source < from.size(); ++source) {
      const std::int64_t overlap =
          std::min(end, shard_begin(state.latent_bytes, from.size(), source + 1)) -
          std::max(begin, shard_begin(state.latent_bytes, from.size(), source));
      send(source, target, overlap, receiver);
    }
    if (!from_group.contains(to[target])) send(0, target, state.embedding_bytes, receiver);
    result.seconds = std::max(result.seconds, receiver.total());
  }
  for (std::size_t source = 0; source < from.size(); ++source)
    result.seconds = std::max(result.seconds, senders[source].total());
  return result;
}

}  // namespace regroup::models
