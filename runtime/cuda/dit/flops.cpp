#include "runtime/cuda/dit/flops.hpp"

namespace regroup::cuda {
namespace {

// The sizes of runtime/dit's model, as numbers to calculate with.
struct Sizes {
  Sizes(const dit::DitConfig& config, const dit::LatentShape& shape)
      : hidden(static_cast<double>(config.hidden)),
        mlp(static_cast<double>(config.mlp_hidden)),
        text(static_cast<double>(config.text_tokens)),
        text_width(static_cast<double>(config.text_width)),
        time(static_cast<double>(config.time_features)),
        latents(static_cast<double>(shape.tokens())),
        token_width(static_cast<double>(shape.token_width())) {}

  double hidden, mlp, text, text_width, time, latents, token_width;
};

double layer(double rows, double in, double out) { return 2 * rows * in * out; }
double attention(double queries, double keys, double width) { return 4 * queries * keys * width; }
// What every token takes: queries, keys, values; the result back; two layers of an MLP.
double token_layers(double rows, const Sizes& s) {
  return layer(rows, s.hidden, 3 * s.hidden) + layer(rows, s.hidden, s.hidden) +
         layer(rows, s.hidden, s.mlp) + layer(rows, s.mlp, s.hidden);
}
double vector_mlp(double in, const Sizes& s) {
  return layer(1, in, s.hidden) + layer(1, s.hidden, s.hidden);
}
double ends(const Sizes& s) {
  return 2 * layer(s.latents, s.token_width, s.hidden) + layer(s.text, s.text_width, s.hidden) +
         vector_mlp(s.time, s);
}

StepFlops joint_pass(const dit::DitConfig& config, const Sizes& s) {
  const auto doubles = static_cast<double>(config.double_blocks);
  const auto singles = static_cast<double>(config.single_blocks);
  const double tokens = s.text + s.latents;
  const double modulations = 2 * doubles * 6 + singles * 3 + 2;  // vectors of `hidden`
  return {ends(s) + vector_mlp(s.text_width, s) + layer(1, s.hidden, modulations * s.hidden) +
              (doubles + singles) * token_layers(tokens, s),
          (doubles + singles) * attention(tokens, tokens, s.hidden)};
}

StepFlops cross_pass(const dit::DitConfig& config, const Sizes& s) {
  const auto blocks = static_cast<double>(config.blocks);
  const double to_text =
      layer(s.latents, s.hidden, 2 * s.hidden) + layer(s.text, s.hidden, 2 * s.hidden);
  return {ends(s) + layer(s.text, s.hidden, s.hidden) + layer(1, s.hidden, 6 * s.hidden) +
              blocks * (token_layers(s.latents, s) + to_text),
          blocks *
              (attention(s.latents, s.latents, s.hidden) + attention(s.latents, s.text, s.hidden))};
}

}  // namespace

StepFlops step_flops(const dit::DitConfig& config, const dit::LatentShape& shape, bool guided) {
  const Sizes sizes(config, shape);
  const StepFlops pass = config.architecture == dit::DitConfig::Architecture::kJoint
                             ? joint_pass(config, sizes)
                             : cross_pass(config, sizes);
  const double passes = guided ? 2 : 1;
  return {passes * pass.products, passes * pass.attention};
}

}  // namespace regroup::cuda
