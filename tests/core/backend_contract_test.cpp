// What a backend must not tell the loop.
#include <gtest/gtest.h>

#include <functional>

#include "core/errors.hpp"
#include "tests/support/loop_fixture.hpp"

namespace regroup {
namespace {

using testing::first_fit;
using testing::request;
using testing::TestCatalog;

// A simulated cluster, each of whose events is changed on its way to the loop.
class Lying final : public Backend {
 public:
  Lying(const Catalog& catalog, std::function<void(Event&)> change)
      : truth_(catalog, {}), change_(std::move(change)) {}

  void launch(const Launch& launch) override { truth_.launch(launch); }
  void preempt(RunId run, const Group& group) override { truth_.preempt(run, group); }
  std::optional<Event> next_event(TimePoint until) override {
    std::optional<Event> event = truth_.next_event(until);
    if (event) change_(*event);
    return event;
  }

 private:
  sim::SimBackend truth_;
  std::function<void(Event&)> change_;
};

// Two requests on two GPUs, whose runs all last equally long. Gives what the loop said of it.
std::string said_of(std::function<void(Event&)> change) {
  TestCatalog catalog({2});
  Lying backend(catalog, std::move(change));
  testing::LambdaPolicy::current = first_fit(1);
  PolicyHandle policy(testing::kLambdaPlugin, {});
  try {
    testing::run_on(backend, catalog, {request(catalog, 0), request(catalog, 0)}, policy);
  } catch (const InternalError& error) {
    const std::string text = error.what();  // place: condition: what is wrong
    return text.substr(text.find(": ", text.find(": ") + 2) + 2);
  }
  return "nothing";
}

TEST(BackendContract, TheTruthIsTaken) {
  EXPECT_EQ(said_of([](Event&) {}), "nothing");
}

TEST(BackendContract, ARunThatEndsIsUnderWay) {
  EXPECT_EQ(said_of([](Event& e) { e.run = {7}; }),
            "the backend ended run 7, which is not under way");
  const std::string zero = "the backend ended run 0, which is not under way";
  EXPECT_EQ(said_of([](Event& e) { e.slot = 1 - e.slot; }), zero) << "another run's slot";
  EXPECT_EQ(said_of([](Event& e) { e.slot = 2; }), zero) << "a slot that nobody ever had";
  EXPECT_EQ(said_of([](Event& e) { e.slot = Event::kNoSlot; }), zero);
  std::optional<Event> first;
  EXPECT_EQ(said_of([&](Event& e) {
              if (!first) first = e;
              e.run = first->run;
              e.slot = first->slot;
            }),
            zero)
      << "it ended before";
}

TEST(BackendContract, NoRunDoesMoreStepsThanItWasAskedFor) {
  EXPECT_EQ(said_of([](Event& e) { e.steps += 1; }), "run 0 of 1 steps ended with 2");
  EXPECT_EQ(said_of([](Event& e) { e.steps = -1; }), "run 0 of 1 steps ended with -1");
}

// Whatever it says, true or not, the run goes the same way.
TEST(BackendContract, TheNextSlotIsOnlyAHint) {
  for (const std::uint32_t slot : {0u, 1u, 2u, 1000u, Event::kNoSlot})
    EXPECT_EQ(said_of([slot](Event& e) { e.next_slot = slot; }), "nothing");
}

}  // namespace
}  // namespace regroup
