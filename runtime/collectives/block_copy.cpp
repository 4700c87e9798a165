#include "runtime/collectives/block_copy.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace regroup::collectives {
namespace {

// Both steps can be undone for a given word, and for a given sum: a single wrong word always shows.
std::uint64_t add_word(std::uint64_t sum, std::uint64_t word) {
  return std::rotl((sum ^ word) * 0x9e3779b97f4a7c15u, 29);
}

std::uint64_t add_run(std::uint64_t sum, const std::byte* bytes, std::uint64_t size) {
  for (std::uint64_t done = 0; done < size; done += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + done, std::min<std::uint64_t>(sizeof word, size - done));
    sum = add_word(sum, word);
  }
  return sum;
}

}  // namespace

void copy_block(const Block& block, const std::byte* from, std::byte* to) {
  if (block.run == 0) return;
  for (std::uint64_t plane = 0; plane < block.planes; ++plane) {
    const std::byte* source = from + block.from.offset + plane * block.from.plane;
    std::byte* target = to + block.to.offset + plane * block.to.plane;
    for (std::uint64_t row = 0; row < block.rows; ++row)
      std::memcpy(target + row * block.to.row, source + row * block.from.row, block.run);
  }
}

std::uint64_t checksum(const Block& block, const Strided& end, const std::byte* buffer) {
  std::uint64_t sum = 0;
  for (std::uint64_t plane = 0; plane < block.planes; ++plane)
    for (std::uint64_t row = 0; row < block.rows; ++row)
      sum = add_run(sum, buffer + end.offset + plane * end.plane + row * end.row, block.run);
  return sum == 0 ? 1 : sum;
}

}  // namespace regroup::collectives
