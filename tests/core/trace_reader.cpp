#include "tests/core/trace_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <set>
#include <stdexcept>

namespace regroup::script {
namespace {

[[noreturn]] void bad(const std::string& what) { throw std::runtime_error("trace: " + what); }

std::uint64_t take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (bytes.empty()) bad("a varint is cut short");
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return value;
  }
  bad("a varint is too long");
}

std::string_view take(std::string_view& bytes, std::size_t count) {
  if (bytes.size() < count) bad("a field is cut short");
  const std::string_view head = bytes.substr(0, count);
  bytes.remove_prefix(count);
  return head;
}

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;)
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

// The texts that events refer to by number.
struct Names {
  std::map<std::uint64_t, std::string> categories, events, annotations, values;
};

void read_name(std::string_view message, std::map<std::uint64_t, std::string>& names) {
  std::uint64_t iid = 0;
  std::string name;
  for (const Field& field : fields_of(message)) {
    if (field.number == 1) iid = field.value;
    if (field.number == 2) name = field.bytes;
  }
  if (iid == 0 || !names.emplace(iid, name).second) bad("a name has no number of its own");
}

void read_names(std::string_view interned_data, Names& names) {
  for (const Field& field : fields_of(interned_data)) {
    switch (field.number) {
      case 1:
        read_name(field.bytes, names.categories);
        break;
      case 2:
        read_name(field.bytes, names.events);
        break;
      case 3:
        read_name(field.bytes, names.annotations);
        break;
      case 29:
        read_name(field.bytes, names.values);
        break;
      default:
        bad("unknown field of InternedData");
    }
  }
}

void read_annotation(std::string_view message, const Names& names, TraceEvent& event) {
  std::string name, value;
  for (const Field& field : fields_of(message)) {
    switch (field.number) {
      case 1:
        name = names.annotations.at(field.value);
        break;
      case 4:
        value = std::to_string(static_cast<std::int64_t>(field.value));
        break;
      case 5:
        value = fmt::format("{}", std::bit_cast<double>(field.value));
        break;
      case 6:
        value = field.bytes;
        break;
      case 17:
        value = names.values.at(field.value);
        break;
      default:
        bad("unknown field of DebugAnnotation");
    }
  }
  event.annotations[name] = value;
}

TraceEvent read_event(std::string_view message, const Names& names) {
  TraceEvent event;
  for (const Field& field : fields_of(message)) {
    switch (field.number) {
      case 3:
        event.category = names.categories.at(field.value);
        break;
      case 4:
        read_annotation(field.bytes, names, event);
        break;
      case 9:
        event.type = static_cast<TraceEvent::Type>(field.value);
        break;
      case 10:
        event.name = names.events.at(field.value);
        break;
      case 11:
        event.track = field.value;
        break;
      case 30:
        event.count = static_cast<std::int64_t>(field.value);
        break;
      case 47:
        event.leaving.push_back(field.value);
        break;
      case 48:
        event.arriving.push_back(field.value);
        break;
      default:
        bad("unknown field of TrackEvent");
    }
  }
  return event;
}

void read_track(std::string_view message, Trace& trace) {
  std::uint64_t uuid = 0;
  TraceTrack track;
  for (const Field& field : fields_of(message)) {
    switch (field.number) {
      case 1:
        uuid = field.value;
        break;
      case 2:
        track.name = field.bytes;
        break;
      case 3:
        track.process = true;
        for (const Field& process : fields_of(field.bytes))
          if (process.number == 6) track.name = process.bytes;
        break;
      case 5:
        track.parent = field.value;
        break;
      case 8:
        track.counter = true;
        break;
      case 11:
        if (field.value != 3) bad("children are not in order of their ranks");
        break;
      case 12:
        track.rank = static_cast<int>(field.value);
        break;
      default:
        bad("unknown field of TrackDescriptor");
    }
  }
  if (track.parent != 0 && !trace.tracks.contains(track.parent)) bad("a parent is not known yet");
  if (uuid == 0 || !trace.tracks.emplace(uuid, track).second) bad("a track is described twice");
}

}  // namespace

std::vector<Field> fields_of(std::string_view message) {
  std::vector<Field> fields;
  while (!message.empty()) {
    const std::uint64_t tag = take_varint(message);
    Field field{static_cast<int>(tag >> 3), static_cast<Wire>(tag & 7), 0, {}};
    switch (field.wire) {
      case Wire::kVarint:
        field.value = take_varint(message);
        break;
      case Wire::kFixed64:
        field.value = little_endian(take(message, 8));
        break;
      case Wire::kBytes:
        field.bytes = take(message, take_varint(message));
        break;
      case Wire::kFixed32:
        field.value = little_endian(take(message, 4));
        break;
      default:
        bad("unknown wire type");
    }
    fields.push_back(field);
  }
  return fields;
}

Trace read_trace(std::string_view file) {
  // timestamp, trusted_packet_sequence_id, track_event, interned_data, sequence_flags,
  // track_descriptor
  const std::set<int> known = {8, 10, 11, 12, 13, 60};
  Trace trace;
  Names names;
  for (const Field& packet : fields_of(file)) {
    if (packet.number != 1 || packet.wire != Wire::kBytes) bad("not a packet");
    std::map<int, Field> fields;
    for (const Field& field : fields_of(packet.bytes)) fields[field.number] = field;
    for (const auto& [number, field] : fields)
      if (!known.contains(number)) bad("unknown field of TracePacket");
    if (fields.contains(12)) read_names(fields.at(12).bytes, names);
    if (fields.contains(60)) read_track(fields.at(60).bytes, trace);
    if (!fields.contains(11)) continue;
    TraceEvent event = read_event(fields.at(11).bytes, names);
    event.at = fields.at(8).value;
    if (!trace.tracks.contains(event.track)) bad("an event is on no known track");
    trace.events.push_back(std::move(event));
  }
  std::stable_sort(trace.events.begin(), trace.events.end(),
                   [](const TraceEvent& a, const TraceEvent& b) { return a.at < b.at; });
  return trace;
}

std::vector<std::string> lines_of(const Trace& trace) {
  std::vector<std::string> lines;
  for (const TraceEvent& event : trace.events) {
    std::string path;
    for (std::uint64_t track = event.track; track != 0; track = trace.tracks.at(track).parent)
      path = trace.tracks.at(track).name + (path.empty() ? "" : "/") + path;
    std::string line = fmt::format("{} ", event.at / 1000);
    switch (event.type) {
      case TraceEvent::Type::kBegin:
        line += fmt::format("begin {}: {} '{}'", path, event.category, event.name);
        break;
      case TraceEvent::Type::kEnd:
        line += fmt::format("end {}", path);
        break;
      case TraceEvent::Type::kInstant:
        line += fmt::format("instant {}: {} '{}'", path, event.category, event.name);
        break;
      case TraceEvent::Type::kCounter:
        line += fmt::format("count {}: {}", path, event.count);
        break;
    }
    for (const std::uint64_t id : event.leaving) line += fmt::format(" ->{}", id);
    for (const std::uint64_t id : event.arriving) line += fmt::format(" <-{}", id);
    lines.push_back(line);
  }
  return lines;
}

}  // namespace regroup::script
