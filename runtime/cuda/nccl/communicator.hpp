// Communicators: what NCCL needs for every set of GPUs that works together.
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "runtime/cuda/gpu/machine.hpp"
#include "runtime/cuda/nccl/nccl_library.hpp"

namespace regroup::cuda {

// How the processes that have members of a communicator come to the same id. Called in each of
// them with all members; `created` is not null in the one that has member 0, and what it points to
// is to be returned in all. With one process, the default does.
using ExchangeNcclId =
    std::function<NcclUniqueId(std::span<const int> ranks, const NcclUniqueId* created)>;

// What all communicators of a process share; outlives them. Ranks are counted over all processes.
struct NcclWorld {
  const NcclLibrary& library;
  const Machine& machine;  // the ranks of this process
  int first_rank = 0;      // that rank 0 of the machine is in the world
  ExchangeNcclId exchange_id;
  std::chrono::nanoseconds patience = std::chrono::seconds(60);  // for whatever is not enqueueing

  // Of the machine; -1: a rank of another process.
  int local(int rank) const {
    const int own = rank - first_rank;
    return own >= 0 && own < machine.ranks() ? own : -1;
  }
};

// Throws NcclError if two ranks are slices of one GPU: NCCL takes a GPU once in a communicator.
void require_whole_gpus(const Machine& machine);

// The ends of one communicator that are in this process; at least one. Made, used and destroyed by
// one thread, which is that of all communicators of the process. Every call that does not say so
// returns when NCCL is done, or throws NcclError that names the ranks, the call and NCCL's words; a
// communicator that has failed is only good for abort(). Changes the thread's device.
class Communicator {
 public:
  struct End {
    int member = 0;  // position in ranks()
    int local = 0;   // rank of the machine
    NcclComm comm = nullptr;
  };

  // Member i is ranks[i]. All processes that have members do the same at the same time.
  Communicator(const NcclWorld& world, std::span<const int> ranks);
  // Of some of the parent's ranks, sharing the parent's resources (splitShare). All members of the
  // parent take part, so nothing else of theirs may be under way; all are of this process.
  Communicator(const Communicator& parent, std::span<const int> ranks);
  Communicator(Communicator&&) = default;
  Communicator& operator=(Communicator&&) = delete;
  // abort(), unless destroy() was called.
  ~Communicator();

  const std::vector<int>& ranks() const { return ranks_; }
  std::span<const End> ends() const { return ends_; }
  int size() const { return static_cast<int>(ranks_.size()); }

  // Runs `enqueue`, which calls NCCL with the ends' handles and hands what it returns to
  // check_call(), between ncclGroupStart() and ncclGroupEnd(). Allocates nothing if NCCL is never
  // in progress. `what` stands before ", ranks 0, 1, failed".
  template <class Enqueue>
  void group(const char* what, Enqueue&& enqueue) const {
    GroupScope scope(*this, what);
    enqueue();
    scope.end();
  }
  void check_call(NcclResult result, const char* what) const;
  // Empty: no error has come up since; otherwise what group() would say of it.
  std::string asynchronous_error() const;

  // Waits for what was enqueued, and gives everything back.
  void destroy();
  // Likewise without waiting: what was enqueued ends unfinished.
  void abort() noexcept;

 private:
  // Ends the group it has begun, also when something throws.
  class GroupScope {
   public:
    GroupScope(const Communicator& communicator, const char* what);
    GroupScope(const GroupScope&) = delete;
    GroupScope& operator=(const GroupScope&) = delete;
    ~GroupScope();
    void end();

   private:
    const Communicator& communicator_;
    const char* what_;
    bool open_ = true;
  };

  void await_ends(const char* what) const;
  std::string described(const char* what) const;
  std::vector<NcclComm> comms() const;

  const NcclWorld* world_;
  std::vector<int> ranks_;
  std::vector<End> ends_;
};

}  // namespace regroup::cuda
