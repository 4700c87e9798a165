// How fast the simulator is: one case, measured in a process of its own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace regroup::tools {

// A generated trace of FLUX.1-dev images (TetriServe's four sizes, 30 steps, Poisson arrivals) on
// nodes of 8 H100, deadlines three times the time on one GPU.
struct SpeedCase {
  std::string policy;
  std::map<std::string, std::string> params{};
  int gpus = 8;  // a multiple of 8
  std::uint64_t requests = 1000;
  double load = 0.8;            // GPU seconds that arrive in a second at degree 1, over GPUs
  std::filesystem::path out{};  // journal, timeline and tables go there; empty: nothing written
};

struct SpeedRow {
  SpeedCase of;
  std::uint64_t events = 0;  // arrivals, and ends of runs: what the event queue and the loop handle
  std::uint64_t steps = 0;   // denoising steps simulated
  double cpu_s = 0;          // of all threads: making the requests, simulating, writing
  double wall_s = 0;
  double decision_p99_us = 0;
  // Of the bare heap loop of as many requests and GPUs, just before; see HeapLoop::Queued.
  double floor_events_per_s = 0;
  double streamed_floor_events_per_s = 0;
  std::int64_t peak_rss_bytes = 0;

  double events_per_s() const { return static_cast<double>(events) / cpu_s; }
  double requests_per_s() const { return static_cast<double>(of.requests) / cpu_s; }
  double ns_per_event() const { return 1e9 / events_per_s(); }
  // How many times as long as the bare loop an event takes.
  double floor_ratio() const { return floor_events_per_s / events_per_s(); }
  double streamed_floor_ratio() const { return streamed_floor_events_per_s / events_per_s(); }
};

// Times are CPU time, so that other programs on the machine disturb little. Throws SystemError.
SpeedRow measure_speed(const SpeedCase& of);

}  // namespace regroup::tools
