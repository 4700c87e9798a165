// What kernels use beyond plain C++, one name for GPUs and for the emulator. C++17.
//
//   RG_KERNEL __launch_bounds__(256) void add(const float* a, float* b, int n) { ... }
//
// CUDA's own words work in both: __device__, __shared__, __launch_bounds__, __grid_constant__,
// threadIdx, blockIdx, blockDim, gridDim, atomicAdd and its kin, uint4 and its kin. Blocks have one
// dimension or more; a warp is 32 threads that follow each other in x, then y, then z. Warp
// functions are called by all 32 lanes of a warp together: the emulator ends the program where they
// are not.
#pragma once

#include <cstdint>

#include "runtime/cuda/portable/bf16.hpp"
#include "runtime/cuda/portable/cuda.hpp"

#define RG_KERNEL __global__

// The dynamic shared memory of the block, `name` of type `type*`, aligned to 128 bytes. Its size is
// LaunchShape::shared_bytes; above 48 KiB the kernel needs cudaFuncSetAttribute first.
#if defined(REGROUP_CUDA_EMULATED)
#define RG_DYNAMIC_SHARED(type, name) \
  type* const name = reinterpret_cast<type*>(::regroup::cuda::emulator::dynamic_shared())
#else
#define RG_DYNAMIC_SHARED(type, name)                                 \
  extern __shared__ __align__(128) unsigned char rg_dynamic_shared[]; \
  type* const name = reinterpret_cast<type*>(rg_dynamic_shared)
#endif

namespace regroup::cuda {

inline constexpr int kWarp = 32;

// ---- Threads ------------------------------------------------------------------------------------

// Waits for all threads of the block, which all call it; writes before are seen after.
__device__ void block_sync();
// Likewise for the warp.
__device__ void warp_sync();
// 0 to 31.
__device__ int lane_id();

// The value of lane ^ mask, and of lane `source`. Value: 4 or 8 bytes.
template <class Value>
__device__ Value shfl_xor(Value value, int mask);
template <class Value>
__device__ Value shfl(Value value, int source);
// Bit i: whether lane i gave true.
__device__ std::uint32_t ballot(bool given);

// Writes before are seen, by all GPUs and the host, before writes after.
__device__ void fence_system();
// Nanoseconds of one clock for the whole machine (%globaltimer), never going back.
__device__ std::int64_t global_timer_ns();
// Between two looks at memory that another kernel writes. In the emulator this is where others get
// on: every loop that waits must call it.
__device__ void nap(std::uint32_t ns);

// ---- Arithmetic ---------------------------------------------------------------------------------

// A few units in the last place of float.
__device__ float fast_exp2(float x);
__device__ float fast_exp(float x);
__device__ float fast_rsqrt(float x);
__device__ float fast_divide(float a, float b);

// ---- Copies from global into shared memory that go on in the background -------------------------

// 16 bytes; both pointers aligned to it. If not `valid`: 16 zero bytes, and `from` is not read
// (but must be an address within an allocation).
__device__ void async_copy16(void* shared, const void* from, bool valid = true);
// Ends the group of this thread's copies since the last commit; a group may be empty.
__device__ void async_commit();
// Waits for this thread's groups but the `kLatest` latest. Other threads see what was copied after
// a block_sync().
template <int kLatest>
__device__ void async_wait();

// ---- Tensor cores: warp functions, layouts as in the PTX ISA -----------------------------------

// ldmatrix .m8n8 .b16: 2 or 4 matrices of 8 x 8 from shared memory. Lane i gives the address of row
// i % 8 (16 bytes, aligned to 16) of matrix i / 8; of two matrices lanes 16 to 31 are not asked.
// Lane i gets of matrix m the pair at row i / 4, columns 2 (i % 4) and the next; transposed: at
// rows 2 (i % 4) and the next, column i / 4.
__device__ void load_matrix_x2(std::uint32_t (&to)[2], const void* shared_row);
__device__ void load_matrix_x4(std::uint32_t (&to)[4], const void* shared_row);
__device__ void load_matrix_x2_transposed(std::uint32_t (&to)[2], const void* shared_row);
__device__ void load_matrix_x4_transposed(std::uint32_t (&to)[4], const void* shared_row);

// d += a b, mma.m16n8k16 .row .col: a is 16 x 16 and b 16 x 8 in bf16, d is 16 x 8 in float. With
// g = lane / 4 and t = lane % 4 a lane holds
//   a[0], a[1]: rows g, g + 8; columns 2t, 2t + 1     a[2], a[3]: the same rows, columns 8 further
//   b[0], b[1]: rows 2t, 2t + 1 and 8 further; column g
//   d[0], d[1]: row g; columns 2t, 2t + 1             d[2], d[3]: row g + 8
__device__ void mma_m16n8k16(float (&d)[4], const std::uint32_t (&a)[4],
                             const std::uint32_t (&b)[2]);

}  // namespace regroup::cuda

#if defined(REGROUP_CUDA_EMULATED)
#include "runtime/cuda/emulator/device_code.hpp"
#else
#include "runtime/cuda/portable/device_code_gpu.hpp"
#endif
