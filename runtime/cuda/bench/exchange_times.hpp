// What ranks spend on each other: collectives by size and degree, puts, and launching work.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/cuda/collectives/device_world.hpp"
#include "runtime/cuda/gpu/machine.hpp"

namespace regroup::cuda {

struct ExchangeTimesOptions {
  std::vector<int> degrees = {2, 4, 8};  // those with more ranks than there are, are not measured
  std::vector<std::uint64_t> bytes = {std::uint64_t{64} << 10, std::uint64_t{1} << 20,
                                      std::uint64_t{16} << 20};  // of each rank's input
  int samples = 50;
};

struct ExchangeTime {
  std::string what;         // "barrier", "all-to-all", "put", "launch", "graph of 100 kernels"
  int degree = 1;           // ranks that take part
  std::uint64_t bytes = 0;  // that each of them gives, rounded to whole tokens
  double median_s = 0;
  double p99_s = 0;
};

// Each sample is one operation, from its enqueueing to the end of the first member's, with the
// stream idle before; a launch is one of many in a row. The heap's slots and windows hold the
// largest size. Before arming, all streams idle and no rank's context current to another thread.
// Throws SystemError with what a rank reports.
std::vector<ExchangeTime> measure_exchanges(const Machine& machine, DeviceWorld& world,
                                            const ExchangeTimesOptions& options);

}  // namespace regroup::cuda
