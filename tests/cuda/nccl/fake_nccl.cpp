#include "tests/cuda/nccl/fake_nccl.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using regroup::cuda::FakeNccl;
using regroup::cuda::NcclComm;
using regroup::cuda::NcclConfig;
using regroup::cuda::NcclResult;
using regroup::cuda::NcclType;
using regroup::cuda::NcclUniqueId;

extern "C" FakeNccl fake_nccl;
FakeNccl fake_nccl;

namespace {

// All ends of a communicator. Messages are kept until they are received, so sending never waits.
struct Clique {
  explicit Clique(int members) : size(members) {}

  int size;  // of a split: at most, until all have called
  std::mutex mutex;
  std::condition_variable changed;
  int joined = 0;
  bool aborted = false;
  bool damaged = false;  // a message of another length than was waited for
  std::map<std::pair<int, int>, std::deque<std::vector<std::byte>>> messages;  // from, to
};

// One thread may call NCCL.
void note_caller() {
  static std::mutex mutex;
  static std::thread::id caller;
  const std::lock_guard lock(mutex);
  if (caller == std::thread::id()) caller = std::this_thread::get_id();
  if (caller != std::this_thread::get_id() && fake_nccl.alive > 0) fake_nccl.several_threads = true;
  caller = std::this_thread::get_id();
}

void enqueue(cudaStream_t stream, std::function<void()> work) {
  auto* const kept = new std::function<void()>(std::move(work));
  fake_nccl.enqueue(
      stream,
      [](void* argument) {
        const std::unique_ptr<std::function<void()>> called(
            static_cast<std::function<void()>*>(argument));
        (*called)();
      },
      kept);
}

// Of this thread, between ncclGroupStart and ncclGroupEnd.
struct Group {
  int depth = 0;
  std::vector<std::function<void()>> sends, receives;
};
thread_local Group group;

std::map<std::string, std::weak_ptr<Clique>> cliques;
int split_number = 0;

std::shared_ptr<Clique> join(const std::string& id, int size) {
  std::shared_ptr<Clique> clique = cliques[id].lock();
  if (clique == nullptr) cliques[id] = clique = std::make_shared<Clique>(size);
  ++clique->joined;
  return clique;
}

}  // namespace

struct ncclComm {
  std::shared_ptr<Clique> clique;
  int rank;
  int in_progress = fake_nccl.in_progress;
  bool hangs = fake_nccl.init_hangs;
};

namespace {

NcclComm make(std::shared_ptr<Clique> clique, int rank) {
  ++fake_nccl.alive;
  return new ncclComm{std::move(clique), rank};
}

void send(NcclComm comm, int peer, const void* data, std::size_t bytes, cudaStream_t stream) {
  group.sends.push_back([=, clique = comm->clique, from = comm->rank] {
    enqueue(stream, [=] {
      const auto* const begin = static_cast<const std::byte*>(data);
      const std::lock_guard lock(clique->mutex);
      clique->messages[{from, peer}].emplace_back(begin, begin + bytes);
      clique->changed.notify_all();
    });
  });
}

void receive(NcclComm comm, int peer, void* data, std::size_t bytes, cudaStream_t stream) {
  group.receives.push_back([=, clique = comm->clique, me = comm->rank] {
    enqueue(stream, [=] {
      std::unique_lock lock(clique->mutex);
      auto& waiting = clique->messages[{peer, me}];
      clique->changed.wait(lock, [&] { return clique->aborted || !waiting.empty(); });
      if (clique->aborted) return;
      clique->damaged = clique->damaged || waiting.front().size() != bytes;
      std::memcpy(data, waiting.front().data(), std::min(bytes, waiting.front().size()));
      waiting.pop_front();
    });
  });
}

void issue(Group& ended) {
  for (const auto& work : ended.sends) work();
  for (const auto& work : ended.receives) work();
  ended.sends.clear();
  ended.receives.clear();
}

NcclResult end_if_alone() {
  if (group.depth == 0) issue(group);
  return NcclResult::kSuccess;
}

}  // namespace

