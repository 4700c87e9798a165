// What has to move when a task continues on another group.
#pragma once

#include <cstdint>
#include <functional>

#include "models/topology.hpp"
#include "regroup/policy/types.hpp"

namespace regroup::models {

// A task's state. The latents lie in even consecutive shards, one a rank: of n bytes on w ranks,
// rank r has n / w, and one more if r < n mod w. The embeddings lie whole on every rank.
struct TaskState {
  std::int64_t latent_bytes = 0;
  std::int64_t embedding_bytes = 0;
};

struct Transfers {
  std::int64_t bytes = 0;  // over all links together
  double seconds = 0;
};

// Each rank of `to` receives what of its shard lies on other GPUs, and the embeddings from rank 0
// of `from` if it was not in `from`. All transfers run at once; a GPU sends one after another, and
// receives so. Time: of the busiest GPU, bytes over path bandwidth, and its longest latency.
Transfers transfers(const TaskState& state, const Group& from, const Group& to,
                    const std::function<Path(GpuId, GpuId)>& path);

}  // namespace regroup::models
