#include "core/perfetto_writer.hpp"

#include <protozero/pbf_builder.hpp>

#include <bit>
#include <cstring>

#include "core/perfetto_fields.hpp"

namespace regroup {
namespace {

using namespace perfetto;
using protozero::pbf_builder;
using protozero::pbf_wire_type;

constexpr std::uint32_t kSequence = 1;  // all packets come from one writer

inline std::size_t varint_size(std::uint64_t value) {
  if (value < 0x80) return 1;
  return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7;
}
// Sizes of fields whose own number takes one byte: of a number, and of a nested message.
std::size_t number_size(std::uint64_t number) { return 1 + varint_size(number); }
std::size_t nested_size(std::size_t size) { return number_size(size) + size; }
// Of fields that are always as long.
constexpr std::size_t kTypeSize = 2;
constexpr std::size_t kFlagsSize = 2;
constexpr std::size_t kRealSize = 9;
constexpr std::size_t kFlowSize = 10;
constexpr std::size_t kMostOfNumber = 2 + 10;  // a field of a large number, or of a message's size

// The field of InternedData for a kind of word.
constexpr std::array kInterned = {InternedData::kEventCategories, InternedData::kEventNames,
                                  InternedData::kDebugAnnotationNames,
                                  InternedData::kDebugAnnotationStringValues};

// Writes fields one behind the other to where there is room for them.
class Fields {
 public:
  explicit Fields(char* to) : to_(to) {}

  template <class Name>
  Fields& number(Name field, std::uint64_t value) {
    tag(field, pbf_wire_type::varint);
    varint(value);
    return *this;
  }
  template <class Name>
  Fields& fixed(Name field, std::uint64_t value) {
    tag(field, pbf_wire_type::fixed64);
    static_assert(std::endian::native == std::endian::little, "as the format has it");
    std::memcpy(to_, &value, sizeof value);
    to_ += sizeof value;
    return *this;
  }
  template <class Name>
  Fields& real(Name field, double value) {
    return fixed(field, std::bit_cast<std::uint64_t>(value));
  }
  // A nested message of that size, which must follow.
  template <class Name>
  Fields& message(Name field, std::size_t size) {
    tag(field, pbf_wire_type::length_delimited);
    varint(size);
    return *this;
  }
  Fields& bytes(std::string_view bytes) {
    if (bytes.empty()) return *this;
    std::memcpy(to_, bytes.data(), bytes.size());
    to_ += bytes.size();
    return *this;
  }
  // All of its room is copied: a size that is known when this is compiled takes an instruction.
  Fields& stamp(const PerfettoWriter::Stamp& at) {
    std::memcpy(to_, at.bytes.data(), at.bytes.size());
    to_ += at.size;
    return *this;
  }

  const char* end() const { return to_; }

 private:
  template <class Name>
  void tag(Name field, pbf_wire_type type) {
    varint(static_cast<std::uint64_t>(field) << 3 | static_cast<std::uint64_t>(type));
  }
  // By a copy of the pointer: for all the compiler knows, a char may be part of the pointer itself.
  void varint(std::uint64_t value) {
    char* to = to_;
    for (; value >= 0x80; value >>= 7) *to++ = static_cast<char>(value | 0x80);
    *to++ = static_cast<char>(value);
    to_ = to;
  }