extern "C" {

NcclResult ncclGetVersion(int* version) {
  *version = fake_nccl.version;
  return NcclResult::kSuccess;
}

NcclResult ncclGetUniqueId(NcclUniqueId* id) {
  note_caller();
  std::snprintf(id->bytes, sizeof(id->bytes), "id %d", ++fake_nccl.ids);
  return NcclResult::kSuccess;
}

NcclResult ncclCommInitRankConfig(NcclComm* comm, int size, NcclUniqueId id, int rank,
                                  NcclConfig* config) {
  note_caller();
  ++fake_nccl.inits;
  if (config->magic != 0xcafebeef || config->blocking != 0) return NcclResult::kInvalidArgument;
  if (fake_nccl.init_result != 0) return static_cast<NcclResult>(fake_nccl.init_result.load());
  *comm = make(join(id.bytes, size), rank);
  return NcclResult::kInProgress;
}

// Keys are members here, and colours 0 or none: what the caller uses.
NcclResult ncclCommSplit(NcclComm comm, int color, int key, NcclComm* split, NcclConfig* config) {
  note_caller();
  ++fake_nccl.splits;
  if (config->split_share != 1) return NcclResult::kInvalidArgument;
  static int calls = 0;
  const std::string id = "split " + std::to_string(split_number);
  if (color == 0) *split = make(join(id, comm->clique->size), key);
  if (++calls == comm->clique->size) {
    calls = 0;
    if (const auto clique = cliques[id].lock()) clique->size = clique->joined;
    ++split_number;
  }
  return NcclResult::kInProgress;
}

NcclResult ncclCommFinalize(NcclComm comm) {
  note_caller();
  return comm->clique->aborted ? NcclResult::kInvalidUsage : NcclResult::kInProgress;
}

NcclResult ncclCommDestroy(NcclComm comm) {
  note_caller();
  delete comm;
  ++fake_nccl.destroyed;
  --fake_nccl.alive;
  return NcclResult::kSuccess;
}

NcclResult ncclCommAbort(NcclComm comm) {
  note_caller();
  {
    const std::lock_guard lock(comm->clique->mutex);
    comm->clique->aborted = true;
    comm->clique->changed.notify_all();
  }
  delete comm;
  ++fake_nccl.aborted;
  --fake_nccl.alive;
  return NcclResult::kSuccess;
}

NcclResult ncclCommGetAsyncError(NcclComm comm, NcclResult* error) {
  note_caller();
  const std::lock_guard lock(comm->clique->mutex);
  *error = static_cast<NcclResult>(fake_nccl.async_result.load());
  if (comm->clique->damaged) *error = NcclResult::kInternalError;
  if (*error != NcclResult::kSuccess) return NcclResult::kSuccess;
  const bool waits =
      comm->hangs || comm->clique->joined < comm->clique->size || comm->in_progress > 0;
  if (comm->in_progress > 0) --comm->in_progress;
  if (waits) *error = NcclResult::kInProgress;
  return NcclResult::kSuccess;
}

const char* ncclGetErrorString(NcclResult result) {
  return result == NcclResult::kRemoteError ? "remote process exited" : "some error";
}

const char* ncclGetLastError(NcclComm) { return "the fake was told to"; }

NcclResult ncclGroupStart() {
  note_caller();
  ++group.depth;
  return NcclResult::kSuccess;
}

NcclResult ncclGroupEnd() {
  note_caller();
  --group.depth;
  return end_if_alone();
}

NcclResult ncclSend(const void* data, std::size_t count, NcclType, int peer, NcclComm comm,
                    cudaStream_t stream) {
  note_caller();
  send(comm, peer, data, count, stream);
  return end_if_alone();
}

NcclResult ncclRecv(void* data, std::size_t count, NcclType, int peer, NcclComm comm,
                    cudaStream_t stream) {
  note_caller();
  receive(comm, peer, data, count, stream);
  return end_if_alone();
}

NcclResult ncclAllGather(const void* data, void* gathered, std::size_t count, NcclType,
                         NcclComm comm, cudaStream_t stream) {
  note_caller();
  for (int peer = 0; peer < comm->clique->size; ++peer) {
    send(comm, peer, data, count, stream);
    receive(comm, peer, static_cast<std::byte*>(gathered) + static_cast<std::size_t>(peer) * count,
            count, stream);
  }
  return end_if_alone();
}
}
