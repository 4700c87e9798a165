#include "runtime/dit/sampler.hpp"

#include <cmath>

#include "core/errors.hpp"

namespace regroup::dit {

std::vector<double> sigma_schedule(std::size_t steps, double shift) {
  if (steps == 0 || !(shift > 0))
    fail<ConfigError>("a schedule of {} steps with shift {}; allowed: at least 1, more than 0",
                      steps, shift);
  std::vector<double> sigmas;
  for (std::size_t i = 0; i <= steps; ++i) {
    const double s = 1 - static_cast<double>(i) / static_cast<double>(steps);
    sigmas.push_back(shift * s / (1 + (shift - 1) * s));
  }
  return sigmas;
}

double flux_shift(std::size_t latent_tokens) {
  const double slope = (1.15 - 0.5) / (4096 - 256);
  return std::exp(0.5 + slope * (static_cast<double>(latent_tokens) - 256));
}

std::vector<double> sigma_schedule(const DitConfig& config, std::size_t latent_tokens,
                                   std::size_t steps) {
  return sigma_schedule(steps, config.flow_shift.value_or(flux_shift(latent_tokens)));
}

void guide(std::span<const float> with, std::span<const float> without, double scale,
           std::span<float> out) {
  const float factor = static_cast<float>(scale);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = without[i] + factor * (with[i] - without[i]);
}

void euler_step(std::span<float> latents, std::span<const float> velocity, double from, double to) {
  const float distance = static_cast<float>(to - from);
  for (std::size_t i = 0; i < latents.size(); ++i) latents[i] += distance * velocity[i];
}

}  // namespace regroup::dit