  char* to_;
};

// Fields at the end of a text, of at most so many bytes.
template <std::size_t kMost, class Put>
void extend(std::string& text, Put put) {
  std::array<char, kMost> room;
  Fields fields(room.data());
  put(fields);
  text.append(room.data(), static_cast<std::size_t>(fields.end() - room.data()));
}

// A packet up to the fields of its event, which must follow, as must `rest` bytes behind them and
// the flags. With known sizes everything is written from front to back, straight into the file's
// buffer.
inline Fields begin_packet(OutputFile& file, const PerfettoWriter::Stamp& at,
                           std::size_t event_size, std::size_t rest) {
  const std::size_t size = at.size + nested_size(event_size) + rest + kFlagsSize;
  Fields packet(file.room(kMostOfNumber + size + at.bytes.size()));
  packet.message(Trace::kPacket, size).stamp(at).message(TracePacket::kTrackEvent, event_size);
  return packet;
}

protozero::data_view view(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

PerfettoWriter::Stamp::Stamp(TimePoint at) {
  const auto time = static_cast<std::uint64_t>(at.time_since_epoch().count());
  Fields fields(bytes.data());
  fields.number(TracePacket::kTimestamp, time)
      .number(TracePacket::kTrustedPacketSequenceId, kSequence);
  size = static_cast<std::size_t>(fields.end() - bytes.data());
}

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

void PerfettoWriter::add_word(Word& word, Kind kind) {
  word.number = ++words_[kind];
  any_new_words_ = true;
  pbf_builder<InternedData> data(new_words_[kind]);
  pbf_builder<InternedText> entry(data, kInterned[kind]);
  entry.add_uint64(InternedText::kIid, word.number);
  entry.add_string(InternedText::kName, view(word.text));
}

void PerfettoWriter::annotate(std::string& annotations, Word& name, std::int64_t value) {
  const std::uint64_t iid = number_of(name, kAnnotationName);
  const auto bits = static_cast<std::uint64_t>(value);
  extend<3 * kMostOfNumber>(annotations, [&](Fields& fields) {
    fields.message(TrackEvent::kDebugAnnotations, number_size(iid) + number_size(bits))
        .number(DebugAnnotation::kNameIid, iid)
        .number(DebugAnnotation::kIntValue, bits);
  });
}

void PerfettoWriter::annotate(std::string& annotations, Word& name, double value) {
  const std::uint64_t iid = number_of(name, kAnnotationName);
  extend<3 * kMostOfNumber>(annotations, [&](Fields& fields) {
    fields.message(TrackEvent::kDebugAnnotations, number_size(iid) + kRealSize)
        .number(DebugAnnotation::kNameIid, iid)
        .real(DebugAnnotation::kDoubleValue, value);
  });
}

void PerfettoWriter::annotate(std::string& annotations, Word& name, std::string_view value) {
  const std::uint64_t iid = number_of(name, kAnnotationName);
  extend<3 * kMostOfNumber>(annotations, [&](Fields& fields) {
    fields.message(TrackEvent::kDebugAnnotations, number_size(iid) + nested_size(value.size()))
        .number(DebugAnnotation::kNameIid, iid)
        .message(DebugAnnotation::kStringValue, value.size());
  });
  annotations += value;
}

void PerfettoWriter::annotate(std::string& annotations, Word& name, Word& value) {
  const std::uint64_t iid = number_of(name, kAnnotationName);
  const std::uint64_t value_iid = number_of(value, kAnnotationValue);
  extend<3 * kMostOfNumber>(annotations, [&](Fields& fields) {
    fields.message(TrackEvent::kDebugAnnotations, number_size(iid) + 2 + varint_size(value_iid))
        .number(DebugAnnotation::kNameIid, iid)
        .number(DebugAnnotation::kStringValueIid, value_iid);
  });
}

void PerfettoWriter::write_label(const Stamp& at, Track track, EventType type, const Label& label) {
  const std::uint64_t category = number_of(label.category, kCategory);
  const std::uint64_t name = number_of(label.name, kName);
  const auto uuid = static_cast<std::uint64_t>(track);
  interned_.clear();
  if (any_new_words_) take_new_words();

  const std::size_t event_size = number_size(category) + label.annotations.size() +
                                 label.more_annotations.size() + kTypeSize + number_size(name) +
                                 number_size(uuid) +
                                 kFlowSize * (label.leaving.size() + label.arriving.size());
  Fields packet = begin_packet(file_, at, event_size, interned_.size());
  packet.number(TrackEvent::kCategoryIids, category)
      .bytes(label.annotations)
      .bytes(label.more_annotations)
      .number(TrackEvent::kType, static_cast<std::uint64_t>(type))
      .number(TrackEvent::kNameIid, name)
      .number(TrackEvent::kTrackUuid, uuid);
  for (const std::uint64_t id : label.leaving) packet.fixed(TrackEvent::kFlowIds, id);
  for (const std::uint64_t id : label.arriving) packet.fixed(TrackEvent::kTerminatingFlowIds, id);
  packet.bytes(interned_).number(TracePacket::kSequenceFlags, next_sequence_flags());
  file_.wrote(packet.end());
}

void PerfettoWriter::take_new_words() {
  pbf_builder<TracePacket>(interned_).add_bytes_vectored(
      TracePacket::kInternedData, new_words_[kCategory], new_words_[kName],
      new_words_[kAnnotationName], new_words_[kAnnotationValue]);
  for (std::string& words : new_words_) words.clear();
  any_new_words_ = false;
}

void PerfettoWriter::begin(const Stamp& at, Track track, const Label& label) {
  write_label(at, track, EventType::kSliceBegin, label);
}

void PerfettoWriter::end(const Stamp& at, Track track) {
  const auto uuid = static_cast<std::uint64_t>(track);
  Fields packet = begin_packet(file_, at, kTypeSize + number_size(uuid), 0);
  packet.number(TrackEvent::kType, static_cast<std::uint64_t>(EventType::kSliceEnd))
      .number(TrackEvent::kTrackUuid, uuid)
      .number(TracePacket::kSequenceFlags, next_sequence_flags());
  file_.wrote(packet.end());
}

void PerfettoWriter::instant(const Stamp& at, Track track, const Label& label) {
  write_label(at, track, EventType::kInstant, label);
}

void PerfettoWriter::count(const Stamp& at, Track track, std::int64_t value) {
  const auto uuid = static_cast<std::uint64_t>(track);
  const auto bits = static_cast<std::uint64_t>(value);
  Fields packet = begin_packet(file_, at, kTypeSize + number_size(uuid) + 1 + number_size(bits), 0);
  packet.number(TrackEvent::kType, static_cast<std::uint64_t>(EventType::kCounter))
      .number(TrackEvent::kTrackUuid, uuid)
      .number(TrackEvent::kCounterValue, bits)
      .number(TracePacket::kSequenceFlags, next_sequence_flags());
  file_.wrote(packet.end());
}

}  // namespace regroup
