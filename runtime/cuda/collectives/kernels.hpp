// What is launched. Every call only enqueues on `stream`; throws CudaError. C++17, for .cu files.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/cuda/collectives/device_rank.hpp"
#include "runtime/cuda/portable/cuda.hpp"

namespace regroup::cuda {

// One warp each, lane i with the edge to member i (or rank i). They return at once if the rank has
// failed, and record a failure if they find one.

// The two halves of meeting the other members of a collective, in one kernel or in two.
enum class Meet : std::uint8_t { kNotify = 1, kAwait = 2, kBoth = 3 };
void launch_meet(cudaStream_t stream, const Endpoint& at, const Operation& operation, int slot,
                 Meet halves);
// Waits for the readers of a staging slot.
void launch_reserve(cudaStream_t stream, const Endpoint& at, int slot);
// Waits until a notice may be written to every receiver.
void launch_claim(cudaStream_t stream, const Endpoint& at, const Operation& operation);
// Waits for the source's notice, and acknowledges it.
void launch_receive(cudaStream_t stream, const Endpoint& at, const Operation& operation);

// Many blocks each. The last one to finish tells the peers.

// Takes from all members, after launch_meet.
void launch_take(cudaStream_t stream, const Endpoint& at, const Operation& operation,
                 std::byte* output, int blocks);
// Writes to all receivers, after launch_claim.
void launch_put(cudaStream_t stream, const Endpoint& at, const Operation& operation,
                const std::byte* data, int blocks);

}  // namespace regroup::cuda
