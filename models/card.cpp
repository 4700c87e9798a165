#include "models/card.hpp"

#include <fmt/format.h>

#include "models/json.hpp"

namespace regroup::models {

StageKind stage_kind(const Json& json) {
  const std::string kind = json.string();
  if (kind == "encode") return StageKind::kEncode;
  if (kind == "denoise") return StageKind::kDenoise;
  if (kind == "decode") return StageKind::kDecode;
  if (kind == "other") return StageKind::kOther;
  json.complain(fmt::format("'{}'; allowed: encode, denoise, decode, other", kind));
}

namespace {

StageTime stage_time(const Json& json) {
  json.allow({"gpu", "seconds", "ns_per_voxel", "source"});
  StageTime time;
  time.gpu = json.string("gpu");
  if (json.has("seconds")) time.seconds = json.positive("seconds");
  if (json.has("ns_per_voxel")) time.seconds_per_voxel = json.positive("ns_per_voxel") * 1e-9;
  time.source = json.string("source");
  return time;
}

void parse_stages(const Json& json, ModelCard& card) {
  std::vector<Stage> stages;
  std::vector<StageGraph::Edge> edges;
  for (const Json& item : json.items()) {
    item.allow({"name", "kind", "after", "degrees", "time"});
    const Stage stage{item.string("name"), stage_kind(item.at("kind"))};
    StageSpec spec;
    if (stage.kind != StageKind::kDenoise) {
      for (const Json& degree : item.at("degrees").items())
        spec.degrees.push_back(degree.integer(1));
      spec.time = stage_time(item.at("time"));
    } else if (item.has("degrees") || item.has("time")) {
      item.complain("degrees and time of denoising follow from heads and cost models; remove them");
    }
    if (item.has("after"))
      for (const std::string& before : item.strings("after")) edges.push_back({before, stage.name});
    stages.push_back(stage);
    card.stage_specs.push_back(std::move(spec));
  }
  card.stages = StageGraph(std::move(stages), edges);
}

std::int64_t gigabytes(const Json& json, std::string_view key) {
  return static_cast<std::int64_t>(json.positive(key) * 1e9);
}

}  // namespace

ModelCard ModelCard::parse(const Json& json) {
  json.expect_format("regroup-model-card");
  json.allow({"format", "version", "name", "aliases", "architecture", "blocks", "hidden", "heads",
              "head_dim", "mlp_hidden", "text", "latent", "size_multiple", "steps", "guidance",
              "gb", "stages", "sources"});
  ModelCard card;
  card.name = json.string("name");
  card.aliases = json.strings("aliases");
  const std::string architecture = json.string("architecture");
  if (architecture != "joint_attention" && architecture != "cross_attention")
    json.at("architecture")
        .complain(fmt::format("'{}'; allowed: joint_attention, cross_attention", architecture));
  card.architecture =
      architecture == "joint_attention" ? Architecture::kJoint : Architecture::kCross;
  card.blocks = json.integer("blocks", 1);
  card.hidden = json.integer("hidden", 1);
  card.heads = json.integer("heads", 1);
  if (card.heads * json.integer("head_dim", 1) != card.hidden)
    json.at("head_dim").complain("heads x head_dim must be hidden");
  card.mlp_hidden = json.integer("mlp_hidden", 1);

  const Json text = json.at("text");
  text.allow({"tokens", "width"});
  card.text_tokens = text.integer("tokens", 0);
  card.text_width = text.integer("width", 1);

  const Json latent = json.at("latent");
  latent.allow({"spatial_stride", "temporal_stride", "channels", "patch", "temporal_patch"});
  card.spatial_stride = latent.integer("spatial_stride", 1);
  card.temporal_stride = latent.integer("temporal_stride", 1);
  card.latent_channels = latent.integer("channels", 1);
  card.patch = latent.integer("patch", 1);
  card.temporal_patch = latent.integer("temporal_patch", 1);
  card.size_multiple = json.integer("size_multiple", card.spatial_stride);
  if (card.size_multiple % card.spatial_stride != 0)
    json.at("size_multiple").complain("must be a multiple of the spatial stride");

  card.steps = json.integer("steps", 1);
  const std::string guidance = json.string("guidance");
  if (guidance != "classifier_free" && guidance != "distilled")
    json.at("guidance")
        .complain(fmt::format("'{}'; allowed: classifier_free, distilled", guidance));
  card.classifier_free = guidance == "classifier_free";

  const Json gb = json.at("gb");
  gb.allow({"denoiser", "text_encoders", "vae"});
  card.denoiser_bytes = gigabytes(gb, "denoiser");
  card.text_encoder_bytes = gigabytes(gb, "text_encoders");
  card.vae_bytes = gigabytes(gb, "vae");

  parse_stages(json.at("stages"), card);
  const Json sources = json.at("sources");  // free: whatever needs one
  for (const std::string& key : sources.keys()) sources.string(key);
  return card;
}

std::string ModelCard::why_not(Shape shape) const {
  const auto fits = [&](int size) {
    return size >= spatial_stride * patch && size % size_multiple == 0;
  };
  if (!fits(shape.width) || !fits(shape.height))
    return fmt::format("{} makes widths and heights that are multiples of {}, at least {}", name,
                       size_multiple, spatial_stride * patch);
  if (temporal_stride == 1 && shape.frames != 1)
    return fmt::format("{} makes images: frames must be 1", name);
  if (shape.frames < 1 || (shape.frames - 1) % temporal_stride != 0)
    return fmt::format("{} makes 1 + a multiple of {} frames", name, temporal_stride);
  return {};
}

std::int64_t ModelCard::latent_tokens(Shape shape) const {
  const std::int64_t latent_frames = (shape.frames - 1) / temporal_stride + 1;
  const std::int64_t layers = (latent_frames + temporal_patch - 1) / temporal_patch;
  // A patch that does not fit in whole is dropped, as the pipelines do.
  return layers * (shape.height / spatial_stride / patch) * (shape.width / spatial_stride / patch);
}

std::int64_t ModelCard::sequence_tokens(Shape shape) const {
  return latent_tokens(shape) + (architecture == Architecture::kJoint ? text_tokens : 0);
}

Flops ModelCard::flops(Shape shape) const {
  const double n = blocks, d = hidden, f = mlp_hidden, t = text_tokens;
  const auto l = static_cast<double>(sequence_tokens(shape));
  if (architecture == Architecture::kJoint)
    return {2 * (4 * d * d + 2 * d * f) * n * l, 4 * d * n * l * l};
  return {2 * n * ((6 * d * d + 2 * d * f) * l + 2 * d * d * t), 4 * n * d * (l * l + l * t)};
}

std::int64_t ModelCard::latent_bytes(Shape shape) const {
  const std::int64_t frames = (shape.frames - 1) / temporal_stride + 1;
  return frames * (shape.height / spatial_stride) * (shape.width / spatial_stride) *
         latent_channels * 4;
}

std::int64_t ModelCard::embedding_bytes(int forwards) const {
  return std::int64_t{forwards} * text_tokens * text_width * 2;
}

}  // namespace regroup::models
