// THE CONTRACT. A policy includes this one header and ends with RG_REGISTER_POLICY.
#pragma once

#include "regroup/policy/cluster_view.hpp"
#include "regroup/policy/decisions.hpp"
#include "regroup/policy/params.hpp"

namespace regroup {

// Whether every request stays in one lane of GPUs for all of its stages. A runtime may then queue
// work behind what is under way, and hands nothing from group to group.
enum class Pinning : std::uint8_t {
  kNone,
  kWithinRequest,  // what is queued is the next task of the same request
  kBeyondRequest,  // or whatever the lane does next
};

// Decides which ready tasks run on which GPUs. A subclass has a constructor taking const Params&,
// and may say where it was published: static constexpr const char* kSource = "...".
class Policy {
 public:
  virtual ~Policy() = default;

  // Called on one thread, once for every instant at which anything changed, after all events of
  // that instant are in. Must depend only on its arguments and on its own past calls: no clocks, no
  // threads, no I/O, no addresses, no unseeded randomness. It cannot tell whether time is
  // simulated. An exception ends the run with a PolicyError.
  virtual void decide(const ClusterView& view, Decisions& out) = 0;

  // Asked once; only some semantics of a run (see models/README.md) make a difference of it.
  virtual Pinning pinning() const { return Pinning::kNone; }
};

}  // namespace regroup

#include "regroup/policy/plugin.hpp"  // IWYU pragma: export
