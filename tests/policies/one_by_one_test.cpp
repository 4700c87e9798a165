// What a policy sees of the events of one instant, one after the other.
#include "policies/builtin/deadlines/one_by_one.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/loop_fixture.hpp"

namespace regroup {
namespace {

using testing::request;
using testing::run;
using testing::TestCatalog;

// Takes down what is free at each event, then gives every task that waits one GPU of it.
class FirstFree {
 public:
  void operator()(const ClusterView& view, Decisions& out) {
    book_.replay(view, out, [&](std::span<const Change> event) {
      for (const Change& change : event)
        if (change.kind == Change::Kind::kTaskReady) waiting_.push_back(change.task->slot);
      seen_.push_back(free());
      if (aside_ && book_.free().count() > 0) {
        book_.set_aside(book_.free().pick(1));
        book_.put_back();
      }
      while (!waiting_.empty() && book_.free().count() > 0) {
        const Task& task = view.task(waiting_.front());
        waiting_.erase(waiting_.begin());
        book_.place(out, task, book_.free().pick(1), {}, 1);
      }
      EXPECT_GE(out.idle().count(), book_.free().count());
    });
    EXPECT_EQ(out.idle().count(), book_.free().count());
  }
  const std::vector<std::string>& seen() const { return seen_; }
  void set_aside_each_time() { aside_ = true; }

 private:
  std::string free() const {
    std::string text;
    for (std::uint32_t gpu = 0; gpu < 3; ++gpu)
      if (book_.free().contains({gpu})) text += fmt::format("{}", gpu);
    return text;
  }

  OneByOne book_;
  std::vector<std::uint32_t> waiting_;
  std::vector<std::string> seen_;
  bool aside_ = false;
};

// Three GPUs, two requests at once: encoding 10 ms, a step 100 ms, decoding 20 ms on one GPU each.
std::vector<std::string> seen_by(FirstFree policy) {
  TestCatalog catalog({3});
  std::vector<std::string> seen;
  run(catalog, {request(catalog, 0, 100, 2), request(catalog, 0, 100, 2)},
      [&](const ClusterView& view, Decisions& out) {
        policy(view, out);
        seen = policy.seen();
      });
  return seen;
}

// Both runs end together each time; of the first one's end is told while the second one's GPU, of
// which is told later, is not free yet.
const std::vector<std::string> kSeen{"012", "12",    // arrivals
                                     "02",  "12",    // encoded
                                     "02",  "12",    // a step
                                     "02",  "12",    // another
                                     "02",  "012"};  // decoded; nothing takes its place

TEST(OneByOne, GivesBackGpusEventByEvent) { EXPECT_EQ(seen_by(FirstFree()), kSeen); }

TEST(OneByOne, WhatIsSetAsideComesBack) {
  FirstFree policy;
  policy.set_aside_each_time();
  EXPECT_EQ(seen_by(policy), kSeen);
}

}  // namespace
}  // namespace regroup
