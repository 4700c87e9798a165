// What a trace asks for, in numbers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/catalog.hpp"
#include "traces/reader.hpp"

namespace regroup::traces {

struct TraceStats {
  std::uint64_t requests = 0;
  std::uint64_t with_deadline = 0;
  TimePoint first_arrival{};
  TimePoint last_arrival{};

  // Over the gaps between successive arrivals; zero with fewer than two requests.
  double gap_mean_s = 0;
  double gap_cv = 0;      // standard deviation (of the gaps as they are) over mean
  double rate_per_s = 0;  // 1 / gap_mean_s; zero when all arrive at once

  std::map<std::string, std::uint64_t> by_class;  // "" where the trace gives none
  std::map<std::string, std::uint64_t> by_model;
  std::map<Shape, std::uint64_t> by_shape;
  std::map<int, std::uint64_t> by_steps;

  // With a catalog: T1 summed over the requests, in GPU-seconds, and the mean T1 times rate_per_s:
  // the number of GPUs that would be busy if every request ran on one.
  std::optional<double> work_gpu_s;
  std::optional<double> offered_load_gpus;

  Duration span() const { return last_arrival - first_arrival; }
};

// Reads to the end, in memory that does not grow with the trace. With a catalog, throws ConfigError
// as TraceSource::next does for models and shapes it does not know.
TraceStats measure(Reader& reader, Catalog* catalog = nullptr);

}  // namespace regroup::traces
