// The one thread that calls NCCL. Communicators that share GPUs can wait for each other for ever if
// several threads enqueue their calls; and one thread with several GPUs has to put the calls of all
// of them into one group.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "runtime/collectives/rank_group.hpp"
#include "runtime/cuda/nccl/communicator_cache.hpp"
#include "runtime/cuda/nccl/parcels.hpp"

namespace regroup::cuda {

// What one rank wants to have enqueued. Tensors and parcels as parcels.hpp has them; kBarrier needs
// one byte for each member at `incoming`, and nothing else.
struct NcclCall {
  collectives::RankGroup group;
  collectives::Op op = collectives::Op::kNone;
  collectives::TensorShape shape;
  cudaStream_t stream = nullptr;
  const std::byte* input = nullptr;
  const std::byte* outgoing = nullptr;
  std::byte* incoming = nullptr;
  std::byte* output = nullptr;
};

// Functions may be called by all threads. Once something has failed, all communicators are aborted,
// so that what waits in their streams ends, and issue() throws until rearm().
class NcclIssuer {
 public:
  // The world must outlive this. `capacity`: of the cache of communicators.
  NcclIssuer(const NcclWorld& world, std::size_t capacity);
  NcclIssuer(const NcclIssuer&) = delete;
  NcclIssuer& operator=(const NcclIssuer&) = delete;
  // No rank may be inside a call.
  ~NcclIssuer();

  // By the thread of rank `local`. Returns when the call is enqueued, which is when all members of
  // this process have made theirs; after the world's patience it throws, naming who has not.
  // Allocates nothing if the communicator is in the cache.
  void issue(int local, const NcclCall& call);
  // Runs `work` on the issuing thread and waits for it, for what takes long anyhow: making
  // communicators before they are needed, or measuring them. Rethrows what it throws.
  void run(const std::function<void(CommunicatorCache&)>& work);

  // What the world calls rank `local` of this process.
  int world_rank(int local) const { return world_.first_rank + local; }

  // For a caller who finds that a step takes too long: ends all that is enqueued, unfinished.
  void abort(const std::string& why);
  // Empty: nothing has failed.
  std::string failure() const;
  // Forgets a failure, once all streams have run empty. Communicators are made anew.
  void rearm();
  CacheCounts counts() const;

 private:
  // What a rank waits for.
  struct Order {
    enum class State { kNone, kWaiting, kTaken, kDone };
    State state = State::kNone;
    const NcclCall* call = nullptr;
  };
  struct Work {
    const std::function<void(CommunicatorCache&)>* function = nullptr;
    std::exception_ptr error;
    bool done = false;
  };

  void serve(const std::stop_token& stop);
  const collectives::RankGroup* find_complete() const;
  bool complete(const collectives::RankGroup& group) const;
  void carry_out(std::unique_lock<std::mutex>& lock, collectives::RankGroup group);
  void carry_out(std::unique_lock<std::mutex>& lock, Work& work);
  void look_for_errors(std::unique_lock<std::mutex>& lock);
  void enqueue(const collectives::RankGroup& group);
  void give_up(const std::string& why);  // `mutex_` is held
  void throw_if_failed() const;          // likewise
  std::string who_is_missing(const NcclCall& call) const;

  const NcclWorld& world_;
  mutable std::mutex mutex_;
  std::condition_variable_any asked_;     // the issuing thread waits
  std::condition_variable_any answered_;  // the others do
  std::vector<Order> orders_;             // by local rank
  Work* work_ = nullptr;
  std::string failure_;
  bool aborting_ = false;
  CacheCounts counts_;
  CommunicatorCache cache_;  // the issuing thread's
  std::jthread thread_;
};

}  // namespace regroup::cuda
