#include "runtime/dit/sampler.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/errors.hpp"

namespace regroup::dit {
namespace {

TEST(SigmaSchedule, KnownAnswers) {
  const std::vector<double> straight = sigma_schedule(4, 1);
  EXPECT_EQ(straight, (std::vector<double>{1, 0.75, 0.5, 0.25, 0}));
  const std::vector<double> shifted = sigma_schedule(4, 3);
  EXPECT_DOUBLE_EQ(shifted[0], 1);
  EXPECT_DOUBLE_EQ(shifted[1], 0.9);  // 3 * 0.75 / (1 + 2 * 0.75)
  EXPECT_DOUBLE_EQ(shifted[2], 0.75);
  EXPECT_DOUBLE_EQ(shifted[3], 0.5);
  EXPECT_DOUBLE_EQ(shifted[4], 0);
  EXPECT_THROW(sigma_schedule(0, 1), ConfigError);
  EXPECT_THROW(sigma_schedule(4, 0), ConfigError);
  EXPECT_THROW(sigma_schedule(4, NAN), ConfigError);
}

// time_shift(mu, 1, t) = exp(mu) / (exp(mu) + 1 / t - 1) of FLUX is the shift exp(mu) of SD3 and
// Wan.
TEST(SigmaSchedule, FluxShift) {
  EXPECT_DOUBLE_EQ(flux_shift(256), std::exp(0.5));
  EXPECT_DOUBLE_EQ(flux_shift(4096), std::exp(1.15));
  const std::vector<double> sigmas = sigma_schedule(preset("tiny-mmdit"), 4096, 10);
  const double mu = 1.15, t = 0.7;
  EXPECT_NEAR(sigmas[3], std::exp(mu) / (std::exp(mu) + 1 / t - 1), 1e-12);
  EXPECT_EQ(sigma_schedule(preset("tiny-cross"), 4096, 10), sigma_schedule(10, 5));
}

// A path along which the velocity never changes, x = (1 - s) data + s noise: any schedule is exact.
TEST(Euler, StraightPathIsExact) {
  const float data = 3, noise = -1;
  for (const std::size_t steps : {1, 2, 7, 50}) {
    const std::vector<double> sigmas = sigma_schedule(steps, 2.5);
    std::vector<float> x{noise};
    const std::vector<float> velocity{noise - data};
    for (std::size_t i = 0; i < steps; ++i) euler_step(x, velocity, sigmas[i], sigmas[i + 1]);
    EXPECT_NEAR(x[0], data, 1e-5) << steps;
  }
}

// dx/ds = a x has the solution x(0) = x(1) exp(-a); Euler's error falls with the step.
TEST(Euler, LinearEquationConvergesAtFirstOrder) {
  const double a = 0.8, exact = 2 * std::exp(-a);
  const auto error = [&](std::size_t steps) {
    const std::vector<double> sigmas = sigma_schedule(steps, 3);
    std::vector<float> x{2};
    double product = 2;
    for (std::size_t i = 0; i < steps; ++i) {
      const std::vector<float> velocity{static_cast<float>(a) * x[0]};
      euler_step(x, velocity, sigmas[i], sigmas[i + 1]);
      product *= 1 + a * (sigmas[i + 1] - sigmas[i]);
    }
    EXPECT_NEAR(x[0], product, 1e-5) << steps;
    return std::abs(product - exact);
  };
  EXPECT_NEAR(error(40) / error(20), 0.5, 0.03);
  EXPECT_NEAR(error(80) / error(40), 0.5, 0.03);
  EXPECT_LT(error(80), 0.01);
}

TEST(Guide, Extrapolates) {
  const std::vector<float> with{1, 4}, without{0, 2};
  std::vector<float> out(2);
  guide(with, without, 3, out);
  EXPECT_EQ(out, (std::vector<float>{3, 8}));
  guide(with, without, 1, out);
  EXPECT_EQ(out, with);
}

}  // namespace
}  // namespace regroup::dit
