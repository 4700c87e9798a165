#include "runtime/dit/config.hpp"

#include <bit>
#include <numeric>
#include <utility>

#include "core/errors.hpp"

namespace regroup::dit {
namespace {

// What all presets share: the latents of FLUX.1 and Wan2.1 (16 channels, stride 8, patch 2).
DitConfig sixteen_channels() {
  DitConfig config;
  config.latent_channels = 16;
  config.spatial_stride = 8;
  config.temporal_stride = 4;
  config.patch = 2;
  config.decoder_width = 16;
  return config;
}

DitConfig tiny() {
  DitConfig config = sixteen_channels();
  config.text_tokens = 16;
  config.text_width = 64;
  config.text_layers = 2;
  config.time_features = 64;
  return config;
}

DitConfig tiny_mmdit() {
  DitConfig config = tiny();
  config.architecture = DitConfig::Architecture::kJoint;
  config.double_blocks = 2;
  config.single_blocks = 4;
  config.hidden = 144;
  config.heads = 24;
  config.mlp_hidden = 576;
  config.rope_axes = {2, 2, 2};
  return config;
}

DitConfig tiny_cross() {
  DitConfig config = tiny();
  config.architecture = DitConfig::Architecture::kCross;
  config.blocks = 6;
  config.hidden = 96;
  config.heads = 12;
  config.mlp_hidden = 512;
  config.rope_axes = {4, 2, 2};  // Wan: d - 4 (d / 6), 2 (d / 6), 2 (d / 6)
  config.flow_shift = 5.0;       // Wan2.1's default
  return config;
}

// What the published ones share: T5's embedding, 256 sines of the time.
DitConfig published() {
  DitConfig config = sixteen_channels();
  config.text_tokens = 512;
  config.text_width = 4096;
  config.time_features = 256;
  return config;
}

// black-forest-labs/flux, src/flux/util.py; without the embedding of its distilled guidance, and
// with pooled text as wide as the text.
DitConfig flux_dev() {
  DitConfig config = published();
  config.architecture = DitConfig::Architecture::kJoint;
  config.double_blocks = 19;
  config.single_blocks = 38;
  config.hidden = 3072;
  config.heads = 24;
  config.mlp_hidden = 12288;
  config.temporal_stride = 1;
  config.rope_axes = {16, 56, 56};
  return config;
}

// Wan-Video/Wan2.1, wan/configs/wan_t2v_1_3B.py.
DitConfig wan_small() {
  DitConfig config = published();
  config.architecture = DitConfig::Architecture::kCross;
  config.blocks = 30;
  config.hidden = 1536;
  config.heads = 12;
  config.mlp_hidden = 8960;
  config.rope_axes = {44, 42, 42};  // as tiny-cross, of d = 128
  config.flow_shift = 5.0;
  return config;
}

}  // namespace

DitConfig preset(std::string_view name) {
  const std::pair<std::string_view, DitConfig (*)()> presets[] = {{"tiny-mmdit", tiny_mmdit},
                                                                  {"tiny-cross", tiny_cross},
                                                                  {"FLUX.1-dev", flux_dev},
                                                                  {"Wan2.1-T2V-1.3B", wan_small}};
  for (const auto& [known, make] : presets)
    if (known == name) {
      DitConfig config = make();
      config.name = name;
      return config;
    }
  fail<ConfigError>("no preset '{}'; there are tiny-mmdit, tiny-cross, FLUX.1-dev, Wan2.1-T2V-1.3B",
                    name);
}

void check(const DitConfig& config) {
  const auto require = [&](bool holds, std::string_view rule) {
    if (!holds) fail<ConfigError>("transformer '{}': {}", config.name, rule);
  };
  const bool joint = config.architecture == DitConfig::Architecture::kJoint;
  require(joint ? config.double_blocks + config.single_blocks > 0 && config.blocks == 0
                : config.blocks > 0 && config.double_blocks + config.single_blocks == 0,
          "a joint model has double or single blocks, a cross model has blocks, and no others");
  require(config.hidden > 0 && config.heads > 0 && config.hidden % config.heads == 0,
          "hidden must be a positive multiple of heads");
  const auto& axes = config.rope_axes;
  require(axes[0] % 2 == 0 && axes[1] % 2 == 0 && axes[2] % 2 == 0 &&
              std::accumulate(axes.begin(), axes.end(), std::size_t{0}) == config.head_dim(),
          "rope_axes must be even and add up to hidden / heads");
  require(config.mlp_hidden > 0 && config.decoder_width > 0, "widths must be positive");
  require(config.text_tokens > 0 && config.text_width > 0,
          "text_tokens and text_width must be positive");
  require(config.time_features > 0 && config.time_features % 2 == 0,
          "time_features must be positive and even");
  require(config.latent_channels > 0 && config.patch > 0 && config.temporal_stride > 0,
          "latent_channels, patch and temporal_stride must be positive");
  require(std::has_single_bit(config.spatial_stride), "spatial_stride must be a power of two");
  require(!config.flow_shift || *config.flow_shift > 0, "flow_shift must be positive");
}

void check(const DitConfig& config, Layout layout, double guidance) {
  if (layout.ring != 1 || layout.tp != 1)
    fail<ConfigError>(
        "transformer '{}' shares a step by cfg x ulysses; ring {} and tp {} must be 1", config.name,
        layout.ring, layout.tp);
  if (layout.ulysses < 1 || config.heads % layout.ulysses != 0)
    fail<ConfigError>("transformer '{}': ulysses {} does not divide its {} heads", config.name,
                      layout.ulysses, config.heads);
  const int branches = guidance > 1 ? 2 : 1;
  if (layout.cfg < 1 || layout.cfg > branches)
    fail<ConfigError>("transformer '{}': cfg {}, but a step at guidance {} has {} forward pass{}",
                      config.name, layout.cfg, guidance, branches, branches == 1 ? "" : "es");
}

}  // namespace regroup::dit
