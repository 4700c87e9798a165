// Where records come from: a file of any known format, or a generator.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "traces/record.hpp"

namespace regroup::traces {

// Gives records one at a time, by arrival. Readers of CSV and Hetu-DiT text hold one buffer however
// long the file is.
class Reader {
 public:
  virtual ~Reader() = default;

  // False at the end. `record` is overwritten; reuse one object, its strings keep their memory.
  // Throws ConfigError naming file, line, column, what was found and what is allowed, for anything
  // that is not a record, and for an arrival before that of the record read last.
  virtual bool next(Record& record) = 0;

  // The place of a record that next() gave, for messages: "trace.csv:17".
  virtual std::string where(const Record& record) const = 0;
};

struct OpenOptions {
  // The model of every request, for files that name none (Hetu-DiT text; GF-DiT JSON sometimes).
  // Empty: inferred, see open_trace.
  std::string default_model{};
  // What messages call the file, if not its path: for a copy (see spool.hpp).
  std::string shown_as{};
};

// Opens a trace; the format is known by its content, not by its name:
//
//   `# regroup trace v1`  CSV; columns in README.md.
//   `Request(`            Hetu-DiT text (PKU-DAIR/Hetu-DiT, data/*_trace.txt), also vLLM-Omni's
//                         traces (an optional slo_ms gives the deadline). Names no model: without
//                         default_model a file whose first request has one frame is FLUX.1-dev (a
//                         video further down is then an error), any other CogVideoX1.5-5B.
//   `{`                   GF-DiT workload JSON (read whole). The model is `model` at the top or in
//                         `metadata`, less owner and "-Diffusers"; then default_model; then
//                         Qwen-Image for one frame, Wan2.2-TI2V-5B for more.
//
// Where a format gives no guidance it is model_guidance(model); where it gives no class, the class
// is shape_name(shape). Throws ConfigError for a file that cannot be opened or is none of these.
std::unique_ptr<Reader> open_trace(const std::string& path, const OpenOptions& options = {});

// Gives the records of a list that must already be in order of arrival. `name` stands for the file
// in messages.
std::unique_ptr<Reader> list_reader(std::vector<Record> records, std::string name);

// Everything that is left, as a list; for small traces.
std::vector<Record> read_all(Reader& reader);

}  // namespace regroup::traces
