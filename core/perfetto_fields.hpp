// The part of Perfetto's trace format that timeline.pftrace uses, so that ui.perfetto.dev and
// trace_processor read it. Field numbers are those that Perfetto publishes at
// https://github.com/google/perfetto, protos/perfetto/trace/ (trace.proto, trace_packet.proto,
// track_event/*.proto, interned_data/interned_data.proto). They must never differ from there:
// readers skip what they do not know without a word.
#pragma once

#include <protozero/types.hpp>

namespace regroup::perfetto {

// One enum for each message, with the names and types that its fields have there. Fields are
// written in order of their numbers, as protobuf's own writers do.
using Field = protozero::pbf_tag_type;

enum class Trace : Field { kPacket = 1 };

enum class TracePacket : Field {
  kTimestamp = 8,                 // uint64, nanoseconds
  kTrustedPacketSequenceId = 10,  // uint32
  kTrackEvent = 11,
  kInternedData = 12,
  kSequenceFlags = 13,  // uint32
  kTrackDescriptor = 60,
};
enum class SequenceFlags : std::uint32_t {
  kIncrementalStateCleared = 1,  // nothing before this packet is referred to
  kNeedsIncrementalState = 2,    // uses interned data from before
};

enum class TrackDescriptor : Field {
  kUuid = 1,  // uint64
  kName = 2,  // string
  kProcess = 3,
  kParentUuid = 5,  // uint64
  kCounter = 8,
  kChildOrdering = 11,
  kSiblingOrderRank = 12,  // int32
};
enum class ChildOrdering : std::int32_t { kExplicit = 3 };  // by sibling_order_rank

enum class ProcessDescriptor : Field {
  kPid = 1,          // int32
  kProcessName = 6,  // string
};

enum class CounterDescriptor : Field { kUnit = 3 };
enum class Unit : std::int32_t { kCount = 2 };

enum class TrackEvent : Field {
  kCategoryIids = 3,  // uint64
  kDebugAnnotations = 4,
  kType = 9,
  kNameIid = 10,             // uint64
  kTrackUuid = 11,           // uint64
  kCounterValue = 30,        // int64
  kFlowIds = 47,             // fixed64
  kTerminatingFlowIds = 48,  // fixed64
};
enum class EventType : std::int32_t { kSliceBegin = 1, kSliceEnd = 2, kInstant = 3, kCounter = 4 };

enum class DebugAnnotation : Field {
  kNameIid = 1,          // uint64
  kIntValue = 4,         // int64
  kDoubleValue = 5,      // double
  kStringValue = 6,      // string
  kStringValueIid = 17,  // uint64
};

// Text that packets refer to by number (iid, from 1).
enum class InternedData : Field {
  kEventCategories = 1,
  kEventNames = 2,
  kDebugAnnotationNames = 3,
  kDebugAnnotationStringValues = 29,
};
// EventCategory, EventName, DebugAnnotationName; and InternedString, whose text is bytes `str`.
enum class InternedText : Field {
  kIid = 1,   // uint64
  kName = 2,  // string
};

}  // namespace regroup::perfetto
