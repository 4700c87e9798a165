#include "runtime/cuda/nccl/parcels.hpp"

#include <gtest/gtest.h>

namespace regroup::cuda {
namespace {

using collectives::Op;
using collectives::TensorShape;

TEST(Parcels, WhatAMemberSendsIsWhatThePeerReceives) {
  const TensorShape shapes[] = {{7, 5, 3, 3, 2}, {16, 8, 4, 1}, {3, 2, 1, 2}, {1, 1, 1, 1}};
  for (const TensorShape& shape : shapes)
    for (const Op op : {Op::kAllGather, Op::kSeqToHeads, Op::kHeadsToSeq})
      for (int size = 2; size <= 6; ++size)
        for (int a = 0; a < size; ++a)
          for (int b = 0; b < size; ++b) {
            std::uint64_t out = 0;
            std::uint64_t in = 0;
            EXPECT_EQ(parcel_of({op, shape, size, a}, Way::kOut, b, out).bytes(),
                      parcel_of({op, shape, size, b}, Way::kIn, a, in).bytes());
          }
}

TEST(Parcels, WhatLiesInOnePieceIsNotPacked) {
  const TensorShape one{12, 4, 8, 1};
  const TensorShape three{12, 4, 8, 3};
  for (int me = 0; me < 3; ++me) {
    // Everybody takes all that I have; it goes into one piece of the whole, or one of each tensor.
    EXPECT_EQ(parcel_bytes({Op::kAllGather, one, 3, me}, Way::kOut), 0u);
    EXPECT_EQ(parcel_bytes({Op::kAllGather, one, 3, me}, Way::kIn), 0u);
    EXPECT_EQ(parcel_bytes({Op::kAllGather, three, 3, me}, Way::kOut), 0u);
    EXPECT_EQ(parcel_bytes({Op::kAllGather, three, 3, me}, Way::kIn),
              parcel_bytes({Op::kAllGather, three, 3, 0}, Way::kIn));
    EXPECT_GT(parcel_bytes({Op::kAllGather, three, 3, me}, Way::kIn), 0u);
    // Some of the heads of each of my tokens; they arrive as whole tokens of my heads.
    EXPECT_GT(parcel_bytes({Op::kSeqToHeads, one, 3, me}, Way::kOut), 0u);
    EXPECT_EQ(parcel_bytes({Op::kSeqToHeads, one, 3, me}, Way::kIn), 0u);
    EXPECT_EQ(parcel_bytes({Op::kHeadsToSeq, one, 3, me}, Way::kOut), 0u);
    EXPECT_GT(parcel_bytes({Op::kHeadsToSeq, one, 3, me}, Way::kIn), 0u);
  }
}

TEST(Parcels, FitIntoTheMemoryForThem) {
  const TensorShape shape{13, 7, 5, 3, 4};
  for (const Op op : {Op::kAllGather, Op::kSeqToHeads, Op::kHeadsToSeq})
    for (int size = 2; size <= 8; ++size)
      for (int me = 0; me < size; ++me) {
        const Transfer transfer{op, shape, size, me};
        EXPECT_LE(parcel_bytes(transfer, Way::kOut),
                  parcel_memory(collectives::input_bytes(op, shape, size, me)));
        EXPECT_LE(parcel_bytes(transfer, Way::kIn),
                  parcel_memory(collectives::output_bytes(op, shape, size, me)));
      }
}

}  // namespace
}  // namespace regroup::cuda
