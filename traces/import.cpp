#include "traces/import.hpp"

#include <fmt/ranges.h>

#include "core/errors.hpp"
#include "traces/formats.hpp"
#include "traces/line_reader.hpp"

namespace regroup::traces {

namespace {

// A trace with the same number of steps for every request.
class StepsReader final : public Reader {
 public:
  StepsReader(std::unique_ptr<Reader> inner, int steps) : inner_(std::move(inner)), steps_(steps) {}

  bool next(Record& record) override {
    if (!inner_->next(record)) return false;
    record.steps = steps_;
    return true;
  }
  std::string where(const Record& record) const override { return inner_->where(record); }

 private:
  std::unique_ptr<Reader> inner_;
  int steps_;
};

}  // namespace

std::unique_ptr<Reader> open_import(std::string_view kind, const std::string& path,
                                    const ImportOptions& options) {
  if (options.steps && *options.steps < 1) {
    fail<ConfigError>("{}: steps is {}; allowed: at least 1", path, *options.steps);
  }
  if (kind == "hetu" || kind == "gfdit") {
    if (!options.mix.empty()) {
      fail<ConfigError>("{}: a trace of kind {} has shapes of its own; no mix can be given", path,
                        kind);
    }
    auto reader = kind == "hetu" ? open_hetu(path, options.open) : open_gfdit(path, options.open);
    if (!options.steps) return reader;
    return std::make_unique<StepsReader>(std::move(reader), *options.steps);
  }
  if (kind == "azure" || kind == "mooncake") {
    if (options.mix.empty()) {
      fail<ConfigError>("{}: a trace of kind {} has no shapes; a mix is needed: {}", path, kind,
                        fmt::join(mix_names(), ", "));
    }
    return kind == "azure" ? open_azure(path, options) : open_mooncake(path, options);
  }
  fail<ConfigError>("import kind {} is not known; allowed: {}", shown(kind),
                    fmt::join(import_kinds(), ", "));
}

std::vector<std::string> import_kinds() { return {"hetu", "gfdit", "azure", "mooncake"}; }

}  // namespace regroup::traces
