#include "tools/report/pair_json.hpp"

#include <nlohmann/json.hpp>

#include "core/errors.hpp"
#include "tools/compare/compare_report.hpp"

namespace regroup::tools {
namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

bool simulated(const std::filesystem::path& folder) { return read_results(folder).on() == "sim"; }

}  // namespace

PairJson pair_json(const std::filesystem::path& first, const std::filesystem::path& second,
                   const RerunHints& hints) {
  CompareOptions options;
  options.hints = hints;
  options.attribute = simulated(first) != simulated(second);
  try {
    const Comparison comparison = compare(first, second, options);
    Json json = Json::parse(compare_json(comparison));
    for (const char* side : {"simulated", "measured"}) json[side].erase("folder");
    for (const char* key : {"format", "version", "gates"}) json.erase(key);
    return {text_of(json), comparison.simulated.path != first};
  } catch (const Error& error) {
    return {text_of(Json{{"why_not", error.what()}}), false};
  }
}

}  // namespace regroup::tools
