// The bytes of a timeline, as Perfetto's readers have them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <set>

#include "core/timeline.hpp"
#include "tests/core/timeline_script.hpp"
#include "tests/core/trace_reader.hpp"

namespace regroup {
namespace {

using script::Script;
using script::TempDir;
using script::us;
using script::written_timeline;

// Perfetto's numbers, by hand: the first packet of each kind has these fields and no others.
TEST(TimelineBytes, HaveThePublishedFieldNumbers) {
  const TempDir dir;
  Script script;
  const std::string file = written_timeline(dir, script, script::play_story);
  using Numbers = std::vector<std::pair<int, script::Wire>>;
  const auto numbers = [](std::string_view message) {
    Numbers found;
    for (const script::Field& field : script::fields_of(message))
      found.emplace_back(field.number, field.wire);
    return found;
  };
  const auto field = [](std::string_view message, int number) {
    for (const script::Field& one : script::fields_of(message))
      if (one.number == number) return one;
    return script::Field{};
  };
  const auto packets = script::fields_of(file);
  const auto v = script::Wire::kVarint, b = script::Wire::kBytes, f = script::Wire::kFixed64;

  const std::string_view process = packets.at(0).bytes;
  EXPECT_EQ(numbers(process), (Numbers{{10, v}, {13, v}, {60, b}}));
  EXPECT_EQ(field(process, 13).value, 1u);  // SEQ_INCREMENTAL_STATE_CLEARED
  EXPECT_EQ(numbers(field(process, 60).bytes), (Numbers{{1, v}, {3, b}, {11, v}}));
  EXPECT_EQ(numbers(field(field(process, 60).bytes, 3).bytes), (Numbers{{1, v}, {6, b}}));
  const std::string_view counter = packets.at(1).bytes;
  EXPECT_EQ(field(counter, 13).value, 2u);  // SEQ_NEEDS_INCREMENTAL_STATE
  EXPECT_EQ(numbers(field(counter, 60).bytes), (Numbers{{1, v}, {2, b}, {5, v}, {8, b}, {12, v}}));
  EXPECT_EQ(numbers(field(field(counter, 60).bytes, 8).bytes), (Numbers{{3, v}}));

  std::map<std::uint64_t, std::string_view> first;  // packet by type of its event
  for (const script::Field& packet : packets)
    if (const std::string_view event = field(packet.bytes, 11).bytes; !event.empty())
      first.emplace(field(event, 9).value, packet.bytes);
  ASSERT_EQ(first.size(), 4u);
  EXPECT_EQ(numbers(first.at(1)), (Numbers{{8, v}, {10, v}, {11, b}, {12, b}, {13, v}}));
  EXPECT_EQ(numbers(first.at(2)), (Numbers{{8, v}, {10, v}, {11, b}, {13, v}}));
  EXPECT_EQ(numbers(field(first.at(2), 11).bytes), (Numbers{{9, v}, {11, v}}));
  EXPECT_EQ(numbers(field(first.at(3), 11).bytes), (Numbers{{3, v}, {9, v}, {10, v}, {11, v}}));
  EXPECT_EQ(numbers(field(first.at(4), 11).bytes), (Numbers{{9, v}, {11, v}, {30, v}}));
  const Numbers begin = numbers(field(first.at(1), 11).bytes);
  EXPECT_EQ(begin, (Numbers{{3, v},
                            {4, b},
                            {4, b},
                            {4, b},
                            {4, b},
                            {4, b},
                            {4, b},
                            {4, b},
                            {4, b},
                            {9, v},
                            {10, v},
                            {11, v},
                            {47, f}}));
  EXPECT_EQ(numbers(field(field(first.at(1), 11).bytes, 4).bytes), (Numbers{{1, v}, {6, b}}));
  // request, class, stage, degree, layout, steps, run, expected_s
  std::vector<Numbers> values;
  for (const script::Field& one : script::fields_of(field(first.at(1), 11).bytes))
    if (one.number == 4) values.push_back(numbers(one.bytes));
  EXPECT_EQ(values, (std::vector<Numbers>{{{1, v}, {6, b}},
                                          {{1, v}, {17, v}},
                                          {{1, v}, {17, v}},
                                          {{1, v}, {4, v}},
                                          {{1, v}, {17, v}},
                                          {{1, v}, {4, v}},
                                          {{1, v}, {4, v}},
                                          {{1, v}, {5, f}}}));
  std::set<int> interned;
  for (const script::Field& one : script::fields_of(field(first.at(1), 12).bytes)) {
    interned.insert(one.number);
    EXPECT_EQ(numbers(one.bytes), (Numbers{{1, v}, {2, b}}));
  }
  EXPECT_EQ(interned, (std::set<int>{1, 2, 3, 29}));
}

TEST(TimelineBytes, AreReadByProtoc) {
  if (std::system("protoc --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "no protoc here";
  const TempDir dir;
  Script script(1);
  written_timeline(dir, script, [](Script& s) {
    s.now = us(7);
    const RequestId a = s.arrive("a", "x", 1, us(8));
    s.now = us(9);
    s.instant(1);
    s.end_request(a, RequestOutcome::End::kRejected);
  });
  const std::string command = "protoc --proto_path=" RG_SOURCE_DIR
                              "/tests/core"
                              " --decode=perfetto.protos.Trace perfetto_trace.proto < '" +
                              (dir.path() / "timeline.pftrace").string() + "' > '" +
                              (dir.path() / "text").string() + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  const auto head = [](int flags) {
    return "  trusted_packet_sequence_id: 1\n" + fmt::format("  sequence_flags: {}\n", flags);
  };
  const auto track = [&](int flags, const std::string& fields) {
    return "packet {\n" + head(flags) + "  track_descriptor {\n" + fields + "  }\n}\n";
  };
  const auto event = [&](int at, const std::string& fields, const std::string& names = "") {
    return fmt::format("packet {{\n  timestamp: {}\n", at) +
           "  trusted_packet_sequence_id: 1\n  track_event {\n" + fields + "  }\n" + names +
           "  sequence_flags: 2\n}\n";
  };
  EXPECT_EQ(
      dir.read("text"),
      track(1,
            "    uuid: 1\n    process {\n      pid: 1\n      process_name: \"GPUs\"\n    }\n"
            "    child_ordering: EXPLICIT\n") +
          track(2,
                "    uuid: 2\n    name: \"waiting tasks\"\n    parent_uuid: 1\n"
                "    counter {\n      unit: UNIT_COUNT\n    }\n    sibling_order_rank: 0\n") +
          track(2,
                "    uuid: 3\n    name: \"busy GPUs\"\n    parent_uuid: 1\n"
                "    counter {\n      unit: UNIT_COUNT\n    }\n    sibling_order_rank: 1\n") +
          track(2,
                "    uuid: 4\n    name: \"node 0 gpu 0\"\n    parent_uuid: 1\n"
                "    child_ordering: EXPLICIT\n    sibling_order_rank: 2\n") +
          track(2,
                "    uuid: 5\n    name: \"node 0 gpu 1\"\n    parent_uuid: 1\n"
                "    child_ordering: EXPLICIT\n    sibling_order_rank: 3\n") +
          track(2,
                "    uuid: 6\n    process {\n      pid: 2\n      process_name: \"Requests\"\n"
                "    }\n    child_ordering: EXPLICIT\n") +
          track(2,
                "    uuid: 7\n    name: \"x\"\n    parent_uuid: 6\n"
                "    child_ordering: EXPLICIT\n    sibling_order_rank: 0\n") +
          track(2,
                "    uuid: 8\n    name: \"x a\"\n    parent_uuid: 7\n"
                "    child_ordering: EXPLICIT\n    sibling_order_rank: 0\n") +
          event(9000, "    type: TYPE_COUNTER\n    track_uuid: 2\n    counter_value: 1\n") +
          event(9000, "    type: TYPE_COUNTER\n    track_uuid: 3\n    counter_value: 0\n") +
          event(7000,
                "    category_iids: 1\n    type: TYPE_SLICE_BEGIN\n    name_iid: 1\n"
                "    track_uuid: 8\n",
                "  interned_data {\n    event_categories {\n      iid: 1\n      name: \"request\"\n"
                "    }\n    event_names {\n      iid: 1\n      name: \"waiting\"\n    }\n  }\n") +
          event(9000, "    type: TYPE_SLICE_END\n    track_uuid: 8\n") +
          event(9000,
                "    category_iids: 1\n    type: TYPE_INSTANT\n    name_iid: 2\n"
                "    track_uuid: 8\n",
                "  interned_data {\n    event_names {\n      iid: 2\n      name: \"rejected\"\n"
                "    }\n  }\n"));
}

}  // namespace
}  // namespace regroup
