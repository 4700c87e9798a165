#include "runtime/dit/decoder.hpp"

#include <algorithm>
#include <bit>

#include "core/errors.hpp"

namespace regroup::dit {
namespace {

// One frame: [row][column][channel].
struct Plane {
  std::size_t height, width, channels;
  std::vector<float> values;

  const float* at(std::size_t y, std::size_t x) const {
    return values.data() + (y * width + x) * channels;
  }
};

// Each pixel's 3x3 neighbourhood, zeros outside, as one row of a product; one image row at a time.
Plane convolve(const Plane& in, const Linear& weights) {
  Plane out{in.height, in.width, weights.out(), {}};
  out.values.resize(in.height * in.width * weights.out());
  Matrix around(in.width, 9 * in.channels);
  for (std::size_t y = 0; y < in.height; ++y) {
    std::fill(around.values.begin(), around.values.end(), 0.0f);
    for (std::size_t x = 0; x < in.width; ++x)
      for (std::size_t i = 0; i < 9; ++i) {
        const std::size_t from_y = y + i / 3, from_x = x + i % 3;  // one more than the place
        if (from_y < 1 || from_y > in.height || from_x < 1 || from_x > in.width) continue;
        std::copy_n(in.at(from_y - 1, from_x - 1), in.channels,
                    around.row(x).data() + i * in.channels);
      }
    float* row = out.values.data() + y * in.width * out.channels;
    weights.apply(around.view(), {row, in.width, out.channels, out.channels});
  }
  return out;
}

Plane twice_as_large(const Plane& in) {
  Plane out{2 * in.height, 2 * in.width, in.channels, {}};
  out.values.reserve(4 * in.values.size());
  for (std::size_t y = 0; y < out.height; ++y)
    for (std::size_t x = 0; x < out.width; ++x)
      out.values.insert(out.values.end(), in.at(y / 2, x / 2), in.at(y / 2, x / 2) + in.channels);
  return out;
}

Rows all_of(Plane& plane) {
  return {plane.values.data(), plane.height * plane.width, plane.channels, plane.channels};
}

// The grid [channel][frame][row][column] cut at one frame.
Plane frame_of(const LatentShape& shape, const std::vector<float>& grid, std::size_t frame) {
  Plane plane{shape.height, shape.width, shape.channels, {}};
  plane.values.resize(shape.height * shape.width * shape.channels);
  for (std::size_t c = 0; c < shape.channels; ++c)
    for (std::size_t i = 0; i < shape.height * shape.width; ++i)
      plane.values[i * shape.channels + c] =
          grid[(c * shape.frames + frame) * shape.height * shape.width + i];
  return plane;
}

}  // namespace

ConvDecoder::ConvDecoder(const DitConfig& config, WeightSource& weights)
    : temporal_stride_(config.temporal_stride) {
  const auto doublings = static_cast<std::size_t>(std::countr_zero(config.spatial_stride));
  for (std::size_t i = 0; i <= doublings + 1; ++i) {
    const std::size_t in = i == 0 ? config.latent_channels : config.decoder_width;
    const std::size_t out = i == doublings + 1 ? 3 : config.decoder_width;
    convolutions_.emplace_back(weights, fmt::format("decoder.{}", i), 9 * in, out);
  }
}

Video ConvDecoder::decode(const LatentShape& shape, const Matrix& latents) const {
  const std::vector<float> grid = unpatchify(shape, latents);
  const std::size_t stride = std::size_t{1} << (convolutions_.size() - 2);
  Video video{
      1 + (shape.frames - 1) * temporal_stride_, stride * shape.height, stride * shape.width, {}};
  video.pixels.reserve(video.frames * video.height * video.width * 3);
  for (std::size_t f = 0; f < shape.frames; ++f) {
    Plane plane = convolve(frame_of(shape, grid, f), convolutions_.front());
    for (std::size_t i = 1; i + 1 < convolutions_.size(); ++i) {
      silu(all_of(plane));
      plane = convolve(twice_as_large(plane), convolutions_[i]);
    }
    silu(all_of(plane));
    plane = convolve(plane, convolutions_.back());
    tanh(all_of(plane));
    for (std::size_t copy = 0; copy < (f == 0 ? 1 : temporal_stride_); ++copy)
      video.pixels.insert(video.pixels.end(), plane.values.begin(), plane.values.end());
  }
  return video;
}

}  // namespace regroup::dit
