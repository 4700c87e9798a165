#include "core/replayer.hpp"

#include <gtest/gtest.h>

#include "core/errors.hpp"
#include "core/random.hpp"
#include "tests/support/loop_fixture.hpp"

namespace regroup {
namespace {

using testing::Diary;
using testing::first_fit;
using testing::LambdaPolicy;
using testing::ListSource;
using testing::request;
using testing::TestCatalog;

std::vector<Request> random_requests(TestCatalog& catalog, std::uint64_t seed) {
  RandomStream random(seed, "requests");
  std::vector<Request> requests;
  double at = 0;
  for (int i = 0; i < 60; ++i) {
    at += random.exponential(8);
    requests.push_back(request(catalog, at, 20 + static_cast<int>(random.below(80)),
                               1 + static_cast<int>(random.below(9))));
  }
  return requests;
}

std::string replay(TestCatalog& catalog, const std::vector<Request>& requests,
                   const std::string& journal, testing::Decide decide) {
  LambdaPolicy::current = std::move(decide);
  std::istringstream text(journal);
  Replayer replayer(text, "J", catalog.gpus().size());
  PolicyHandle policy(testing::kLambdaPlugin, {});
  ListSource source(requests);
  NameTable<ClassId> classes;
  classes.intern("");
  Diary diary;
  ControlLoop({.backend = replayer,
               .policy = policy,
               .catalog = catalog,
               .requests = source,
               .classes = classes,
               .observers = {&replayer.check(), &diary}})
      .run();
  replayer.check_finished();
  std::string all;
  for (const std::string& line : diary.lines) all += line + "\n";
  return all;
}

TEST(Replayer, ReplaysEveryDecision) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    TestCatalog catalog({4, 4});
    const auto requests = random_requests(catalog, seed);
    const auto recorded =
        run(catalog, requests, first_fit(2), {.jitter = {.spread = 0.1, .seed = seed}});
    std::string lines;
    for (const std::string& line : recorded.diary.lines) lines += line + "\n";
    EXPECT_EQ(replay(catalog, requests, recorded.recording, first_fit(2)), lines);
  }
}

TEST(Replayer, SaysWhereAnotherPolicyParts) {
  TestCatalog catalog({4});
  const auto requests = random_requests(catalog, 4);
  const auto recorded = run(catalog, requests, first_fit(2));
  try {
    replay(catalog, requests, recorded.recording, first_fit(4));
    FAIL() << "no mismatch";
  } catch (const JournalMismatch& error) {
    EXPECT_NE(std::string(error.what())
                  .find("J: line 4: the run parts from the journal after 1 "
                        "equal decisions"),
              std::string::npos)
        << error.what();
  }
}

TEST(Replayer, AnUnfinishedRunIsAMismatch) {
  TestCatalog catalog({4});
  const auto requests = random_requests(catalog, 5);
  const auto recorded = run(catalog, requests, first_fit(2));
  auto fewer = requests;
  fewer.pop_back();
  EXPECT_THROW(replay(catalog, fewer, recorded.recording, first_fit(2)), JournalMismatch);
}

// --- what no run writes

std::string refusal(const std::string& lines, int gpus = 1) {
  TestCatalog catalog({gpus});
  const auto requests = std::vector{request(catalog, 0)};
  try {
    replay(catalog, requests, testing::journal_bytes(lines), first_fit(1));
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(Replayer, TrustsNoEvent) {
  const std::string place = "d 0 place 0 0 0 cfg1.u1.r1 1\n";
  EXPECT_EQ(refusal(place + "e 10 end 7 1 0 0 0 10\n"),
            "J: line 3: no such run is under way: 'e 10 end 7 1 0 0 0 10'");
  EXPECT_EQ(refusal(place + "e 10 end 0 2 0 0 0 10\n"),
            "J: line 3: the run has 1 steps: 'e 10 end 0 2 0 0 0 10'");
  EXPECT_EQ(refusal(place + "e 10 gpu-failed 1\n"),
            "J: line 3: the cluster has 1 GPUs: 'e 10 gpu-failed 1'");
}

TEST(Replayer, RefusesWhatIsNotAJournal) {
  std::istringstream text("id,arrival_us\n");
  EXPECT_THROW(Replayer(text, "J", 1), ConfigError);
}

}  // namespace
}  // namespace regroup
