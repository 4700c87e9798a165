// Flow matching: latents move along a velocity from noise (sigma 1) to data (sigma 0).
#pragma once

#include <span>
#include <vector>

#include "runtime/dit/config.hpp"
#include "runtime/dit/rows.hpp"

namespace regroup::dit {

// steps + 1 noise levels from 1 to 0: s = 1 - i / steps, shifted to shift s / (1 + (shift - 1) s).
// Shift: Esser et al., arXiv 2403.03206, 5.3.2. Levels and shift as get_schedule() of
// black-forest-labs/flux, src/flux/sampling.py, whose exp(mu) is the shift; the same shift in
// Wan2.1 (wan/utils/fm_solvers_unipc.py), there with a solver of higher order than ours.
std::vector<double> sigma_schedule(std::size_t steps, double shift);

// FLUX.1's shift: exp(mu), mu on the line through (256 tokens, 0.5) and (4096 tokens, 1.15).
double flux_shift(std::size_t latent_tokens);

// The schedule that the config asks for.
std::vector<double> sigma_schedule(const DitConfig& config, std::size_t latent_tokens,
                                   std::size_t steps);

// Classifier-free guidance (Ho, Salimans, arXiv 2207.12598): without + scale (with - without),
// element by element. All of one size; `out` may be one of the others.
void guide(std::span<const float> with, std::span<const float> without, double scale,
           std::span<float> out);

// One step of Euler's method: latents += (to - from) velocity.
void euler_step(std::span<float> latents, std::span<const float> velocity, double from, double to);

}  // namespace regroup::dit
