// A block computes a tile of y. Tiles of x and w come into shared memory in the background, three
// steps of k in flight; each warp multiplies its part of the tile on the tensor cores.
//
// Sums go along k in one order, sixteen at a time, whatever the tile: a row of y is the same
// however many rows there are.
#include "runtime/cuda/gpu/arming.hpp"
#include "runtime/cuda/ops/device_helpers.hpp"
#include "runtime/cuda/ops/gemm.hpp"
#include "runtime/cuda/ops/prepared.hpp"
#include "runtime/cuda/ops/shape_checks.hpp"

namespace regroup::cuda {
namespace {

constexpr int kDepth = 32;                // of k, one step
constexpr int kPitch = kDepth + kVector;  // in shared memory: eight rows then lie in all 32 banks
constexpr int kSteps = 3;                 // in shared memory at once
constexpr int kRowVectors = kDepth / kVector;

struct Call {
  GemmShape shape;
  GemmOperands operands;
};

// kRows x kCols of y by kWarpRows x kWarpCols warps.
template <int kTileRows, int kTileCols, int kWarpRows, int kWarpCols>
struct Tile {
  static constexpr int kRows = kTileRows, kCols = kTileCols;
  static constexpr int kThreads = kWarpRows * kWarpCols * kWarp;
  static constexpr int kStepSize = (kRows + kCols) * kPitch;
  static constexpr std::size_t kSharedBytes = sizeof(Bf16) * kSteps * kStepSize;
  // Of a warp, in fragments of 16 x 8.
  static constexpr int kRowFragments = kRows / kWarpRows / 16;
  static constexpr int kColFragments = kCols / kWarpCols / 8;

  __device__ static int warp_row() { return warp() / kWarpCols * kRowFragments * 16; }
  __device__ static int warp_col() { return warp() % kWarpCols * kColFragments * 8; }

