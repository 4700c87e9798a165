#include "runtime/dit/latents.hpp"

#include "core/errors.hpp"
#include "core/random.hpp"

namespace regroup::dit {
namespace {

// Calls visit(index in the grid, token, position in the token) for every latent.
template <class Visit>
void for_each_latent(const LatentShape& shape, Visit visit) {
  std::size_t cell = 0;
  for (std::size_t c = 0; c < shape.channels; ++c)
    for (std::size_t f = 0; f < shape.frames; ++f)
      for (std::size_t y = 0; y < shape.height; ++y)
        for (std::size_t x = 0; x < shape.width; ++x, ++cell) {
          const std::size_t p = shape.patch;
          const std::size_t token = (f * shape.rows() + y / p) * shape.columns() + x / p;
          visit(cell, token, (c * p + y % p) * p + x % p);
        }
}

}  // namespace

LatentShape latent_shape(const DitConfig& config, Shape pixels) {
  const std::size_t multiple = config.spatial_stride * config.patch;
  const auto size = [&](std::int32_t n, const char* what) {
    if (n < 1 || static_cast<std::size_t>(n) % multiple != 0)
      fail<ConfigError>("transformer '{}': {} {} is not a positive multiple of {}", config.name,
                        what, n, multiple);
    return static_cast<std::size_t>(n) / config.spatial_stride;
  };
  if (pixels.frames < 1 ||
      (static_cast<std::size_t>(pixels.frames) - 1) % config.temporal_stride != 0)
    fail<ConfigError>("transformer '{}': {} frames; allowed: 1 + a multiple of {}", config.name,
                      pixels.frames, config.temporal_stride);
  return {config.latent_channels,
          (static_cast<std::size_t>(pixels.frames) - 1) / config.temporal_stride + 1,
          size(pixels.height, "height"), size(pixels.width, "width"), config.patch};
}

Matrix patchify(const LatentShape& shape, const std::vector<float>& grid) {
  RG_CHECK(grid.size() == shape.size(), "{} latents, the shape has {}", grid.size(), shape.size());
  Matrix tokens(shape.tokens(), shape.token_width());
  for_each_latent(shape, [&](std::size_t cell, std::size_t token, std::size_t position) {
    tokens.row(token)[position] = grid[cell];
  });
  return tokens;
}

std::vector<float> unpatchify(const LatentShape& shape, const Matrix& tokens) {
  RG_CHECK(tokens.rows == shape.tokens() && tokens.cols == shape.token_width(),
           "{} tokens of {}, the shape has {} of {}", tokens.rows, tokens.cols, shape.tokens(),
           shape.token_width());
  std::vector<float> grid(shape.size());
  for_each_latent(shape, [&](std::size_t cell, std::size_t token, std::size_t position) {
    grid[cell] = tokens.row(token)[position];
  });
  return grid;
}

Matrix noise(const LatentShape& shape, std::uint64_t seed) {
  RandomStream random(seed, "latents");
  std::vector<float> grid(shape.size());
  for (float& value : grid) value = static_cast<float>(random.normal());
  return patchify(shape, grid);
}

}  // namespace regroup::dit
