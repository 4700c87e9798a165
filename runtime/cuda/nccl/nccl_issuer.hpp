// The one thread that calls NCCL. Communicators that share GPUs can wait for each other for ever if
// several threads enqueue their calls; and one thread with several GPUs has to put the calls of all
// of them into one group.
#pragma once

#include <condition_variable>
#include <mutex>
#include <span>
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

// All functions may be called by all threads, and throw NcclError; once a communicator has failed,
// all of them throw what it failed with.
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
  // Makes the communicator of these ranks now, or finds it.
  void prepare(std::span<const int> ranks);

  // For a caller who finds that a step takes too long: ends all that is enqueued, unfinished.
  void abort(const std::string& why);
  // Empty: nothing has failed.
  std::string failure() const;
  CacheCounts counts() const;

 private:
  // What the issuing thread is asked for, by whoever waits for it.
  struct Order {
    const NcclCall* call = nullptr;  // null: none
    bool done = false;
    std::string error;
  };
  void serve(const std::stop_token& stop);
  bool complete(const collectives::RankGroup& group) const;
  const collectives::RankGroup* find_complete() const;
  void carry_out(collectives::RankGroup group, std::unique_lock<std::mutex>& lock);
  void enqueue(const collectives::RankGroup& group);
  void enqueue_end(const Communicator& communicator, const Communicator::End& end) const;
  std::string missing(const NcclCall& call) const;

  const NcclWorld& world_;
  mutable std::mutex mutex_;
  std::condition_variable_any asked_;
  std::condition_variable answered_;
  std::vector<Order> orders_;  // by local rank
  std::span<const int> to_prepare_;
  std::string failure_;
  std::string abort_reason_;
  CacheCounts counts_;
  CommunicatorCache cache_;  // the thread's alone
  std::jthread thread_;
};

}  // namespace regroup::cuda
