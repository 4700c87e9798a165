// The files of models/data, compiled in.
#pragma once

#include <span>
#include <string_view>

namespace regroup::models {

struct EmbeddedFile {
  std::string_view path;  // "data/cards/FLUX.1-dev.json"
  std::string_view text;
};

// In alphabetical order of path.
std::span<const EmbeddedFile> embedded_files();

}  // namespace regroup::models
