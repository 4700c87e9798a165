// What the threads of a block do together: barriers, warp functions, tensor cores. The layouts are
// those of the PTX ISA, "Matrix Fragments for mma.m16n8k16" and "ldmatrix".
#include <algorithm>

#include "runtime/cuda/emulator/block.hpp"
#include "runtime/cuda/portable/device_code.hpp"

namespace regroup::cuda {
namespace emulator {
namespace {

using Lanes = std::array<void*, kWarp>;

template <class Lane>
Lane& lane_of(const Lanes& lanes, int lane) {
  return *static_cast<Lane*>(lanes[static_cast<std::size_t>(lane)]);
}

struct Exchange {
  std::uint64_t value;
  int source;
  std::uint64_t result;
};
constexpr WarpOperation kExchange{"shfl()", [](const Lanes& lanes) {
                                    for (int i = 0; i < kWarp; ++i) {
                                      auto& lane = lane_of<Exchange>(lanes, i);
                                      lane.result =
                                          lane_of<Exchange>(lanes, lane.source % kWarp).value;
                                    }
                                  }};

struct Vote {
  bool given;
  std::uint32_t result;
};
constexpr WarpOperation kBallot{"ballot()", [](const Lanes& lanes) {
                                  std::uint32_t all = 0;
                                  for (int i = 0; i < kWarp; ++i)
                                    all |= static_cast<std::uint32_t>(lane_of<Vote>(lanes, i).given)
                                           << i;
                                  for (int i = 0; i < kWarp; ++i)
                                    lane_of<Vote>(lanes, i).result = all;
                                }};

constexpr WarpOperation kWarpSync{"warp_sync()", [](const Lanes&) {}};

struct MatrixLoad {
  const void* row;
  int matrices;
  bool transposed;
  std::uint32_t* to;
};

std::uint16_t element(const Lanes& lanes, int matrix, int row, int column) {
  const void* const at = lane_of<MatrixLoad>(lanes, matrix * 8 + row).row;
  std::uint16_t bits;
  std::memcpy(&bits, static_cast<const std::byte*>(at) + column * 2, sizeof(bits));
  return bits;
}

void load_matrices(const Lanes& lanes) {
  for (int i = 0; i < kWarp; ++i) {
    const auto& lane = lane_of<MatrixLoad>(lanes, i);
    const int along = i % 4 * 2;
    for (int m = 0; m < lane.matrices; ++m) {
      const std::uint32_t first =
          lane.transposed ? element(lanes, m, along, i / 4) : element(lanes, m, i / 4, along);
      const std::uint32_t second = lane.transposed ? element(lanes, m, along + 1, i / 4)
                                                   : element(lanes, m, i / 4, along + 1);
      lane.to[m] = second << 16 | first;
    }
  }
}
constexpr WarpOperation kMatrixLoads[] = {{"load_matrix_x2()", &load_matrices},
                                          {"load_matrix_x4()", &load_matrices},
                                          {"load_matrix_x2_transposed()", &load_matrices},
                                          {"load_matrix_x4_transposed()", &load_matrices}};

void load(int matrices, bool transposed, const void* row, std::uint32_t* to) {
  Block& block = Block::mine();
  const bool asked = block.lane() < matrices * 8;
  if (asked && reinterpret_cast<std::uintptr_t>(row) % 16 != 0)
    block.fail("load_matrix: the address of a row is not a multiple of 16");
  MatrixLoad lane{row, matrices, transposed, to};
  block.in_warp(kMatrixLoads[(matrices == 4 ? 1 : 0) + (transposed ? 2 : 0)], &lane);
}

struct Multiplication {
  float* d;
  const std::uint32_t* a;
  const std::uint32_t* b;
};

void multiply(const Lanes& lanes) {
  float a[16][16];
  float b[16][8];
  for (int i = 0; i < kWarp; ++i) {
    const auto& lane = lane_of<Multiplication>(lanes, i);
    const int g = i / 4;
    const int t = i % 4;
    for (int r = 0; r < 4; ++r) {
      const int row = g + r % 2 * 8;
      const int column = 2 * t + r / 2 * 8;
      a[row][column] = first_of(lane.a[r]);
      a[row][column + 1] = second_of(lane.a[r]);
    }
    for (int r = 0; r < 2; ++r) {
      b[2 * t + r * 8][g] = first_of(lane.b[r]);
      b[2 * t + r * 8 + 1][g] = second_of(lane.b[r]);
    }
  }
  float d[16][8] = {};
  for (int row = 0; row < 16; ++row)
    for (int k = 0; k < 16; ++k)
      for (int column = 0; column < 8; ++column) d[row][column] += a[row][k] * b[k][column];
  for (int i = 0; i < kWarp; ++i)
    for (int r = 0; r < 4; ++r)
      lane_of<Multiplication>(lanes, i).d[r] += d[i / 4 + r / 2 * 8][i % 4 * 2 + r % 2];
}
constexpr WarpOperation kMultiply{"mma_m16n8k16()", &multiply};

}  // namespace

std::uint64_t exchange_in_warp(std::uint64_t value, int source) {
  Exchange lane{value, source, 0};
  Block::mine().in_warp(kExchange, &lane);
  return lane.result;
}

}  // namespace emulator

void block_sync() { emulator::Block::mine().sync(); }
void warp_sync() { emulator::Block::mine().in_warp(emulator::kWarpSync, nullptr); }
int lane_id() { return emulator::Block::mine().lane(); }

std::uint32_t ballot(bool given) {
  emulator::Vote lane{given, 0};
  emulator::Block::mine().in_warp(emulator::kBallot, &lane);
  return lane.result;
}

void load_matrix_x2(std::uint32_t (&to)[2], const void* row) { emulator::load(2, false, row, to); }
void load_matrix_x4(std::uint32_t (&to)[4], const void* row) { emulator::load(4, false, row, to); }
void load_matrix_x2_transposed(std::uint32_t (&to)[2], const void* row) {
  emulator::load(2, true, row, to);
}
void load_matrix_x4_transposed(std::uint32_t (&to)[4], const void* row) {
  emulator::load(4, true, row, to);
}

void mma_m16n8k16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  emulator::Multiplication lane{d, a, b};
  emulator::Block::mine().in_warp(emulator::kMultiply, &lane);
}

}  // namespace regroup::cuda
