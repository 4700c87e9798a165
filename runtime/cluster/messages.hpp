// What the controller and the nodes say to each other.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/backend.hpp"
#include "core/jitter.hpp"
#include "runtime/cluster/wire.hpp"
#include "runtime/serve/fault.hpp"
#include "runtime/serve/rank_run.hpp"

namespace regroup::cluster {

// The state of a request after a number of steps of one of its stages, as it travels.
struct PackedState {
  RequestId request{};
  int stage = -1;
  int steps = 0;
  Bytes numbers;
};

// From the controller ----------------------------------------------------------------------------

// What the node is: the first message. Ready answers it.
struct NodeSpec {
  std::string backend = "host";
  int ranks = 0;  // its GPUs; they are numbered from 0 within it
  bool virtual_clock = true;
  bool real_compute = false;
  std::vector<std::string> models;  // the names, by ModelId
  Jitter jitter;
  Duration patience{};  // see ServeOptions
  std::vector<serve::Fault> faults;
  std::string settings;  // what else this kind of backend needs, in its own words
};

struct TaskPart {
  serve::RunTask task;  // without its put, which is the node's to fill in
  bool begins = false;  // there is no state yet
  // Else it is with one of these ranks of the node, or with the node's snapshots; there it gets by
  // StateMail from the node `from` (-1: it need not come), or it is attached.
  std::vector<std::uint8_t> holders;
  int from = -1;
  std::optional<PackedState> attached;
};

// The part of a placement that one node has.
struct RunPart {
  RunId run{};
  TimePoint at{};                       // now, where the clock is virtual
  std::vector<std::uint8_t> members{};  // ranks of this node, in the order of the group
  std::vector<int> nodes{};             // of the whole placement; the first has its first member
  Layout layout{};
  int steps = 1;
  Duration dispatch{}, setup{}, migrate{}, step{};
  std::vector<TaskPart> tasks{};
};

struct PreemptPart {
  RunId run{};
};

// Virtual clock: everything up to the instant `at` happens, but for what settles at it. If that
// makes no news and `limit` is later, the node goes on by itself until there is news or until that
// instant, with which it does as with `at`. Report answers it.
struct Advance {
  TimePoint at{};
  TimePoint limit{};
};
// Virtual clock: what settles at this instant happens, and what follows at the same instant. Report
// answers it.
struct Settle {};

// Sends the state that fits the task to another node.
struct HandOver {
  RequestId request{};
  std::uint8_t stage = 0;
  int steps_done = 0;
  int to = 0;
};
// The state up to there is not needed here any more: others go on from it.
struct Forget {
  RequestId request{};
  std::uint8_t stage = 0;
  int steps_done = 0;
};

// The process ends with this exit code.
struct End {
  int code = 0;
};

// From a node ------------------------------------------------------------------------------------

struct Ready {
  TimePoint next{};
};

struct PartEnd {
  RunId run{};
  bool failed = false;
  TimePoint at{};    // virtual clock
  Duration since{};  // the machine's clock: how long ago
  int steps = 0;
  RunTimes times{};                   // all but dispatch; of the part that leads
  std::vector<PackedState> states{};  // likewise: what its requests go on from if this node is lost
};

struct Report {
  TimePoint now{};        // virtual clock
  TimePoint next{};       // the earliest instant at which more can happen here; kNever: none
  bool settling = false;  // something waits for the decisions of this instant
  std::vector<PartEnd> ended;
  std::vector<std::uint8_t> dead;  // ranks
  std::vector<std::string> said;
};

// To another node, or kept by it for a launch that comes later.
struct StateMail {
  PackedState state;
};

// Between the nodes of a placement: see Meetings.
struct Boundary {
  RunId run{};
  int boundary = 0;
  bool stop = false;
};

// The node cannot go on; the whole run is to end with it.
struct Broke {
  std::string what;
};

using Message = std::variant<NodeSpec, RunPart, PreemptPart, Advance, Settle, HandOver, Forget, End,
                             Ready, Report, StateMail, Boundary, Broke>;

Bytes encode(const Message& message);
// SystemError: not a message of this version.
Message decode(std::span<const std::byte> bytes);

}  // namespace regroup::cluster
