// A thread for each rank that waits for something to do: the dispatcher and ranks of a backend,
// without what they serve.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/collectives/rank_group.hpp"
#include "runtime/cuda/gpu/machine.hpp"

namespace regroup::cuda {

// `count` ranks from `first` on, as the group of this number.
collectives::RankGroup first_ranks(int first, int count, std::uint64_t number);

class RankTeam {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Each thread makes its rank's context current once. The machine must outlive this.
  explicit RankTeam(const Machine& machine);
  RankTeam(const RankTeam&) = delete;
  RankTeam& operator=(const RankTeam&) = delete;
  ~RankTeam();

  // Runs `work(rank)` at all members at once, and returns when the last one was done with it.
  // Rethrows what the lowest of them threw. One caller at a time.
  Time run(const collectives::RankGroup& members, const std::function<void(int rank)>& work);

 private:
  struct Rank {
    const std::function<void(int rank)>* work = nullptr;  // null: none
    Time done;
    std::exception_ptr error;
    std::jthread thread;
  };
  void serve(const Machine& machine, int rank);

  std::mutex mutex_;
  std::condition_variable asked_, answered_;
  bool closing_ = false;
  std::vector<Rank> ranks_;
};

}  // namespace regroup::cuda
