#include "runtime/cuda/bench/rank_team.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include "runtime/collectives/form_group.hpp"

namespace regroup::cuda {

collectives::RankGroup first_ranks(int first, int count, std::uint64_t number) {
  std::array<int, collectives::kMaxRanks> ranks{};
  std::iota(ranks.begin(), ranks.begin() + count, first);
  return collectives::form_group({ranks.data(), static_cast<std::size_t>(count)}, number,
                                 collectives::kMaxRanks);
}

RankTeam::RankTeam(const Machine& machine) : ranks_(static_cast<std::size_t>(machine.ranks())) {
  for (int rank = 0; rank < machine.ranks(); ++rank)
    ranks_[static_cast<std::size_t>(rank)].thread =
        std::jthread([this, &machine, rank] { serve(machine, rank); });
}

RankTeam::~RankTeam() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  asked_.notify_all();
}

RankTeam::Time RankTeam::run(const collectives::RankGroup& members,
                             const std::function<void(int rank)>& work) {
  const auto all_of = [&](auto predicate) {
    return std::all_of(members.ranks, members.ranks + members.size,
                       [&](std::uint8_t rank) { return predicate(ranks_[rank]); });
  };
  std::unique_lock lock(mutex_);
  for (int i = 0; i < members.size; ++i) ranks_[members.ranks[i]].work = &work;
  asked_.notify_all();
  answered_.wait(lock,
                 [&] { return all_of([](const Rank& rank) { return rank.work == nullptr; }); });
  Time last = Time::min();
  std::exception_ptr error;
  for (Rank& rank : ranks_) {
    if (std::exception_ptr own = std::exchange(rank.error, nullptr); own && !error) error = own;
    last = std::max(last, rank.done);
  }
  if (error) std::rethrow_exception(error);
  return last;
}

void RankTeam::serve(const Machine& machine, int number) {
  Rank& rank = ranks_[static_cast<std::size_t>(number)];
  machine.make_current(number);
  std::unique_lock lock(mutex_);
  for (;;) {
    asked_.wait(lock, [&] { return closing_ || rank.work != nullptr; });
    if (rank.work == nullptr) return;
    const auto& work = *rank.work;
    lock.unlock();
    std::exception_ptr error;
    try {
      work(number);
    } catch (...) {
      error = std::current_exception();
    }
    const Time done = std::chrono::steady_clock::now();
    lock.lock();
    rank.done = done;
    rank.error = error;
    rank.work = nullptr;
    answered_.notify_all();
  }
}

}  // namespace regroup::cuda
