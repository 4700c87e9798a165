// The latents of one request: their shape, their noise, and their two forms.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/dit/config.hpp"
#include "runtime/dit/rows.hpp"

namespace regroup::dit {

// Of the latents, not of the pixels.
struct LatentShape {
  std::size_t channels = 0, frames = 0, height = 0, width = 0;
  std::size_t patch = 1;

  std::size_t rows() const { return height / patch; }  // of tokens, in one frame
  std::size_t columns() const { return width / patch; }
  std::size_t tokens() const { return frames * rows() * columns(); }
  std::size_t token_width() const { return channels * patch * patch; }
  std::size_t size() const { return channels * frames * height * width; }
  friend bool operator==(const LatentShape&, const LatentShape&) = default;
};

// Throws ConfigError naming the rule that the shape breaks: width and height are multiples of
// stride x patch, frames one more than a multiple of the temporal stride.
LatentShape latent_shape(const DitConfig& config, Shape pixels);

// Tokens [tokens][token_width], the order of tokens (frame, row, column), inside a token (channel,
// row, column) as FLUX packs them; grid [channel][frame][row][column].
Matrix patchify(const LatentShape& shape, const std::vector<float>& grid);
std::vector<float> unpatchify(const LatentShape& shape, const Matrix& tokens);

// What denoising starts from: standard normal, drawn in the order of the grid.
Matrix noise(const LatentShape& shape, std::uint64_t seed);

}  // namespace regroup::dit
