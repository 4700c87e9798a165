#include "runtime/collectives/tensor_blocks.hpp"

#include <gtest/gtest.h>

#include "runtime/collectives/block_copy.hpp"
#include "tests/collectives/oracle.hpp"

namespace regroup::collectives {
namespace {

using testing::Bytes;
using testing::Oracle;

constexpr Op kMoving[] = {Op::kAllGather, Op::kSeqToHeads, Op::kHeadsToSeq};

// FLUX at 1024 x 1024 on 8 ranks: 4608 tokens of 24 heads of 256 bytes. Checked by hand.
constexpr TensorShape kFlux{4608, 24, 256, 3};
static_assert(block_of(Op::kSeqToHeads, kFlux, 8, 2, 5).run == 3 * 256);
static_assert(block_of(Op::kSeqToHeads, kFlux, 8, 2, 5).rows == 576);
static_assert(block_of(Op::kSeqToHeads, kFlux, 8, 2, 5).from.offset == 6 * 256);
static_assert(block_of(Op::kSeqToHeads, kFlux, 8, 2, 5).to.offset == 5 * 576 * 3 * 256);
// With its 512 tokens of text dealt for themselves, 3 members have 171 + 1366, 171 + 1365, 170 +
// 1365.
constexpr TensorShape kJoint{4608, 24, 256, 3, 512};
static_assert(own_tokens(kJoint, 3, 0) == 1537 && own_tokens(kJoint, 3, 2) == 1535);
static_assert(first_token(kJoint, 3, 2) == 1537 + 1536 && first_token(kJoint, 3, 3) == 4608);
static_assert(block_of(Op::kAllGather, kJoint, 3, 0, 1).to.offset == 1537 * 24 * 256);
static_assert(!(kJoint == kFlux));
static_assert(input_bytes(Op::kSeqToHeads, kFlux, 8, 7) == kFlux.bytes() / 8);

// Every byte that the block reaches, at one end.
template <class Visit>
void for_each_byte(const Block& block, const Strided& end, Visit visit) {
  for (std::uint64_t plane = 0; plane < block.planes; ++plane)
    for (std::uint64_t row = 0; row < block.rows; ++row)
      for (std::uint64_t i = 0; i < block.run; ++i)
        visit(end.offset + plane * end.plane + row * end.row + i);
}

void check_shape(Op op, const TensorShape& shape, int size) {
  const Oracle oracle(shape, size, 7);
  for (int me = 0; me < size; ++me) {
    const Bytes expected = oracle.output(op, me);
    ASSERT_EQ(output_bytes(op, shape, size, me), expected.size());
    Bytes output(expected.size());
    std::vector<int> written(expected.size(), 0);
    for (int peer = 0; peer < size; ++peer) {
      const Bytes input = oracle.input(op, peer);
      ASSERT_EQ(input_bytes(op, shape, size, peer), input.size());
      ASSERT_LE(input.size(), input_bytes(op, shape, size, 0));
      const Block block = block_of(op, shape, size, me, peer);
      for_each_byte(block, block.from, [&](std::uint64_t at) { ASSERT_LT(at, input.size()); });
      for_each_byte(block, block.to, [&](std::uint64_t at) { ++written.at(at); });
      copy_block(block, input.data(), output.data());
      ASSERT_EQ(checksum(block, block.from, input.data()),
                checksum(block, block.to, output.data()));
    }
    ASSERT_EQ(output, expected);
    ASSERT_EQ(written, std::vector<int>(expected.size(), 1));
  }
}

TEST(TensorBlocks, FillEveryOutputOnceWithTheRightBytes) {
  for (const Op op : kMoving)
    for (int size = 1; size <= 6; ++size)
      for (std::uint64_t tokens = 0; tokens <= 8; ++tokens)
        for (std::uint32_t heads = 1; heads <= 7; ++heads)
          for (const std::uint32_t head_bytes : {1u, 3u})
            for (const std::uint32_t tensors : {1u, 2u}) {
              const TensorShape shape{tokens, heads, head_bytes, tensors};
              SCOPED_TRACE(::testing::Message()
                           << "op " << int(op) << ", " << size << " members, " << tensors << " x "
                           << tokens << " x " << heads << " x " << head_bytes);
              ASSERT_NO_FATAL_FAILURE(check_shape(op, shape, size));
            }
}

TEST(TensorBlocks, TwoKindsOfTokens) {
  for (const Op op : kMoving)
    for (int size = 1; size <= 5; ++size)
      for (std::uint64_t tokens = 0; tokens <= 11; ++tokens)
        for (std::uint32_t leading = 0; leading <= tokens; ++leading)
          for (const std::uint32_t heads : {1u, 3u, 6u}) {
            SCOPED_TRACE(::testing::Message() << "op " << int(op) << ", " << size << " members, "
                                              << leading << " of " << tokens << " tokens");
            ASSERT_NO_FATAL_FAILURE(check_shape(op, {tokens, heads, 2, 2, leading}, size));
          }
}

TEST(TensorBlocks, SixteenMembers) {
  for (const Op op : kMoving)
    for (const std::uint64_t tokens : {1u, 15u, 16u, 17u, 33u})
      for (const std::uint32_t heads : {12u, 16u, 24u})
        ASSERT_NO_FATAL_FAILURE(check_shape(op, {tokens, heads, 2, 3}, 16));
}

TEST(TensorBlocks, OtherOperationsMoveNothing) {
  EXPECT_EQ(block_of(Op::kBarrier, kFlux, 4, 0, 1).bytes(), 0u);
  EXPECT_EQ(input_bytes(Op::kBarrier, kFlux, 4, 0), 0u);
  EXPECT_EQ(output_bytes(Op::kBarrier, kFlux, 4, 0), 0u);
}

TEST(Checksum, NoticesEverySingleBitAndAnExchange) {
  const Block block{11, 3, 2, {1, 12, 40}, {0, 11, 33}};
  Bytes buffer(80);
  for (std::size_t i = 0; i < buffer.size(); ++i) buffer[i] = static_cast<std::byte>(mix64(i));
  const std::uint64_t sum = checksum(block, block.from, buffer.data());
  for_each_byte(block, block.from, [&](std::uint64_t at) {
    for (int bit = 0; bit < 8; ++bit) {
      buffer[at] ^= std::byte{1} << bit;
      EXPECT_NE(checksum(block, block.from, buffer.data()), sum) << at << "." << bit;
      buffer[at] ^= std::byte{1} << bit;
    }
  });
  buffer[0] ^= std::byte{1};  // outside of the block
  EXPECT_EQ(checksum(block, block.from, buffer.data()), sum);
  std::swap_ranges(buffer.begin() + 1, buffer.begin() + 12, buffer.begin() + 13);
  EXPECT_NE(checksum(block, block.from, buffer.data()), sum);
}

}  // namespace
}  // namespace regroup::collectives
