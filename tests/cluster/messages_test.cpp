#include "runtime/cluster/messages.hpp"

#include <gtest/gtest.h>

namespace regroup::cluster {
namespace {

Bytes some_bytes(std::size_t count) {
  Bytes bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(7 * i);
  return bytes;
}

RunPart some_part() {
  RunPart part{.run = {12}, .at = TimePoint(Duration(34)), .members = {3, 1}, .nodes = {2, 0}};
  part.steps = 9;
  part.step = Duration(56);
  TaskPart task;
  task.task.request = {78};
  task.task.shape = {1024, 512, 81};
  task.holders = {0, 2};
  task.from = 1;
  part.tasks.push_back(task);
  task.from = -1;
  task.attached = PackedState{.request = {78}, .stage = 1, .steps = 3, .numbers = some_bytes(100)};
  part.tasks.push_back(task);
  return part;
}

TEST(Messages, ComeBackAsTheyWere) {
  const auto part = std::get<RunPart>(decode(encode(some_part())));
  EXPECT_EQ(part.run, RunId{12});
  EXPECT_EQ(part.at, TimePoint(Duration(34)));
  EXPECT_EQ(part.members, (std::vector<std::uint8_t>{3, 1}));
  EXPECT_EQ(part.nodes, (std::vector{2, 0}));
  EXPECT_EQ(part.steps, 9);
  EXPECT_EQ(part.step, Duration(56));
  ASSERT_EQ(part.tasks.size(), 2u);
  EXPECT_EQ(part.tasks[0].task.request, RequestId{78});
  EXPECT_EQ(part.tasks[0].task.shape, (Shape{1024, 512, 81}));
  EXPECT_EQ(part.tasks[0].holders, (std::vector<std::uint8_t>{0, 2}));
  EXPECT_EQ(part.tasks[0].from, 1);
  EXPECT_FALSE(part.tasks[0].attached);
  ASSERT_TRUE(part.tasks[1].attached);
  EXPECT_EQ(part.tasks[1].attached->steps, 3);
  EXPECT_EQ(part.tasks[1].attached->numbers, some_bytes(100));

  Report report;
  report.next = kNever;
  report.settling = true;
  report.ended.push_back({.run = {5}, .failed = true, .steps = 2});
  report.ended.back().states.push_back({.request = {6}, .numbers = some_bytes(9)});
  report.dead = {4};
  report.said = {"one", "", "three"};
  const auto heard = std::get<Report>(decode(encode(report)));
  EXPECT_EQ(heard.next, kNever);
  EXPECT_TRUE(heard.settling);
  ASSERT_EQ(heard.ended.size(), 1u);
  EXPECT_EQ(heard.ended[0].steps, 2);
  EXPECT_EQ(heard.ended[0].states[0].numbers, some_bytes(9));
  EXPECT_EQ(heard.dead, report.dead);
  EXPECT_EQ(heard.said, report.said);

  NodeSpec spec;
  spec.models = {"FLUX.1-dev", "Wan2.1"};
  spec.faults = {serve::parse_fault("delay:2@0.5:1")};
  const auto told = std::get<NodeSpec>(decode(encode(spec)));
  EXPECT_EQ(told.backend, "host");
  EXPECT_EQ(told.models, spec.models);
  EXPECT_EQ(told.faults[0].delay, spec.faults[0].delay);
}

TEST(Messages, OfAnyOtherLengthAreRefused) {
  Bytes bytes = encode(some_part());
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_THROW(decode(std::span(bytes).first(length)), SystemError) << length;
  bytes.push_back({});
  EXPECT_THROW(decode(bytes), SystemError);
}

TEST(Messages, OfAnotherVersionAreRefused) {
  const Bytes good = encode(End{3});
  EXPECT_EQ(std::get<End>(decode(good)).code, 3);
  for (const std::size_t byte : {0u, 4u, 9u}) {  // what it is, its version, its kind
    Bytes bad = good;
    bad[byte] ^= std::byte{64};
    EXPECT_THROW(decode(bad), SystemError) << byte;
  }
}

}  // namespace
}  // namespace regroup::cluster
