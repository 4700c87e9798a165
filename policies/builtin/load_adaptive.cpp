// Wide lanes while load is low, narrow ones while it is high (GF-DiT's load_adaptive; with priority
// its prio_load_adaptive). Load is high when requests come close to one another, for some time
// after that, and while several requests are under way; it is judged once, when a request arrives.
//
// A wide lane is a node, a narrow one a GPU of it; requests are dealt out in turn among those of
// one width. A request on a wide lane waits until all of its GPUs are idle at once, which may be
// long.
//
// Cost of a decision: see bound_lanes.hpp.
#include "policies/builtin/lanes/lane_sets.hpp"

namespace {
using namespace regroup;

class LoadAdaptive final : public Policy {
 public:
  static constexpr const char* kSource =
      "GF-DiT, arXiv 2606.13501 (its simulator's load_adaptive and prio_load_adaptive)";

  explicit LoadAdaptive(const Params& params)
      : lanes_(params.get("priority", false,
                          "the most important request of a lane first, not the first to come")
                   ? LaneOrder::kPriority
                   : LaneOrder::kArrival),
        interarrival_(seconds(params, "interarrival_s", 120,
                              "two arrivals that are no further apart mean high load")),
        cooldown_(seconds(params, "cooldown_s", 60, "for that long after them")),
        backlog_(params.get("backlog", 2, "so many requests under way mean high load, too")) {
    if (backlog_ < 1) throw std::invalid_argument("backlog: at least 1");
  }
  Pinning pinning() const override { return Pinning::kWithinRequest; }

  void decide(const ClusterView& view, Decisions& out) override {
    if (lanes_.empty()) open(view);
    // Those that are done leave before those that arrive at the same instant are judged.
    for (const Change& change : view.changes())
      if (change.kind == Change::Kind::kRequestDone) under_way_.erase(change.request);
    lanes_.decide(view, out, [&](const Task& task) {
      if (!under_way_.contains(task.request)) note_arrival(task.arrival);
      const bool high = task.arrival <= high_until_ || std::ssize(under_way_) >= backlog_;
      under_way_.insert(task.request);
      return (high ? narrow_ : wide_).next(lanes_, view);
    });
  }

 private:
  static Duration seconds(const Params& params, const char* key, double otherwise,
                          const char* meaning) {
    const double value = params.get(key, otherwise, meaning);
    if (!(value >= 0 && value < 1e9))
      throw std::invalid_argument(std::string(key) + ": seconds, at least 0");
    return from_seconds(value);
  }

  void open(const ClusterView& view) {
    lanes_.add(view, lanes_of(view.nodes(), 1, LaneCut::kPartition));
    narrow_ = RoundRobin(0, lanes_.size());
    const std::size_t first = lanes_.size();
    lanes_.add(view, whole_nodes(view.nodes(), LaneCut::kSliding));
    wide_ = RoundRobin(first, lanes_.size());
  }

  void note_arrival(TimePoint arrival) {
    if (last_arrival_ && arrival - *last_arrival_ <= interarrival_)
      high_until_ = std::max(high_until_, arrival + cooldown_);
    last_arrival_ = arrival;
  }

  BoundLanes lanes_;
  Duration interarrival_;
  Duration cooldown_;
  int backlog_;
  RoundRobin narrow_;
  RoundRobin wide_;
  std::set<RequestId> under_way_;
  std::optional<TimePoint> last_arrival_;
  TimePoint high_until_ = TimePoint::min();
};

}  // namespace

RG_REGISTER_POLICY(LoadAdaptive, "load-adaptive",
                   "whole nodes while load is low, single GPUs while it is high");
