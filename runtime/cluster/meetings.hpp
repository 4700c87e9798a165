// Groups over several nodes, on the machines' clocks: what their parts wait for at step boundaries.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <utility>

#include "runtime/cluster/messages.hpp"
#include "runtime/serve/clock.hpp"

namespace regroup::cluster {

// Within a node a part meets at its own barrier. Before that its first member meets those of the
// other nodes here: they all tell the one that has the first member of all, and it tells them to go
// on, and whether they stop at this boundary.
//
// Where the clock is virtual nobody needs to meet: all parts come to a boundary at the same
// instant, and nothing passes it before what is decided at that instant is known everywhere.
class Meetings {
 public:
  using Send = std::function<void(int to, const Message&)>;  // any thread
  Meetings(serve::Clock& clock, Send send) : clock_(clock), send_(std::move(send)) {}

  enum class Outcome { kGoOn, kStop, kAlone };

  // By the first member of a part, on its thread; `nodes` are those of the run, and `leads` whether
  // this is the first of them, who says by `stop` how it ends. kAlone: not all have come until
  // `deadline`.
  Outcome meet(RunId run, int boundary, std::span<const int> nodes, bool leads, bool stop,
               TimePoint deadline);

  // By the node's dispatcher.
  void take(const Boundary& message);
  void forget(RunId run);  // it has ended

 private:
  struct Heard {
    std::size_t count = 0;
    bool stop = false;
  };

  serve::Clock& clock_;
  Send send_;
  serve::Monitor monitor_;  // guards:
  std::map<std::pair<RunId, int>, Heard> heard_;
};

}  // namespace regroup::cluster
