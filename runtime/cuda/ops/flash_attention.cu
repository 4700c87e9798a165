// FlashAttention-2 (Dao, 2023, arXiv:2307.08691, algorithm 1) with Ampere's tensor core
// instructions: a block takes one head and 64 queries, a warp 16 of them, which stay in registers
// with their sums. Keys and values come through shared memory, 64 at a time; the keys of the next
// tile while the values of this one are multiplied, and the other way round. So one tile of each is
// enough, and a block needs less shared memory than a kernel may use unasked.
#include "runtime/cuda/ops/flash_attention.hpp"

#include <cmath>

#include "runtime/cuda/ops/device_helpers.hpp"

namespace regroup::cuda {
namespace {

constexpr int kThreads = 4 * kWarp;
constexpr int kWarpQueries = 16;  // rows of an mma
constexpr int kBlockQueries = kThreads / kWarp * kWarpQueries;
constexpr int kKeys = 64;  // of a tile
constexpr int kKeyFragments = kKeys / 8;

struct Call {
  AttentionShape shape;
  const Bf16* q;
  const Bf16* k;
  const Bf16* v;
  Bf16* o;
};

// A tile in shared memory: padded, so that eight rows lie in all 32 banks.
template <int kHeadDim>
constexpr int kPitch = kHeadDim + kVector;
template <int kHeadDim>
constexpr int kTileSize = (kHeadDim + kVector) * kKeys;

// A lane's part of what its warp keeps: of query rows g and g + 8, g = lane / 4, in the layout that
// mma_m16n8k16() wants of a and d.
template <int kHeadDim>
struct WarpState {
  std::uint32_t queries[kHeadDim / 16][4];
  float sums[kHeadDim / 8][4];  // of probability times value
  float max[2];                 // of scores so far, in units of log 2
  float total[2];               // of this lane's probabilities, relative to max
};

// Rows first, first + 1, ... of k or v of one head; zeros beyond the last.
template <int kHeadDim>
__device__ void load_tile(const Bf16* rows, std::int64_t pitch, int first, int count,
                          Bf16* shared) {
  constexpr int kRowVectors = kHeadDim / kVector, kRowsAtOnce = kThreads / kRowVectors;
  const int thread = static_cast<int>(threadIdx.x);
  const int row = thread / kRowVectors, column = thread % kRowVectors * kVector;
  const Bf16* from = rows + (first + row) * pitch + column;
  Bf16* const to = shared + row * kPitch<kHeadDim> + column;
  RG_UNROLL
  for (int i = 0; i < kKeys; i += kRowsAtOnce) {
    const bool valid = first + row + i < count;
    async_copy16(to + i * kPitch<kHeadDim>, valid ? from : rows, valid);
    from += kRowsAtOnce * pitch;
  }
  async_commit();
}

// Rows beyond the last query are zeros: their scores are, and nobody stores what comes of them.
template <int kHeadDim>
__device__ void load_queries(const Bf16* q, std::int64_t pitch, std::int64_t row,
                             std::int64_t count, std::uint32_t (&queries)[kHeadDim / 16][4]) {
  RG_UNROLL
  for (int k = 0; k < kHeadDim / 16; ++k) {
    RG_UNROLL
    for (int i = 0; i < 4; ++i) {
      const std::int64_t at = row + i % 2 * 8;
      const int column = k * 16 + i / 2 * 8 + lane_id() % 4 * 2;
      queries[k][i] =
          at < count ? *reinterpret_cast<const std::uint32_t*>(q + at * pitch + column) : 0;
    }
  }
}

// q k^T of the warp's queries and the tile's keys. A row of k is a column of the product's right
// side, so its fragments are loaded as they lie: two of eight keys each, in halves of eight
// columns.
template <int kHeadDim>
__device__ void score(const std::uint32_t (&queries)[kHeadDim / 16][4], const Bf16* keys,
                      float (&scores)[kKeyFragments][4]) {
  const int lane = lane_id();
  const Bf16* const mine =
      keys + (lane / 16 * 8 + lane % 8) * kPitch<kHeadDim> + lane / 8 % 2 * kVector;
  RG_UNROLL
  for (int n = 0; n < kKeyFragments; ++n) {
    RG_UNROLL
    for (int i = 0; i < 4; ++i) scores[n][i] = 0;
  }
  RG_UNROLL
  for (int k = 0; k < kHeadDim / 16; ++k) {
    RG_UNROLL
    for (int n = 0; n < kKeyFragments; n += 2) {
      std::uint32_t both[4];
      load_matrix_x4(both, mine + n * 8 * kPitch<kHeadDim> + k * 16);
      mma_m16n8k16(scores[n], queries[k], {both[0], both[1]});
      mma_m16n8k16(scores[n + 1], queries[k], {both[2], both[3]});
    }
  }
}

// Keys from `count` on are not there: their probability is exp2(-infinity), 0.
__device__ inline void mask(int count, float (&scores)[kKeyFragments][4]) {
  RG_UNROLL
  for (int n = 0; n < kKeyFragments; ++n) {
    RG_UNROLL
    for (int i = 0; i < 4; ++i)
      if (n * 8 + lane_id() % 4 * 2 + i % 2 >= count) scores[n][i] = -INFINITY;
  }
}

// Scores become probabilities relative to the largest score so far, and what was summed before is
// brought to the same measure by a factor. Every tile has a key, so the largest is finite.
template <int kHeadDim>
__device__ void online_softmax(float log2_scale, float (&scores)[kKeyFragments][4],
                               WarpState<kHeadDim>& state) {
  float factor[2];
  RG_UNROLL
  for (int r = 0; r < 2; ++r) {
    float largest = scores[0][2 * r];
    RG_UNROLL
    for (int n = 0; n < kKeyFragments; ++n)
      largest = fmaxf(largest, fmaxf(scores[n][2 * r], scores[n][2 * r + 1]));
    // The four lanes that share the row.
    largest = fmaxf(largest, shfl_xor(largest, 1));
    largest = fmaxf(largest, shfl_xor(largest, 2));
    largest = fmaxf(state.max[r], largest * log2_scale);
    factor[r] = fast_exp2(state.max[r] - largest);
    state.max[r] = largest;
    state.total[r] *= factor[r];
    RG_UNROLL
    for (int n = 0; n < kKeyFragments; ++n) {
      RG_UNROLL
      for (int i = 2 * r; i < 2 * r + 2; ++i) {
        scores[n][i] = fast_exp2(scores[n][i] * log2_scale - largest);
        state.total[r] += scores[n][i];
      }
    }
  }
  RG_UNROLL
  for (int d = 0; d < kHeadDim / 8; ++d) {
    RG_UNROLL
    for (int i = 0; i < 4; ++i) state.sums[d][i] *= factor[i / 2];
  }
}

// sums += probabilities v. Two fragments of probabilities as mma left them are one as mma takes it.
// Values are loaded transposed, because the product runs down their columns.
template <int kHeadDim>
__device__ void add_values(const float (&probabilities)[kKeyFragments][4], const Bf16* values,
                           float (&sums)[kHeadDim / 8][4]) {
  const int lane = lane_id();
  const Bf16* const mine = values + lane % 16 * kPitch<kHeadDim> + lane / 16 * kVector;
  RG_UNROLL
  for (int k = 0; k < kKeys / 16; ++k) {
    const float(&low)[4] = probabilities[2 * k];
    const float(&high)[4] = probabilities[2 * k + 1];
    const std::uint32_t left[4] = {pack_bf16(low[0], low[1]), pack_bf16(low[2], low[3]),
                                   pack_bf16(high[0], high[1]), pack_bf16(high[2], high[3])};
    RG_UNROLL
    for (int d = 0; d < kHeadDim / 8; d += 2) {
      std::uint32_t both[4];
      load_matrix_x4_transposed(both, mine + k * 16 * kPitch<kHeadDim> + d * 8);
      mma_m16n8k16(sums[d], left, {both[0], both[1]});
      mma_m16n8k16(sums[d + 1], left, {both[2], both[3]});
    }
  }
}

template <int kHeadDim>
__device__ void store(const WarpState<kHeadDim>& state, std::int64_t pitch, std::int64_t row,
                      std::int64_t count, Bf16* o) {
  RG_UNROLL
  for (int r = 0; r < 2; ++r) {
    float total = state.total[r];
    total += shfl_xor(total, 1);
    total += shfl_xor(total, 2);
    const std::int64_t at = row + r * 8;
    if (at >= count) continue;
    Bf16* const to = o + at * pitch + lane_id() % 4 * 2;
    RG_UNROLL
    for (int d = 0; d < kHeadDim / 8; ++d)
      *reinterpret_cast<std::uint32_t*>(to + d * 8) =
          pack_bf16(state.sums[d][2 * r] / total, state.sums[d][2 * r + 1] / total);
  }
}

template <int kHeadDim>
RG_KERNEL __launch_bounds__(kThreads, 3) void attention_kernel(const __grid_constant__ Call call) {
  RG_DYNAMIC_SHARED(Bf16, keys);
  Bf16* const values = keys + kTileSize<kHeadDim>;
  const AttentionShape& s = call.shape;
  const std::int64_t head = blockIdx.y;
  const Bf16* const k = call.k + head * s.k_head;
  const Bf16* const v = call.v + head * s.v_head;
  const std::int64_t row = std::int64_t{blockIdx.x} * kBlockQueries +
                           static_cast<int>(threadIdx.x) / kWarp * kWarpQueries + lane_id() / 4;
  const int count = static_cast<int>(s.keys);      // more than an int holds fit no GPU
  const float log2_scale = s.scale * 1.44269504f;  // log2(e)

  load_tile<kHeadDim>(k, s.k_row, 0, count, keys);
  WarpState<kHeadDim> state = {};
  state.max[0] = state.max[1] = -INFINITY;
  load_queries<kHeadDim>(call.q + head * s.q_head, s.q_row, row, s.queries, state.queries);
  for (int first = 0; first < count; first += kKeys) {
    async_wait<0>();
    block_sync();  // all keys have come, and no warp still reads values
    load_tile<kHeadDim>(v, s.v_row, first, count, values);
    float scores[kKeyFragments][4];
    score<kHeadDim>(state.queries, keys, scores);
    if (count - first < kKeys) mask(count - first, scores);
    async_wait<0>();
    block_sync();  // all values have come, and no warp still reads keys
    if (first + kKeys < count) load_tile<kHeadDim>(k, s.k_row, first + kKeys, count, keys);
    online_softmax(log2_scale, scores, state);
    add_values<kHeadDim>(scores, values, state.sums);
  }
  store(state, s.o_row, row, s.queries, call.o + head * s.o_head);
}

template <int kHeadDim>
void launch_blocks(cudaStream_t stream, const Call& call) {
  const std::int64_t blocks = (call.shape.queries + kBlockQueries - 1) / kBlockQueries;
  constexpr std::size_t kSharedBytes = 2 * sizeof(Bf16) * kTileSize<kHeadDim>;
  static_assert(kSharedBytes <= 48 * 1024, "more would have to be asked for");
  launch(attention_kernel<kHeadDim>,
         {dim3(static_cast<unsigned>(blocks), static_cast<unsigned>(call.shape.heads)),
          dim3(kThreads), kSharedBytes},
         stream, call);
}

}  // namespace

bool flash_attention_supports(const AttentionShape& shape) {
  return shape.head_dim == 64 || shape.head_dim == 128;
}

void flash_attention(cudaStream_t stream, const AttentionShape& shape, const Bf16* q, const Bf16* k,
                     const Bf16* v, Bf16* o) {
  if (shape.queries == 0) return;
  const Call call{shape, q, k, v, o};
  if (shape.head_dim == 64)
    launch_blocks<64>(stream, call);
  else
    launch_blocks<128>(stream, call);
}

}  // namespace regroup::cuda