 private:
  __device__ static int warp() { return static_cast<int>(threadIdx.x) / kWarp; }
};
using Large = Tile<128, 128, 2, 4>;
using Small = Tile<64, 64, 2, 2>;

// Rows first, first + 1, ... of a matrix at columns k, k + 1, ... into shared memory; zeros beyond
// its ends.
template <int kRows, int kThreads>
__device__ void load_tile(const Bf16* matrix, std::int64_t rows, std::int64_t cols,
                          std::int64_t pitch, std::int64_t first, std::int64_t k, Bf16* shared) {
  for (int i = static_cast<int>(threadIdx.x); i < kRows * kRowVectors; i += kThreads) {
    const int row = i / kRowVectors, column = i % kRowVectors * kVector;
    const bool valid = first + row < rows && k + column < cols;
    const Bf16* const from = valid ? matrix + (first + row) * pitch + k + column : matrix;
    async_copy16(shared + row * kPitch + column, from, valid);
  }
}

// Starts the copies of one step; an empty group past the last, so that groups count steps.
template <class T>
__device__ void load_step(const Call& call, std::int64_t step, Bf16* shared) {
  const GemmShape& s = call.shape;
  const std::int64_t k = step * kDepth;
  if (k < s.k) {
    Bf16* const to = shared + step % kSteps * T::kStepSize;
    load_tile<T::kRows, T::kThreads>(call.operands.x, s.m, s.k, s.ldx,
                                     std::int64_t{blockIdx.x} * T::kRows, k, to);
    load_tile<T::kCols, T::kThreads>(call.operands.w, s.n, s.k, s.ldw,
                                     std::int64_t{blockIdx.y} * T::kCols, k,
                                     to + T::kRows * kPitch);
  }
  async_commit();
}

// One step of the warp's part.
template <class T>
__device__ void multiply_step(const Bf16* shared,
                              float (&sums)[T::kRowFragments][T::kColFragments][4]) {
  const int lane = lane_id();
  // The eight numbers that this lane points ldmatrix at. Of x, its four matrices are a fragment's
  // (rows 0 to 7, columns 0 to 7), then the rows below, then both again eight columns on. Of w,
  // they are two fragments of eight rows, each in two halves of eight columns.
  const Bf16* const x = shared + (T::warp_row() + lane % 16) * kPitch + lane / 16 * 8;
  const Bf16* const w =
      shared + (T::kRows + T::warp_col() + lane / 16 * 8 + lane % 8) * kPitch + lane / 8 % 2 * 8;
  for (int k = 0; k < kDepth; k += 16) {
    std::uint32_t rows[T::kRowFragments][4], cols[T::kColFragments / 2][4];
    RG_UNROLL
    for (int r = 0; r < T::kRowFragments; ++r) load_matrix_x4(rows[r], x + r * 16 * kPitch + k);
    RG_UNROLL
    for (int c = 0; c < T::kColFragments / 2; ++c) load_matrix_x4(cols[c], w + c * 16 * kPitch + k);
    RG_UNROLL
    for (int r = 0; r < T::kRowFragments; ++r) {
      RG_UNROLL
      for (int c = 0; c < T::kColFragments; ++c) {
        const std::uint32_t fragment[2] = {cols[c / 2][c % 2 * 2], cols[c / 2][c % 2 * 2 + 1]};
        mma_m16n8k16(sums[r][c], rows[r], fragment);
      }
    }
  }
}

// Two neighbouring numbers of y.
__device__ void store_pair(const Call& call, std::int64_t row, std::int64_t col, float first,
                           float second) {
  const GemmShape& s = call.shape;
  if (row >= s.m || col >= s.n) return;
  if (s.epilogue != GemmEpilogue::kNone) {
    first += to_float(call.operands.bias[col]);
    second += to_float(call.operands.bias[col + 1]);
  }
  if (s.epilogue == GemmEpilogue::kBiasGelu) {
    first = gelu_tanh(first);
    second = gelu_tanh(second);
  }
  const std::int64_t at = row * s.ldy + col;
  if (s.float_out) {
    float2* const y = reinterpret_cast<float2*>(static_cast<float*>(call.operands.y) + at);
    const float2 before = s.accumulate ? *y : make_float2(0, 0);
    *y = make_float2(before.x + first, before.y + second);
  } else {
    std::uint32_t* const y =
        reinterpret_cast<std::uint32_t*>(static_cast<Bf16*>(call.operands.y) + at);
    const std::uint32_t before = s.accumulate ? *y : 0;
    *y = pack_bf16(first_of(before) + first, second_of(before) + second);
  }
}

template <class T>
RG_KERNEL __launch_bounds__(T::kThreads, 2) void gemm_kernel(const __grid_constant__ Call call) {
  RG_DYNAMIC_SHARED(Bf16, shared);
  float sums[T::kRowFragments][T::kColFragments][4] = {};
  const std::int64_t steps = (call.shape.k + kDepth - 1) / kDepth;
  for (std::int64_t step = 0; step < kSteps - 1; ++step) load_step<T>(call, step, shared);
  for (std::int64_t step = 0; step < steps; ++step) {
    async_wait<kSteps - 2>();
    block_sync();  // all have this step's numbers, and none still reads those of the last
    load_step<T>(call, step + kSteps - 1, shared);
    multiply_step<T>(shared + step % kSteps * T::kStepSize, sums);
  }
  const std::int64_t first_row =
      std::int64_t{blockIdx.x} * T::kRows + T::warp_row() + lane_id() / 4;
  const std::int64_t first_col =
      std::int64_t{blockIdx.y} * T::kCols + T::warp_col() + lane_id() % 4 * 2;
  RG_UNROLL
  for (int r = 0; r < T::kRowFragments; ++r) {
    RG_UNROLL
    for (int c = 0; c < T::kColFragments; ++c) {
      const std::int64_t row = first_row + r * 16, col = first_col + c * 8;
      store_pair(call, row, col, sums[r][c][0], sums[r][c][1]);
      store_pair(call, row + 8, col, sums[r][c][2], sums[r][c][3]);
    }
  }
}

unsigned tiles(std::int64_t count, int size) {
  return static_cast<unsigned>((count + size - 1) / size);
}

template <class T>
void allow_shared() {
  check(cudaFuncSetAttribute(gemm_kernel<T>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             static_cast<int>(T::kSharedBytes)),
        "giving the product kernel its shared memory");
}

template <class T>
void launch_tiles(cudaStream_t stream, const Call& call) {
  const LaunchShape shape{dim3(tiles(call.shape.m, T::kRows), tiles(call.shape.n, T::kCols)),
                          dim3(T::kThreads), T::kSharedBytes};
  launch(gemm_kernel<T>, shape, stream, call);
}

class PlainGemm final : public Gemm {
 public:
  void prepare(const GemmShape& shape) override {
    if (prepared_.find(shape) != nullptr) return;
    forbid_if_armed("preparing a product");
    const GemmShape full = checked(shape);
    allow_shared<Large>();
    allow_shared<Small>();
    // Large tiles need fewer bytes for a product, once there are enough of them to keep a GPU busy.
    constexpr std::int64_t kEnough = 128;
    const bool large = (full.m / Large::kRows) * (full.n / Large::kCols) >= kEnough;
    prepared_.add(shape, {full, large});
  }

  void run(cudaStream_t stream, const GemmShape& shape, const GemmOperands& operands) override {
    const Plan* const plan = prepared_.find(shape);
    if (plan == nullptr) refuse_unprepared(shape);
    if (shape.m == 0) return;
    if (plan->large)
      launch_tiles<Large>(stream, {plan->shape, operands});
    else
      launch_tiles<Small>(stream, {plan->shape, operands});
  }

  std::string name() const override { return "own kernels"; }

 private:
  struct Plan {
    GemmShape shape;
    bool large;
  };
  Prepared<GemmShape, Plan> prepared_;
};

}  // namespace

std::unique_ptr<Gemm> plain_gemm() { return std::make_unique<PlainGemm>(); }

}  // namespace regroup::cuda
