// What the ranks of one step say to each other, as the step program needs it: the device's end of
// runtime/dit/collectives.hpp. C++17.
#pragma once

#include <cstddef>

#include "runtime/collectives/heap.hpp"
#include "runtime/collectives/tensor_blocks.hpp"
#include "runtime/cuda/portable/cuda.hpp"

namespace regroup::cuda {

// Which of a rank's groups takes part. Rank r of a cfg x ulysses layout has branch r / ulysses and
// piece r % ulysses of the sequence.
enum class Among : std::uint8_t {
  kBranch,  // the `ulysses` ranks of its guidance branch, in order of their pieces
  kPair,    // with cfg 2: the two ranks that hold the same piece, branch 0 first
  kAll,     // all of the step
};

// One exchange of a step, the same at every member of the group that takes part. Its input lies in
// a staging slot, its output wherever the program wants it.
//
//   kSeqToHeads  [3][own tokens][heads][dim] bf16 -> [3][tokens][own heads][dim], among kBranch
//   kHeadsToSeq  [tokens][own heads][dim] bf16 -> [own tokens][heads][dim], among kBranch
//   kAllGather   the pair's velocities or the branch's latents, fp32
//
// `shape.leading` tokens are text and the others latents; each member holds its share of either,
// its text first, dealt as in collectives/shards.hpp.
struct Exchange {
  collectives::Op op = collectives::Op::kNone;
  Among among = Among::kBranch;
  collectives::TensorShape shape;
  int slot = 0;
  std::byte* output = nullptr;  // device memory of this rank, 16-byte aligned
};

// One rank's exchanges; used by that rank's thread. Every call only enqueues on `stream`, which is
// always the same one, allocates nothing, and may be captured into a CUDA graph where the
// implementation says so. Who the members are is not said here: an implementation reads it when the
// work is carried out (StepParameters) or was told before, so that a graph serves every group.
// Throws CudaError or NcclError when enqueueing fails; a peer that fails shows later, elsewhere.
class Exchanges {
 public:
  virtual ~Exchanges() = default;

  // Where kernels write the input of an exchange; slot 0 .. kStagingSlots - 1. The address never
  // changes.
  virtual std::byte* staging(int slot) = 0;
  // To be enqueued before anything is written into the slot: waits until all readers have taken
  // what it held last.
  virtual void reserve(cudaStream_t stream, int slot) = 0;
  // What is enqueued after it sees the output.
  virtual void exchange(cudaStream_t stream, const Exchange& exchange) = 0;
};

}  // namespace regroup::cuda
