// Foreign traces turned into ours. `regroup trace import` writes what these give with a CsvWriter.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "traces/mixes.hpp"
#include "traces/reader.hpp"

namespace regroup::traces {

struct ImportOptions {
  OpenOptions open{};  // hetu, gfdit: see open_trace
  // azure, mooncake: these traces of language models have no image shapes. Only their arrivals are
  // used; each request is drawn from this mix.
  Mix mix{};
  std::uint64_t seed = 0;
  std::optional<int> steps{};  // instead of the trace's or mix's own
};

// Reads a trace of the named kind, as a stream:
//   hetu, gfdit  as open_trace does
//   azure        Azure LLM inference traces 2023 and 2024: CSV TIMESTAMP,ContextTokens,
//                GeneratedTokens, wall clock with up to nine decimals; time 0 is the first row
//   mooncake     CSV timestamp_ms,input_length,output_length: Mooncake's traces as slimmed from
//                JSON lines; the conversation trace is quantised to about 3 s
// Throws ConfigError as Reader::next does, for an unknown kind, for a mix that is missing where one
// is needed or given where none is, and for steps below 1.
std::unique_ptr<Reader> open_import(std::string_view kind, const std::string& path,
                                    const ImportOptions& options);
std::vector<std::string> import_kinds();

}  // namespace regroup::traces
