#include "traces/generate.hpp"

#include <algorithm>
#include <cmath>

#include "core/errors.hpp"

namespace regroup::traces {

namespace {

// Gamma with mean 1, by Marsaglia and Tsang (A simple method for generating gamma variables, 2000);
// for shapes below 1 by their boost u^(1/shape) of the next shape up.
double unit_gamma(double shape, RandomStream& random) {
  const double boosted = shape < 1 ? shape + 1 : shape;
  const double d = boosted - 1.0 / 3;
  const double c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = random.normal();
    const double root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    const double u = 1 - random.uniform();  // (0, 1]
    if (std::log(u) > 0.5 * x * x + d - d * v + d * std::log(v)) continue;
    const double boost = shape < 1 ? std::pow(1 - random.uniform(), 1 / shape) : 1;
    return d * v * boost / shape;
  }
}

class Generator final : public Reader {
 public:
  explicit Generator(const ArrivalOptions& options)
      : options_(options),
        gaps_(options.seed, "trace arrivals"),
        kinds_(options.seed, "trace mix"),
        mean_s_(60 / options.per_minute) {}

  bool next(Record& record) override {
    if (options_.count > 0 && given_ == options_.count) return false;
    now_s_ += gap();
    // Whole microseconds, so that a trace reads well.
    const TimePoint arrival{Duration(std::llround(now_s_ * 1e6) * 1000)};
    if (options_.span > Duration{} && arrival.time_since_epoch() >= options_.span) return false;

    const MixEntry& kind = draw(options_.mix, kinds_);
    record.id = fmt::format("r{:06}", given_);
    record.arrival = arrival;
    fill(record, kind, options_.steps);
    record.line = ++given_;
    return true;
  }

  std::string where(const Record& record) const override {
    return fmt::format("generated request {}", record.id);
  }

 private:
  double gap() {
    switch (options_.process) {
      case ArrivalProcess::kPoisson:
        return gaps_.exponential(1 / mean_s_);
      case ArrivalProcess::kConstant:
        return mean_s_;
      case ArrivalProcess::kGamma:
        return mean_s_ * unit_gamma(1 / (options_.cv * options_.cv), gaps_);
    }
    RG_CHECK(false, "no such arrival process");
  }

  ArrivalOptions options_;
  RandomStream gaps_;
  RandomStream kinds_;
  double mean_s_;
  double now_s_ = 0;
  std::uint64_t given_ = 0;
};

}  // namespace

std::unique_ptr<Reader> generate(const ArrivalOptions& options) {
  if (options.mix.empty()) fail<ConfigError>("trace generate: the mix is empty");
  if (!(options.per_minute > 0 && options.per_minute <= 6e7)) {
    fail<ConfigError>("trace generate: rate is {} a minute; allowed: above 0, at most 6e7",
                      options.per_minute);
  }
  if (options.process == ArrivalProcess::kGamma && !(options.cv >= 0.01 && options.cv <= 100)) {
    fail<ConfigError>("trace generate: CV is {}; allowed: 0.01 to 100", options.cv);
  }
  if (options.count == 0 && options.span <= Duration{}) {
    fail<ConfigError>("trace generate: neither a number of requests nor a duration is given");
  }
  if (options.steps && *options.steps < 1) {
    fail<ConfigError>("trace generate: steps is {}; allowed: at least 1", *options.steps);
  }
  return std::make_unique<Generator>(options);
}

ArrivalOptions tetriserve_workload(bool skewed) {
  ArrivalOptions options;
  options.mix = named_mix(skewed ? "tetriserve-skewed" : "tetriserve-uniform");
  options.count = 300;
  return options;
}

}  // namespace regroup::traces
