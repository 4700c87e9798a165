#include "models/memory.hpp"

#include <algorithm>

namespace regroup::models {

std::int64_t resident_bytes(const std::vector<const ModelCard*>& models,
                            std::int64_t memory_bytes) {
  std::int64_t all = 0, encoders = 0;
  for (const ModelCard* card : models) {
    all += card->weight_bytes();
    encoders += card->text_encoder_bytes;
  }
  return all <= memory_bytes / 5 * 4 ? all : all - encoders;
}

std::int64_t activation_bytes(const ModelCard& card, std::size_t stage, Shape shape, int forwards,
                              Layout layout, int batch) {
  constexpr std::int64_t kTileVoxels = std::int64_t{1} << 22;
  const std::int64_t voxels = std::int64_t{shape.width} * shape.height * shape.frames;
  switch (card.stages.stage(stage).kind) {
    case StageKind::kDenoise: {
      const std::int64_t passes = forwards / layout.cfg;  // of a batch go through together
      const std::int64_t ranks = layout.ulysses * layout.ring;
      const std::int64_t tokens = (card.sequence_tokens(shape) + ranks - 1) / ranks;
      const std::int64_t width = 6 * card.hidden + 2 * card.mlp_hidden;
      return batch * (passes * tokens * width * 2 + card.latent_bytes(shape));
    }
    case StageKind::kDecode:
      return batch * voxels * 3 * 4 + std::min(voxels, kTileVoxels) * 4 * 128 * 2;
    case StageKind::kEncode:
    case StageKind::kOther:
      break;
  }
  return batch * card.embedding_bytes(forwards) + 1'000'000'000;
}

}  // namespace regroup::models
