#include <mpi.h>

#include <array>
#include <mutex>
#include <thread>

#include "core/errors.hpp"
#include "tools/sweep/team.hpp"

namespace regroup::tools {
namespace {

constexpr int kToQueue = 1, kFromQueue = 2;  // tags
constexpr std::int64_t kNoMore = -1;

enum Message : std::int64_t { kNext, kDone, kStop, kLeave };

// Asks rank 0. Threads take turns: MPI is told that no two of them call it at once.
class RemoteQueue final : public WorkSource {
 public:
  ~RemoteQueue() override { tell(kLeave); }

  std::optional<std::size_t> next() override {
    const std::lock_guard lock(mutex_);
    send(kNext);
    std::int64_t piece = kNoMore;
    MPI_Recv(&piece, 1, MPI_INT64_T, 0, kFromQueue, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (piece == kNoMore) return std::nullopt;
    return static_cast<std::size_t>(piece);
  }
  void done() override { tell(kDone); }
  void stop() override { tell(kStop); }

 private:
  static void send(std::int64_t message) {
    MPI_Send(&message, 1, MPI_INT64_T, 0, kToQueue, MPI_COMM_WORLD);
  }
  void tell(Message message) {
    const std::lock_guard lock(mutex_);
    send(message);
  }

  std::mutex mutex_;
};

// MPI's own error handler ends all processes, so that results of calls need not be looked at.
class MpiTeam final : public Team {
 public:
  MpiTeam() {
    int threads = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &threads);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
    if (threads >= MPI_THREAD_SERIALIZED) return;
    MPI_Finalize();
    fail<SystemError>("MPI: this library lets the first thread only call it");
  }
  ~MpiTeam() override { MPI_Finalize(); }

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  void serve(WorkQueue& queue) override {
    for (int others = size_ - 1; others > 0;) {
      int waiting = 0;
      MPI_Iprobe(MPI_ANY_SOURCE, kToQueue, MPI_COMM_WORLD, &waiting, MPI_STATUS_IGNORE);
      if (waiting == 0) {
        // A blocking receive would spin and take a core from those that work.
        std::this_thread::sleep_for(std::chrono::microseconds(200));
        continue;
      }
      std::int64_t message = kLeave;
      MPI_Status from;
      MPI_Recv(&message, 1, MPI_INT64_T, MPI_ANY_SOURCE, kToQueue, MPI_COMM_WORLD, &from);
      if (message == kNext) {
        const std::optional<std::size_t> piece = queue.next();
        const std::int64_t answer = piece ? static_cast<std::int64_t>(*piece) : kNoMore;
        MPI_Send(&answer, 1, MPI_INT64_T, from.MPI_SOURCE, kFromQueue, MPI_COMM_WORLD);
      } else if (message == kDone) {
        queue.done();
      } else if (message == kStop) {
        queue.stop();
      } else {
        --others;
      }
    }
  }

  std::unique_ptr<WorkSource> queue_of_rank_0() override { return std::make_unique<RemoteQueue>(); }

 private:
  int rank_ = 0, size_ = 1;
};

}  // namespace

std::unique_ptr<Team> join_team(int expected) {
  auto team = std::make_unique<MpiTeam>();
  if (team->size() != expected) return nullptr;
  return team;
}

}  // namespace regroup::tools
