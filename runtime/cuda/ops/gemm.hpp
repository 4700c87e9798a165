// Matrix products: y = f(x w^T + bias), bf16 in, sums in fp32, bf16 or fp32 out. C++17.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "runtime/cuda/portable/bf16.hpp"
#include "runtime/cuda/portable/cuda.hpp"

namespace regroup::cuda {

enum class GemmEpilogue { kNone, kBias, kBiasGelu };  // GELU: the tanh form

// x [m][k], w [n][k] (a layer's weights [out][in], as PyTorch has them), bias [n], y [m][n].
struct GemmShape {
  std::int64_t m = 0, n = 0, k = 0;        // m may be 0: nothing is done
  std::int64_t ldx = 0, ldw = 0, ldy = 0;  // elements from one row to the next; 0: k, k, n
  GemmEpilogue epilogue = GemmEpilogue::kNone;
  bool accumulate = false;  // y += x w^T + bias; not with kBiasGelu
  bool float_out = false;   // y is float; not with kBiasGelu

  friend bool operator==(const GemmShape& a, const GemmShape& b) {
    return a.m == b.m && a.n == b.n && a.k == b.k && a.ldx == b.ldx && a.ldw == b.ldw &&
           a.ldy == b.ldy && a.epilogue == b.epilogue && a.accumulate == b.accumulate &&
           a.float_out == b.float_out;
  }
};

// Device memory; x, w and y aligned to 16 bytes. y overlaps none of the others.
struct GemmOperands {
  const Bf16* x = nullptr;
  const Bf16* w = nullptr;
  const Bf16* bias = nullptr;  // unused with kNone
  void* y = nullptr;           // Bf16 or float
};

// Of one rank, used by that rank's thread.
class Gemm {
 public:
  virtual ~Gemm() = default;

  // Chooses how to compute this shape: before arming, once for each shape that run() will see, in
  // the rank's context. Again for the same shape is free. Throws ConfigError for n, k or leading
  // dimensions that are not multiples of 8, or a combination that GemmShape excludes; CudaError if
  // the library has no way to compute it.
  virtual void prepare(const GemmShape& shape) = 0;

  // Enqueues; allocates nothing, may be captured. Throws InternalError for a shape that was never
  // prepared. Products of one Gemm share a workspace, so they must be ordered, as on one stream.
  virtual void run(cudaStream_t stream, const GemmShape& shape, const GemmOperands& operands) = 0;

  // Who computes, for results files: "cuBLASLt 13.1.0", "own kernels".
  virtual std::string name() const = 0;
};

// Our own kernel: needs no library and no workspace; a row of y depends on that row of x only, bit
// for bit, whatever m is.
std::unique_ptr<Gemm> plain_gemm();

}  // namespace regroup::cuda
