// The fixed pipeline that elastic schedulers are compared with (the baseline of GF-DiT's paper): a
// node does one request at a time, on all of its GPUs, encode and decode included, first come first
// served. A model that cannot be as wide as the node uses the first GPUs of it; the others idle.
//
// With several nodes a request is bound to the one with the least work when it arrives.
//
// Cost of a decision: O(changes x (log waiting + log nodes)), and for each arrival O(1) for each
// node that will be done within a step of the first; O(nodes) while a GPU is broken.
#include "policies/builtin/lanes/lane_sets.hpp"

namespace {
using namespace regroup;

class Legacy final : public Policy {
 public:
  static constexpr const char* kSource =
      "GF-DiT, arXiv 2606.13501 (its baseline: the fixed full-width pipeline)";

  explicit Legacy(const Params&) {}
  Pinning pinning() const override { return Pinning::kWithinRequest; }

  void decide(const ClusterView& view, Decisions& out) override {
    if (nodes_.empty()) nodes_.add(view, whole_nodes(view.nodes()));
    nodes_.decide(view, out, [&](const Task& task) { return nodes_.soonest(view, task); });
  }

 private:
  BoundLanes nodes_{LaneOrder::kArrival};
};

}  // namespace

RG_REGISTER_POLICY(Legacy, "legacy",
                   "one request at a time on a whole node, first come first served");
