// GPU memory: weights that stay, and what a running stage needs beside them.
#pragma once

#include <cstdint>
#include <vector>

#include "models/card.hpp"

namespace regroup::models {

// Bytes of the weights of these models on each GPU. Text encoders count only if, with them, at
// least a fifth of the memory stays free; else they wait in host memory, as published runs of large
// models on 48 GB GPUs have them.
std::int64_t resident_bytes(const std::vector<const ModelCard*>& models, std::int64_t memory_bytes);

// Beside the weights, on each GPU of a group of that layout. A rule of thumb, on the safe side:
//   denoise  (6 + 2m) bf16 tensors of the GPU's tokens x hidden (m: MLP width / hidden): residual,
//            norm, q, k, v, attention output, MLP in and out; and the latents
//   decode   4 feature maps of 128 channels (bf16) of a tile of at most 2^22 voxels (VAEs decode
//            larger outputs in tiles), and the output in 32 bit
//   others   the embeddings, with 1 GB of the encoder's own activations
std::int64_t activation_bytes(const ModelCard& card, std::size_t stage, Shape shape, int forwards,
                              Layout layout, int batch);

}  // namespace regroup::models
