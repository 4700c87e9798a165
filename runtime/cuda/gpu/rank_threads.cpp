#include "runtime/cuda/gpu/rank_threads.hpp"

#include <exception>
#include <thread>
#include <vector>

namespace regroup::cuda {

void on_every_rank(const Machine& machine, const std::function<void(int rank)>& work) {
  const auto ranks = static_cast<std::size_t>(machine.ranks());
  std::vector<std::exception_ptr> errors(ranks);
  {
    std::vector<std::jthread> threads;
    for (std::size_t rank = 0; rank < ranks; ++rank)
      threads.emplace_back([&machine, &work, &error = errors[rank], rank = static_cast<int>(rank)] {
        try {
          machine.make_current(rank);
          work(rank);
        } catch (...) {
          error = std::current_exception();
        }
        // A slice's context is left, not only its thread: the next thread can then take it.
        static_cast<void>(cudaSetDevice(machine.rank(rank).ordinal));
      });
  }
  for (const std::exception_ptr& error : errors)
    if (error) std::rethrow_exception(error);
}

}  // namespace regroup::cuda
