#include "tools/sweep/work_queue.hpp"

#include "tools/bench/parallel.hpp"

namespace regroup::tools {

std::optional<std::size_t> WorkQueue::next() {
  const std::lock_guard lock(mutex_);
  if (stopped_ || given_ == pieces_.size()) return std::nullopt;
  return pieces_[given_++];
}

void WorkQueue::done() {
  const std::lock_guard lock(mutex_);
  ++done_;
  if (progress_) progress_(done_, pieces_.size());
}

void WorkQueue::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
}

void work_through(WorkSource& source, int jobs, const std::function<void(std::size_t)>& work) {
  for_each_index(static_cast<std::size_t>(jobs), jobs, [&](std::size_t) {
    try {
      while (const auto piece = source.next()) {
        work(*piece);
        source.done();
      }
    } catch (...) {
      source.stop();
      throw;
    }
  });
}

}  // namespace regroup::tools
