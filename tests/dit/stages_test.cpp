// Latents, and the stages before and after denoising.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "core/errors.hpp"
#include "reference.hpp"
#include "runtime/dit/decoder.hpp"
#include "runtime/dit/text_encoder.hpp"

namespace regroup::dit {
namespace {

TEST(Latents, ShapeOfPixels) {
  const DitConfig config = preset("tiny-cross");
  const LatentShape shape = latent_shape(config, {832, 480, 81});
  EXPECT_EQ(shape, (LatentShape{16, 21, 60, 104, 2}));
  EXPECT_EQ(shape.tokens(), 32760u);  // Wan2.1 at 480p
  EXPECT_EQ(shape.token_width(), 64u);
  EXPECT_THROW(latent_shape(config, {830, 480, 81}), ConfigError);
  EXPECT_THROW(latent_shape(config, {832, 488, 81}), ConfigError);
  EXPECT_THROW(latent_shape(config, {832, 480, 80}), ConfigError);
  EXPECT_THROW(latent_shape(config, {832, 480, 0}), ConfigError);
  EXPECT_THROW(latent_shape(config, {-16, 480, 1}), ConfigError);
}

TEST(Latents, PatchesAndBack) {
  const LatentShape shape{2, 3, 4, 6, 2};
  std::vector<float> grid(shape.size());
  std::iota(grid.begin(), grid.end(), 0.0f);
  const Matrix tokens = patchify(shape, grid);
  ASSERT_EQ(tokens.rows, 18u);
  ASSERT_EQ(tokens.cols, 8u);
  // Frame 1, row of tokens 1, column 2: latents (2..3, 4..5) of both channels.
  const float c0 = 24 + 2 * 6 + 4, c1 = c0 + 72;
  const auto row = tokens.row(6 + 3 + 2);
  EXPECT_EQ(std::vector<float>(row.begin(), row.end()),
            (std::vector<float>{c0, c0 + 1, c0 + 6, c0 + 7, c1, c1 + 1, c1 + 6, c1 + 7}));
  EXPECT_EQ(unpatchify(shape, tokens), grid);
}

TEST(Latents, NoiseIsStandardNormalAndSeeded) {
  const LatentShape shape{16, 1, 64, 64, 2};
  const Matrix a = noise(shape, 1);
  EXPECT_EQ(a, noise(shape, 1));
  EXPECT_NE(a, noise(shape, 2));
  double sum = 0, squares = 0;
  for (const float v : a.values) {
    sum += v;
    squares += double{v} * v;
  }
  const double n = static_cast<double>(a.values.size());
  EXPECT_NEAR(sum / n, 0, 0.02);
  EXPECT_NEAR(squares / n, 1, 0.03);
}

TEST(TextEncoder, EveryByteCounts) {
  SeededWeights weights(1);
  const DitConfig config = preset("tiny-mmdit");
  const ByteTextEncoder encoder(config, weights);
  const Prompt prompt = encoder.encode("abc");
  EXPECT_EQ(prompt.text.rows, config.text_tokens);
  EXPECT_EQ(prompt.text.cols, config.text_width);
  EXPECT_EQ(prompt.text, encoder.encode("abc").text);
  for (const char* other : {"abd", "bac", "ab", "abc ", ""}) {
    EXPECT_NE(prompt.text, encoder.encode(other).text) << other;
    EXPECT_NE(prompt.pooled, encoder.encode(other).pooled) << other;
  }
  const std::string full(config.text_tokens, 'x');
  EXPECT_EQ(encoder.encode(full).text, encoder.encode(full + "cut off").text);
  EXPECT_NE(encoder.encode(full).text, encoder.encode(std::string("\xff") + full).text);
}

TEST(TextEncoder, PooledIsTheMean) {
  SeededWeights weights(1);
  const Prompt prompt = ByteTextEncoder(preset("tiny-cross"), weights).encode("mean");
  for (std::size_t c = 0; c < prompt.text.cols; ++c) {
    double sum = 0;
    for (std::size_t t = 0; t < prompt.text.rows; ++t) sum += prompt.text.row(t)[c];
    EXPECT_NEAR(prompt.pooled[c], sum / static_cast<double>(prompt.text.rows), 1e-5);
  }
}

// Every convolution as nine products, in double precision.
TEST(Decoder, EqualsReference) {
  DitConfig config = preset("tiny-mmdit");
  config.latent_channels = 3;
  config.decoder_width = 5;
  config.spatial_stride = 2;
  config.temporal_stride = 1;
  reference::Recorder weights(1);
  const ConvDecoder decoder(config, weights);
  const LatentShape shape{3, 1, 2, 4, 1};
  const Matrix latents = noise(shape, 5);
  const Video video = decoder.decode(shape, latents);
  ASSERT_EQ(video.pixels.size(), 4u * 8 * 3);

  // image[y][x] is a vector of channels.
  using Image = std::vector<reference::Table>;
  const auto convolve = [&](const Image& in, const std::string& name) {
    const reference::Vector& weight = weights.tensors().at(name + ".weight");
    const reference::Vector& bias = weights.tensors().at(name + ".bias");
    const int height = static_cast<int>(in.size()), width = static_cast<int>(in[0].size());
    const std::size_t channels = in[0][0].size();
    Image out(in.size(), reference::Table(in[0].size(), bias));
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        for (std::size_t o = 0; o < bias.size(); ++o)
          for (int i = 0; i < 9; ++i) {
            const int from_y = y + i / 3 - 1, from_x = x + i % 3 - 1;
            if (from_y < 0 || from_y >= height || from_x < 0 || from_x >= width) continue;
            for (std::size_t c = 0; c < channels; ++c)
              out[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)][o] +=
                  weight[(o * 9 + static_cast<std::size_t>(i)) * channels + c] *
                  in[static_cast<std::size_t>(from_y)][static_cast<std::size_t>(from_x)][c];
          }
    return out;
  };
  const auto activate = [](Image image) {
    for (auto& row : image)
      for (auto& pixel : row)
        for (double& v : pixel) v = reference::silu(v);
    return image;
  };
  Image image(2, reference::Table(4));
  for (std::size_t y = 0; y < 2; ++y)
    for (std::size_t x = 0; x < 4; ++x) image[y][x] = reference::table(latents)[y * 4 + x];
  image = activate(convolve(image, "decoder.0"));
  Image large(4, reference::Table(8));
  for (std::size_t y = 0; y < 4; ++y)
    for (std::size_t x = 0; x < 8; ++x) large[y][x] = image[y / 2][x / 2];
  image = convolve(activate(convolve(large, "decoder.1")), "decoder.2");
  for (std::size_t y = 0; y < 4; ++y)
    for (std::size_t x = 0; x < 8; ++x)
      for (std::size_t c = 0; c < 3; ++c)
        EXPECT_NEAR(video.pixels[(y * 8 + x) * 3 + c], std::tanh(image[y][x][c]), 1e-5);
}

TEST(Decoder, SizesAndFrames) {
  SeededWeights weights(1);
  const DitConfig config = preset("tiny-cross");
  const ConvDecoder decoder(config, weights);
  const LatentShape shape = latent_shape(config, {48, 32, 9});
  const Video video = decoder.decode(shape, noise(shape, 5));
  EXPECT_EQ(video.frames, 9u);
  EXPECT_EQ(video.height, 32u);
  EXPECT_EQ(video.width, 48u);
  ASSERT_EQ(video.pixels.size(), 9u * 32 * 48 * 3);
  const auto frame = [&](std::size_t f) {
    const auto begin = video.pixels.begin() + static_cast<std::ptrdiff_t>(f * 32 * 48 * 3);
    return std::vector<float>(begin, begin + 32 * 48 * 3);
  };
  EXPECT_NE(frame(0), frame(1));
  EXPECT_EQ(frame(1), frame(4));
  EXPECT_NE(frame(4), frame(5));
  for (const float pixel : video.pixels) ASSERT_LE(std::abs(pixel), 1);
}

}  // namespace
}  // namespace regroup::dit
