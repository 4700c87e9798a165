#include "core/perfetto_writer.hpp"

#include "core/perfetto_trace.pb.h"

namespace regroup {
namespace {

namespace pb = perfetto::protos;

constexpr std::uint32_t kSequence = 1;  // all packets come from one writer
constexpr int kTracePacketField = 1;    // Trace.packet
constexpr int kLengthDelimited = 2;     // its wire type

void append_varint(std::string& bytes, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7f) | 0x80);
  bytes += static_cast<char>(value);
}

// The number of a text. A new one is added to `entries`, which travel with the packet that first
// uses them.
template <class Table, class Entries>
std::uint64_t interned(Table& table, std::string_view text, Entries&& entries) {
  const std::size_t known = table.size();
  const std::uint64_t iid = table.intern(text).value + 1;  // 0 means none
  if (table.size() > known) {
    auto* entry = entries()->Add();
    entry->set_iid(iid);
    entry->set_name(std::string(text));
  }
  return iid;
}

}  // namespace

PerfettoWriter::PerfettoWriter(OutputFile& file)
    : file_(file), packet_(std::make_unique<pb::TracePacket>()) {}

PerfettoWriter::~PerfettoWriter() = default;

pb::TracePacket& PerfettoWriter::next_packet() {
  packet_->Clear();
  packet_->set_trusted_packet_sequence_id(kSequence);
  packet_->set_sequence_flags(first_packet_ ? pb::TracePacket::SEQ_INCREMENTAL_STATE_CLEARED
                                            : pb::TracePacket::SEQ_NEEDS_INCREMENTAL_STATE);
  first_packet_ = false;
  return *packet_;
}

void PerfettoWriter::write_packet() {
  // A Trace is nothing but its packets one after the other, so it can be written as a stream.
  bytes_.clear();
  append_varint(bytes_, kTracePacketField << 3 | kLengthDelimited);
  append_varint(bytes_, packet_->ByteSizeLong());
  packet_->AppendToString(&bytes_);
  file_.write(bytes_);
}

PerfettoWriter::Track PerfettoWriter::add_process(std::string_view name) {
  pb::TrackDescriptor& track = *next_packet().mutable_track_descriptor();
  track.set_uuid(++tracks_);
  track.mutable_process()->set_pid(++processes_);
  track.mutable_process()->set_process_name(std::string(name));
  track.set_child_ordering(pb::TrackDescriptor::EXPLICIT);
  write_packet();
  return Track{tracks_};
}

PerfettoWriter::Track PerfettoWriter::add_track(Track parent, std::string_view name, int rank) {
  pb::TrackDescriptor& track = *next_packet().mutable_track_descriptor();
  track.set_uuid(++tracks_);
  track.set_parent_uuid(static_cast<std::uint64_t>(parent));
  track.set_name(std::string(name));
  track.set_child_ordering(pb::TrackDescriptor::EXPLICIT);
  track.set_sibling_order_rank(rank);
  write_packet();
  return Track{tracks_};
}

PerfettoWriter::Track PerfettoWriter::add_counter(Track parent, std::string_view name, int rank) {
  pb::TrackDescriptor& track = *next_packet().mutable_track_descriptor();
  track.set_uuid(++tracks_);
  track.set_parent_uuid(static_cast<std::uint64_t>(parent));
  track.set_name(std::string(name));
  track.mutable_counter()->set_unit(pb::CounterDescriptor::UNIT_COUNT);
  track.set_sibling_order_rank(rank);
  write_packet();
  return Track{tracks_};
}

pb::TrackEvent& PerfettoWriter::next_event(TimePoint at, Track track, pb::TrackEvent_Type type) {
  pb::TracePacket& packet = next_packet();
  packet.set_timestamp(static_cast<std::uint64_t>(at.time_since_epoch().count()));
  pb::TrackEvent& event = *packet.mutable_track_event();
  event.set_type(type);
  event.set_track_uuid(static_cast<std::uint64_t>(track));
  return event;
}

void PerfettoWriter::describe(pb::TrackEvent& event, const Label& label) {
  const auto data = [&] { return packet_->mutable_interned_data(); };
  event.add_category_iids(
      interned(categories_, label.category, [&] { return data()->mutable_event_categories(); }));
  event.set_name_iid(interned(names_, label.name, [&] { return data()->mutable_event_names(); }));
  for (const Annotation& annotation : label.annotations) {
    pb::DebugAnnotation& out = *event.add_debug_annotations();
    out.set_name_iid(interned(annotation_names_, annotation.name,
                              [&] { return data()->mutable_debug_annotation_names(); }));
    if (const auto* integer = std::get_if<std::int64_t>(&annotation.value))
      out.set_int_value(*integer);
    else if (const auto* number = std::get_if<double>(&annotation.value))
      out.set_double_value(*number);
    else
      out.set_string_value(std::string(std::get<std::string_view>(annotation.value)));
  }
  for (const std::uint64_t id : label.leaving) event.add_flow_ids(id);
  for (const std::uint64_t id : label.arriving) event.add_terminating_flow_ids(id);
}

void PerfettoWriter::begin(TimePoint at, Track track, const Label& label) {
  describe(next_event(at, track, pb::TrackEvent::TYPE_SLICE_BEGIN), label);
  write_packet();
}

void PerfettoWriter::end(TimePoint at, Track track) {
  next_event(at, track, pb::TrackEvent::TYPE_SLICE_END);
  write_packet();
}

void PerfettoWriter::instant(TimePoint at, Track track, const Label& label) {
  describe(next_event(at, track, pb::TrackEvent::TYPE_INSTANT), label);
  write_packet();
}

void PerfettoWriter::count(TimePoint at, Track track, std::int64_t value) {
  next_event(at, track, pb::TrackEvent::TYPE_COUNTER).set_counter_value(value);
  write_packet();
}

}  // namespace regroup
