// Turns the records of a trace into the requests of a run.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <tuple>

#include "core/catalog.hpp"
#include "core/names.hpp"
#include "core/request.hpp"
#include "traces/reader.hpp"
#include "traces/slo.hpp"

namespace regroup::traces {

// The class of requests whose trace gives none.
inline constexpr const char* kDefaultClass = "default";

struct SourceOptions {
  std::optional<int> steps{};  // instead of every request's own
  double rate_scale = 1;       // 2: twice the rate. Arrivals are divided by it; a deadline of the
                               // trace keeps its distance from the arrival
  std::uint64_t limit = 0;     // stop after so many requests; 0: never
  SloRule slo{};
};

// Looks up models, interns shapes and classes, and sets deadlines. Memory grows with the number of
// different (shape, steps, class), not with the trace.
class TraceSource final : public RequestSource {
 public:
  // Catalog and table must outlive the source. Throws ConfigError for options out of range.
  TraceSource(std::unique_ptr<Reader> reader, Catalog& catalog, NameTable<ClassId>& classes,
              SourceOptions options = {});

  // Throws ConfigError, naming the record's place, for a model without a card, a shape that the
  // model cannot make, and a request for which the SLO rule has no answer.
  bool next(Request& request) override;

 private:
  TimePoint deadline(const Request& request, const Record& record);

  std::unique_ptr<Reader> reader_;
  Catalog& catalog_;
  NameTable<ClassId>& classes_;
  SourceOptions options_;
  Record record_;
  std::uint64_t given_ = 0;
  std::map<std::tuple<ShapeId, int, ClassId>, std::optional<Duration>> allowances_;
};

// Model and shape of a record in a catalog; the errors are those of TraceSource::next.
struct Resolved {
  ModelId model;
  ShapeId shape;
};
Resolved resolve(const Reader& reader, const Record& record, Catalog& catalog);

}  // namespace regroup::traces
