#include "core/perfetto_writer.hpp"

#include <protozero/pbf_builder.hpp>
#include <protozero/varint.hpp>

#include <bit>
#include <cstring>

#include "core/perfetto_fields.hpp"

namespace regroup {
namespace {

using namespace perfetto;
using protozero::pbf_builder;

constexpr std::uint32_t kSequence = 1;  // all packets come from one writer

using protozero::pbf_wire_type;

// A few fields, which is what most packets are: on the stack, where a byte costs less than in a
// string that may have to grow.
class Fields {
 public:
  template <class Name>
  Fields& number(Name field, std::uint64_t value) {
    tag(field, pbf_wire_type::varint);
    varint(value);
    return *this;
  }
  template <class Name>
  Fields& real(Name field, double value) {
    tag(field, pbf_wire_type::fixed64);
    static_assert(std::endian::native == std::endian::little, "as the format has it");
    const auto bits = std::bit_cast<std::array<char, sizeof value>>(value);
    return bytes({bits.data(), bits.size()});
  }
  // A nested message of that size, which must follow.
  template <class Name>
  Fields& message(Name field, std::size_t size) {
    tag(field, pbf_wire_type::length_delimited);
    varint(size);
    return *this;
  }
  Fields& bytes(std::string_view bytes) {
    std::memcpy(room_.data() + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
    return *this;
  }

  std::size_t size() const { return size_; }
  std::string_view view() const { return {room_.data(), size_}; }

 private:
  template <class Name>
  void tag(Name field, pbf_wire_type type) {
    varint(static_cast<std::uint64_t>(field) << 3 | static_cast<std::uint64_t>(type));
  }
  void varint(std::uint64_t value) {
    size_ += static_cast<std::size_t>(protozero::add_varint_to_buffer(room_.data() + size_, value));
  }

  std::array<char, 96> room_;  // eight of the largest numbers; no message here has as many
  std::size_t size_ = 0;
};

// Sizes of fields whose own number takes one byte: of a number, and of a nested message.
std::size_t number_size(std::uint64_t number) {
  return 1 + static_cast<std::size_t>(protozero::length_of_varint(number));
}
std::size_t nested_size(std::size_t size) { return number_size(size) + size; }
constexpr std::size_t kSequenceSize = 2;  // the packet's fields that are always as long
constexpr std::size_t kFlagsSize = 2;
constexpr std::size_t kRealSize = 9;

// A packet up to the fields of its event, which must follow, as must `rest` bytes behind them. With
// known sizes everything is written from front to back.
Fields begin_packet(TimePoint at, std::size_t event_size, std::size_t rest) {
  const auto time = static_cast<std::uint64_t>(at.time_since_epoch().count());
  Fields packet;
  packet.message(Trace::kPacket, number_size(time) + kSequenceSize + nested_size(event_size) + rest)
      .number(TracePacket::kTimestamp, time)
      .number(TracePacket::kTrustedPacketSequenceId, kSequence)
      .message(TracePacket::kTrackEvent, event_size);
  return packet;
}

Fields event_fields(EventType type) {
  Fields event;
  event.number(TrackEvent::kType, static_cast<std::uint64_t>(type));
  return event;
}

protozero::data_view view(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

std::uint32_t PerfettoWriter::next_sequence_flags() {
  const auto flags = first_packet_ ? SequenceFlags::kIncrementalStateCleared
                                   : SequenceFlags::kNeedsIncrementalState;
  first_packet_ = false;
  return static_cast<std::uint32_t>(flags);
}

// A Trace is nothing but its packets one after the other, so it can be written as a stream.
void PerfettoWriter::write_descriptor(const std::string& descriptor) {
  packet_.clear();
  {
    pbf_builder<Trace> trace(packet_);
    pbf_builder<TracePacket> packet(trace, Trace::kPacket);
    packet.add_uint32(TracePacket::kTrustedPacketSequenceId, kSequence);
    packet.add_uint32(TracePacket::kSequenceFlags, next_sequence_flags());
    packet.add_message(TracePacket::kTrackDescriptor, descriptor);
  }
  file_.write(packet_);
}

PerfettoWriter::Track PerfettoWriter::add_process(std::string_view name) {
  std::string bytes;
  pbf_builder<TrackDescriptor> track(bytes);
  track.add_uint64(TrackDescriptor::kUuid, ++tracks_);
  {
    pbf_builder<ProcessDescriptor> process(track, TrackDescriptor::kProcess);
    process.add_int32(ProcessDescriptor::kPid, ++processes_);
    process.add_string(ProcessDescriptor::kProcessName, view(name));
  }
  track.add_enum(TrackDescriptor::kChildOrdering, static_cast<int>(ChildOrdering::kExplicit));
  write_descriptor(bytes);
  return Track{tracks_};
}

PerfettoWriter::Track PerfettoWriter::add_track(Track parent, std::string_view name, int rank) {
  std::string bytes;
  pbf_builder<TrackDescriptor> track(bytes);
  track.add_uint64(TrackDescriptor::kUuid, ++tracks_);
  track.add_string(TrackDescriptor::kName, view(name));
  track.add_uint64(TrackDescriptor::kParentUuid, static_cast<std::uint64_t>(parent));
  track.add_enum(TrackDescriptor::kChildOrdering, static_cast<int>(ChildOrdering::kExplicit));
  track.add_int32(TrackDescriptor::kSiblingOrderRank, rank);
  write_descriptor(bytes);
  return Track{tracks_};
}

PerfettoWriter::Track PerfettoWriter::add_counter(Track parent, std::string_view name, int rank) {
  std::string bytes;
  pbf_builder<TrackDescriptor> track(bytes);
  track.add_uint64(TrackDescriptor::kUuid, ++tracks_);
  track.add_string(TrackDescriptor::kName, view(name));
  track.add_uint64(TrackDescriptor::kParentUuid, static_cast<std::uint64_t>(parent));
  {
    pbf_builder<CounterDescriptor> counter(track, TrackDescriptor::kCounter);
    counter.add_enum(CounterDescriptor::kUnit, static_cast<int>(Unit::kCount));
  }
  track.add_int32(TrackDescriptor::kSiblingOrderRank, rank);
  write_descriptor(bytes);
  return Track{tracks_};
}

std::uint64_t PerfettoWriter::number_of(Word& word, Kind kind) {
  if (word.number > 0) return word.number;
  word.number = ++words_[kind];
  any_new_words_ = true;
  pbf_builder<InternedData> data(new_words_[kind]);
  pbf_builder<InternedText> entry(data, InternedData{static_cast<Field>(kind + 1)});
  entry.add_uint64(InternedText::kIid, word.number);
  entry.add_string(InternedText::kName, view(word.text));
  return word.number;
}

void PerfettoWriter::annotate(std::string& annotations, Word& name, std::int64_t value) {
  const std::uint64_t iid = number_of(name, kAnnotationName);
  const auto bits = static_cast<std::uint64_t>(value);
  annotations += Fields()
                     .message(TrackEvent::kDebugAnnotations, number_size(iid) + number_size(bits))
                     .number(DebugAnnotation::kNameIid, iid)
                     .number(DebugAnnotation::kIntValue, bits)
                     .view();
}

void PerfettoWriter::annotate(std::string& annotations, Word& name, double value) {
  const std::uint64_t iid = number_of(name, kAnnotationName);
  annotations += Fields()
                     .message(TrackEvent::kDebugAnnotations, number_size(iid) + kRealSize)
                     .number(DebugAnnotation::kNameIid, iid)
                     .real(DebugAnnotation::kDoubleValue, value)
                     .view();
}

void PerfettoWriter::annotate(std::string& annotations, Word& name, std::string_view value) {
  const std::uint64_t iid = number_of(name, kAnnotationName);
  annotations +=
      Fields()
          .message(TrackEvent::kDebugAnnotations, number_size(iid) + nested_size(value.size()))
          .number(DebugAnnotation::kNameIid, iid)
          .message(DebugAnnotation::kStringValue, value.size())
          .view();
  annotations += value;
}

void PerfettoWriter::write_label(TimePoint at, Track track, EventType type, const Label& label) {
  const std::uint64_t category = number_of(label.category, kCategory);
  Fields event = event_fields(type);
  event.number(TrackEvent::kNameIid, number_of(label.name, kName))
      .number(TrackEvent::kTrackUuid, static_cast<std::uint64_t>(track));
  flows_.clear();
  pbf_builder<TrackEvent> flows(flows_);
  for (const std::uint64_t id : label.leaving) flows.add_fixed64(TrackEvent::kFlowIds, id);
  for (const std::uint64_t id : label.arriving)
    flows.add_fixed64(TrackEvent::kTerminatingFlowIds, id);
  interned_.clear();
  if (any_new_words_) take_new_words();

  const std::size_t event_size =
      number_size(category) + label.annotations.size() + event.size() + flows_.size();
  Fields packet = begin_packet(at, event_size, interned_.size() + kFlagsSize);
  packet.number(TrackEvent::kCategoryIids, category);
  file_.write(packet.view());
  if (!label.annotations.empty()) file_.write(label.annotations);
  if (!flows_.empty() || !interned_.empty()) {
    file_.write(event.view());
    file_.write(flows_);
    file_.write(interned_);
    event = {};
  }
  file_.write(event.number(TracePacket::kSequenceFlags, next_sequence_flags()).view());
}

void PerfettoWriter::take_new_words() {
  pbf_builder<TracePacket>(interned_).add_bytes_vectored(TracePacket::kInternedData,
                                                         new_words_[kCategory], new_words_[kName],
                                                         new_words_[kAnnotationName]);
  for (std::string& words : new_words_) words.clear();
  any_new_words_ = false;
}

void PerfettoWriter::begin(TimePoint at, Track track, const Label& label) {
  write_label(at, track, EventType::kSliceBegin, label);
}

void PerfettoWriter::end(TimePoint at, Track track) {
  Fields event = event_fields(EventType::kSliceEnd);
  event.number(TrackEvent::kTrackUuid, static_cast<std::uint64_t>(track));
  write_plain(at, event.view());
}

void PerfettoWriter::instant(TimePoint at, Track track, const Label& label) {
  write_label(at, track, EventType::kInstant, label);
}

void PerfettoWriter::count(TimePoint at, Track track, std::int64_t value) {
  Fields event = event_fields(EventType::kCounter);
  event.number(TrackEvent::kTrackUuid, static_cast<std::uint64_t>(track))
      .number(TrackEvent::kCounterValue, static_cast<std::uint64_t>(value));
  write_plain(at, event.view());
}

// Most packets: without words, texts or arrows.
void PerfettoWriter::write_plain(TimePoint at, std::string_view event) {
  Fields packet = begin_packet(at, event.size(), kFlagsSize);
  packet.bytes(event).number(TracePacket::kSequenceFlags, next_sequence_flags());
  file_.write(packet.view());
}

}  // namespace regroup
