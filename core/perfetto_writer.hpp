// Tracks, slices, instants and counters as a stream of Perfetto packets.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "core/names.hpp"
#include "core/output_file.hpp"
#include "regroup/policy/types.hpp"

namespace perfetto::protos {
class TracePacket;
class TrackEvent;
enum TrackEvent_Type : int;
}  // namespace perfetto::protos

namespace regroup {

// Knows the format, not the meaning. Packets are written at once, so memory grows with the number
// of different names only. Packets of one track must come in order of time (Perfetto sorts by time
// and keeps the order of equal times); slices of one track must nest. Times are since the run
// began.
class PerfettoWriter {
 public:
  enum class Track : std::uint64_t {};

  // A remark on a slice or instant; the UI lists them when it is clicked.
  struct Annotation {
    std::string_view name;
    std::variant<std::int64_t, double, std::string_view> value;
  };

  struct Label {
    std::string_view category;  // what the UI can be told to show or colour by
    std::string_view name;
    std::span<const Annotation> annotations = {};
    // An arrow goes from the slice that has an id in `leaving` to the one that has it in
    // `arriving`. An id that never arrives is not drawn.
    std::span<const std::uint64_t> leaving = {}, arriving = {};
  };

  // The file must outlive this, and is not committed by it. SystemError from every function.
  explicit PerfettoWriter(OutputFile& file);
  PerfettoWriter(const PerfettoWriter&) = delete;
  PerfettoWriter& operator=(const PerfettoWriter&) = delete;
  ~PerfettoWriter();

  // A heading that is shown as a process. Tracks below it are shown in order of their ranks.
  Track add_process(std::string_view name);
  Track add_track(Track parent, std::string_view name, int rank);
  Track add_counter(Track parent, std::string_view name, int rank);

  void begin(TimePoint at, Track track, const Label& label);
  void end(TimePoint at, Track track);
  void instant(TimePoint at, Track track, const Label& label);
  void count(TimePoint at, Track track, std::int64_t value);

 private:
  using Iid = Id<struct IidTag, std::uint64_t>;

  perfetto::protos::TracePacket& next_packet();
  perfetto::protos::TrackEvent& next_event(TimePoint at, Track track,
                                           perfetto::protos::TrackEvent_Type type);
  void describe(perfetto::protos::TrackEvent& event, const Label& label);
  void write_packet();

  OutputFile& file_;
  std::unique_ptr<perfetto::protos::TracePacket> packet_;  // one for all, to keep its memory
  std::string bytes_;
  std::uint64_t tracks_ = 0;
  int processes_ = 0;
  bool first_packet_ = true;
  NameTable<Iid> categories_, names_, annotation_names_;
};

}  // namespace regroup
