// The queues that sim/bench compares are the same queue: what leaves them does so in one order.
#include "sim/event_queue.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "core/random.hpp"
#include "sim/bench/calendar_queue.hpp"
#include "sim/bench/ladder_queue.hpp"

namespace regroup::sim {
namespace {

struct Heap {
  void push(Event::Kind kind, const EventQueue::Entry& entry) { queue.push(kind, entry); }
  EventQueue::Entry pop() {
    const EventQueue::Entry first = queue.top();
    queue.pop();
    return first;
  }
  EventQueue queue;
};

// Subjects in the order in which they leave: a queue of `size` that never empties, lengths from
// nanoseconds to seconds, many of them equal.
template <class Queue>
std::vector<std::uint32_t> order(std::size_t size) {
  RandomStream random(7, "event queues");
  Queue queue;
  std::uint32_t next = 0;
  const auto push = [&](TimePoint now) {
    constexpr std::int64_t kLengths[] = {0, 1, 1000, 50'000'000, 700'000'000};
    const auto length = kLengths[static_cast<std::size_t>(random.uniform() * 5)];
    const auto spread = static_cast<std::int64_t>(random.uniform() * 3) * length / 7;
    queue.push(Event::Kind::kRunEnded, {.at = now + Duration(length + spread), .subject = next++});
  };
  for (std::size_t i = 0; i < size; ++i) push(TimePoint{});
  std::vector<std::uint32_t> left;
  TimePoint now{};
  for (std::size_t i = 0; i < 20 * size; ++i) {
    const EventQueue::Entry first = queue.pop();
    EXPECT_GE(first.at, now);
    now = first.at;
    left.push_back(first.subject);
    push(now);
  }
  return left;
}

TEST(EventQueues, LeaveInTheSameOrder) {
  for (const std::size_t size : {1u, 2u, 64u, 3000u}) {
    const auto expected = order<Heap>(size);
    EXPECT_EQ(order<CalendarQueue>(size), expected) << size;
    EXPECT_EQ(order<LadderQueue>(size), expected) << size;
  }
}

}  // namespace
}  // namespace regroup::sim
