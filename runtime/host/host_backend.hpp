// Carries out placements on threads of this machine.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/jitter.hpp"
#include "runtime/host/compute.hpp"
#include "runtime/serve/rank_backend.hpp"

namespace regroup::host {

struct HostOptions {
  bool virtual_clock = true;  // else the machine's
  Jitter jitter;
  std::vector<serve::Fault> faults;
  // Makes what the rank of that number computes. Empty: timed_compute.
  std::function<std::unique_ptr<Compute>(int rank, collectives::World& world)> compute;
  std::uint64_t slot_bytes = 4096;       // the largest shard that one collective moves
  std::uint64_t window_bytes = 1 << 16;  // the states that one run brings to a rank
  // See ServeOptions.
  Duration patience = std::chrono::seconds(5);
  std::function<void(const std::string&)> report;
};

// A RankBackend whose ranks are threads. Where the clock is virtual, steps of timed_compute take
// what the cost model says, as dispatch, set-up and migration do.
class HostBackend final : public serve::RankBackend {
 public:
  // ConfigError: more GPUs than kMaxRanks ranks.
  HostBackend(const Catalog& catalog, HostOptions options);
};

}  // namespace regroup::host
