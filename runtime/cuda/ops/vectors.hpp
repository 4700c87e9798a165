// What steers a step and what ends it: conditioning vectors and the sampler, in fp32. The rules of
// kernels.hpp hold; vectors are aligned to 16 bytes. C++17.
#pragma once

#include "runtime/cuda/ops/kernels.hpp"

namespace regroup::cuda {

// y = f(w x + bias), w [outputs][inputs] in bf16, x and y one vector each in fp32: modulations and
// small MLPs, whose cost is that of reading w once. No bias: 0. y is not x.
void matrix_vector(cudaStream_t stream, ConstBf16Rows w, const Bf16* bias, const float* x, float* y,
                   Activation f);

// out = SiLU(x); `out` may be x.
void silu(cudaStream_t stream, const float* x, std::int64_t size, float* out);

// out = a + b; `out` may be one of them.
void add(cudaStream_t stream, const float* a, const float* b, std::int64_t size, float* out);

// out[i] = table[i] + x[i % period]: Wan's modulations, a table for each block plus what all share.
void add_table(cudaStream_t stream, const Bf16* table, const float* x, std::int64_t period,
               std::int64_t size, float* out);

// cos(1000 t w_i), then sin, with w_i = 10000^(-2 i / size): the sinusoidal embedding of the noise
// level, or of FLUX's guidance (divided by 1000: pass it so). `t` is read when the kernel runs.
void time_features(cudaStream_t stream, const double* t, std::int64_t size, float* out);

// What the end of a step needs, in device memory, read when the kernel runs.
struct SamplerScalars {
  float guidance = 1;  // the scale of classifier-free guidance
  float distance = 0;  // the noise level to go to, less the one at present
};

// out = latents + distance * v, with v = without + guidance * (with - without), or `with` if
// `without` is null: of the member's own rows, which start at row *first of `latents` (null: 0).
// `out` has as many rows as the member has; it may be those rows of `latents`.
void guided_euler_step(cudaStream_t stream, ConstFloatRows latents, const std::int32_t* first,
                       ConstFloatRows with, const float* without, const SamplerScalars* scalars,
                       FloatRows out);

// Sets *flag to 1 if a number is infinite or not one, and leaves it alone if all are finite. The
// flag is on the device, or pinned on the host.
void check_finite(cudaStream_t stream, const float* x, std::int64_t size, std::uint32_t* flag);
void check_finite(cudaStream_t stream, const Bf16* x, std::int64_t size, std::uint32_t* flag);

// Keeps one block busy for that long: stands in for a text encoder or VAE of known duration.
void spin_for(cudaStream_t stream, std::int64_t nanoseconds);

}  // namespace regroup::cuda
