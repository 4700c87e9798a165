// Pieces of work, handed out one by one to whoever is free.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "tools/progress.hpp"

namespace regroup::tools {

// From any thread.
class WorkSource {
 public:
  virtual ~WorkSource() = default;
  // The next piece, each given once; nothing when there are no more.
  virtual std::optional<std::size_t> next() = 0;
  // One that was given is done.
  virtual void done() = 0;
  // Give no more: somebody failed.
  virtual void stop() = 0;
};

class WorkQueue final : public WorkSource {
 public:
  // `progress` may be empty; it is called one call at a time.
  WorkQueue(std::vector<std::size_t> pieces, Progress progress)
      : pieces_(std::move(pieces)), progress_(std::move(progress)) {}

  std::optional<std::size_t> next() override;
  void done() override;
  void stop() override;
  // Whether all were done.
  bool finished() const { return done_ == pieces_.size(); }

 private:
  std::mutex mutex_;
  std::vector<std::size_t> pieces_;
  Progress progress_;
  std::size_t given_ = 0, done_ = 0;
  bool stopped_ = false;
};

// Does what the source gives, on `jobs` threads, until it gives no more. An exception of `work`
// stops the source; one of them leaves this call when all threads have ended.
void work_through(WorkSource& source, int jobs, const std::function<void(std::size_t)>& work);

}  // namespace regroup::tools
