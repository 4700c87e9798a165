// The ranks of one node, and the dispatcher that gives them their parts of placements.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runtime/cluster/meeting_device.hpp"
#include "runtime/serve/ranks.hpp"

namespace regroup::cluster {

// How the states of one kind of processor become bytes that can travel, and are made of them.
struct StatePacking {
  std::function<Bytes(const serve::StateData&)> pack;
  std::function<serve::StateRef(Bytes)> unpack;
};

struct NodeOptions {
  int ranks = 0;
  serve::ServeOptions serve;  // `report` is not called: see NodeNews::said
  StatePacking states;
};

// What has happened since it was asked last.
struct NodeNews {
  std::vector<PartEnd> ended;  // of one instant by run; before `dead`
  std::vector<std::uint8_t> dead;
  std::vector<std::string> said;  // what went wrong, a line each
  bool empty() const { return ended.empty() && dead.empty() && said.empty(); }
};

// As serve::RankBackend, for parts of placements that come by message: knows no catalog, and
// states may come from and go to other nodes. After a failure the runs of this node fail, those of
// other nodes go on.
//
// Used by one thread, the one that made the clock, but for the ranks' own.
class NodeRanks final {
 public:
  // The first two must outlive it; `node` is which one of the cluster this is. ConfigError: more
  // than kMaxRanks ranks.
  NodeRanks(serve::Clock& clock, Meetings& meetings, int node, NodeOptions options);

  // Every state that none of its holders has must have been kept: see has().
  void launch(const RunPart& part);
  void preempt(RunId run);

  // A state that came from elsewhere.
  void keep(PackedState state);
  // Whether a task can go on from what is kept, and that state.
  bool has(RequestId request, std::uint8_t stage, int steps_done);
  std::optional<PackedState> find(RequestId request, std::uint8_t stage, int steps_done);
  void forget(const Forget& order);

  // Throws what a rank could not make good.
  NodeNews news();
  // On the machine's clock: returns when there may be news, or somebody rang.
  void wait_for_news();
  void ring() { ranks_.ring(); }  // any thread

 private:
  void recover(NodeNews& news);
  int kept_steps(const PartRun& run);
  PartEnd end(const PartRun& run);
  PackedState pack(RequestId request, const serve::State& state, int steps);

  serve::Clock& clock_;
  Meetings& meetings_;
  int node_;
  bool virtual_clock_;
  StatePacking states_;
  serve::Ranks ranks_;
};

}  // namespace regroup::cluster
