// Reads a Perfetto trace by the rules of the wire format alone: no generated code, so that a wrong
// number in our .proto cannot hide.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace regroup::script {

// https://protobuf.dev/programming-guides/encoding/
enum class Wire { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct Field {
  int number = 0;
  Wire wire{};
  std::uint64_t value = 0;  // varint and fixed
  std::string_view bytes;   // text and messages
};

// The fields of a message, in order. Throws std::runtime_error if it is cut short.
std::vector<Field> fields_of(std::string_view message);

struct TraceEvent {
  enum class Type { kBegin = 1, kEnd = 2, kInstant = 3, kCounter = 4 };
  std::uint64_t at = 0;
  Type type{};
  std::uint64_t track = 0;
  std::string category, name;
  std::map<std::string, std::string> annotations;
  std::int64_t count = 0;
  std::vector<std::uint64_t> leaving, arriving;
};

struct TraceTrack {
  std::uint64_t parent = 0;
  std::string name;
  bool process = false, counter = false;
  int rank = 0;
};

struct Trace {
  std::map<std::uint64_t, TraceTrack> tracks;
  std::vector<TraceEvent> events;  // as Perfetto orders them: by time, then as written
};

// With the field numbers that Perfetto publishes. Throws std::runtime_error for anything that has
// no place there or refers to what was not written before it.
Trace read_trace(std::string_view file);

// One line for each event: "3000 begin GPUs/node 0 gpu 0: run '1024x1024 x2 steps 2'", in us.
std::vector<std::string> lines_of(const Trace& trace);

}  // namespace regroup::script
