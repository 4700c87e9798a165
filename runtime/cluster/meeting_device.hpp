// A rank of a node, with groups over several nodes.
#pragma once

#include <memory>

#include "runtime/cluster/meetings.hpp"
#include "runtime/serve/rank_device.hpp"

namespace regroup::cluster {

// The part of a placement that this node has.
struct PartRun : serve::RankRun {
  std::vector<int> nodes;  // of the whole placement
  bool leads = true;
  // Told to stop, a placement over several nodes does so where its parts meet next: there `stop` is
  // set at all of them.
  std::atomic<bool> stop_at_meeting = false;
  std::atomic<bool>& stop = preempt;
};

// As `rank`, for PartRuns. At the end of every step of a group over nodes, its first member meets
// those of the others before it counts. `meetings` must outlive it.
std::unique_ptr<serve::RankDevice> meeting_device(int number,
                                                  std::unique_ptr<serve::RankDevice> rank,
                                                  Meetings& meetings);

}  // namespace regroup::cluster
