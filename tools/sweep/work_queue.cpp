#include "tools/sweep/work_queue.hpp"

#include <fmt/format.h>
#include <unistd.h>

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

WorkQueue::Progress progress_line(const std::string& pieces) {
  if (isatty(STDERR_FILENO) == 0) return {};
  using Clock = std::chrono::steady_clock;
  return [pieces, start = Clock::now(), shown = Clock::time_point{}](std::size_t done,
                                                                     std::size_t all) mutable {
    const Clock::time_point now = Clock::now();
    if (done < all && now - shown < std::chrono::milliseconds(100)) return;
    shown = now;
    const double rate =
        static_cast<double>(done) / std::chrono::duration<double>(now - start).count();
    fmt::print(stderr, "\r{} of {} {}, {:.3g} a second, about {:.0f} s left \x1b[K{}", done, all,
               pieces, rate, static_cast<double>(all - done) / rate, done == all ? "\n" : "");
  };
}

}  // namespace regroup::tools
