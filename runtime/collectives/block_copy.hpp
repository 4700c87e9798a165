// Carrying out a block on the host.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/collectives/tensor_blocks.hpp"

namespace regroup::collectives {

// Copies the block between two buffers that do not overlap. Each must hold all the block reaches.
void copy_block(const Block& block, const std::byte* from, std::byte* to);

// Of the block's bytes as they lie at one end, `block.from` or `block.to`; the same at both ends if
// the bytes are. One wrong byte always changes it, more do with near certainty. Never 0.
std::uint64_t checksum(const Block& block, const Strided& end, const std::byte* buffer);

}  // namespace regroup::collectives
