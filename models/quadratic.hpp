// GF-DiT's cost files: one quadratic for each stage and degree of parallelism, fitted by its
// profiler (SJTU-Liquid/GF-DiT@442531e).
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/card.hpp"
#include "models/estimate.hpp"

namespace regroup::models {

class Json;

class QuadraticCosts {
 public:
  // Whether the folder holds files named tp*_ulysses*_ring*_cfg*.json.
  static bool is_folder(const std::filesystem::path& folder);
  // Throws ConfigError naming file and key: tensor parallelism, a layout given twice, no file for
  // one GPU, files of several models; SystemError if a file cannot be read.
  static QuadraticCosts read(const std::filesystem::path& folder);
  // A file of models/data/quadratic: all degrees of one cost model in one file.
  static QuadraticCosts parse(const Json& json);

  // Of a built-in one: what --calibration calls it. Else empty.
  const std::string& name() const { return name_; }

  // As the files name it: "Qwen/Qwen-Image".
  const std::string& model() const { return model_; }
  const std::string& source() const { return source_; }
  std::vector<Layout> layouts() const;

  // One step, t = max(0, a x^2 + b x + c) ms with x the latent tokens. Two passes:
  // dit_step_chunk_cfg, else dit_step_chunk. One pass of a model that can have two:
  // dit_step_chunk_nocfg, else half of a step of two. nullopt: no file for that layout.
  std::optional<double> step(const ModelCard& card, Shape shape, int forwards, Layout layout) const;

  // A stage other than denoising. One that is named as in the files: by the file for the layout, or
  // else that for one GPU. Otherwise, on one GPU: encoding is text_encode + dit_prepare +
  // timestep_prepare, decoding vae_decode + finalize; another stage takes no time. Steps count as
  // the card's default.
  double stage(const ModelCard& card, const Stage& stage, Shape shape, Layout layout) const;

 private:
  struct Quadratic {
    double a = 0, b = 0, c = 0;
    double seconds(double x) const;
  };
  using Stages = std::map<std::string, Quadratic, std::less<>>;

  static Stages parse_stages(const Json& json);
  // Throws ConfigError if there is none for one GPU, or one without denoising.
  void check() const;
  double time(Layout layout, std::string_view stage, const ModelCard& card, Shape shape) const;

  std::string name_, model_, source_;
  std::map<Layout, Stages> files_;
};

}  // namespace regroup::models
