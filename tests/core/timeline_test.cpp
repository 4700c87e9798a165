#include "core/timeline.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <set>

#include "tests/core/timeline_script.hpp"
#include "tests/core/trace_reader.hpp"

namespace regroup {
namespace {

using script::Script;
using script::TempDir;
using script::Trace;
using script::TraceEvent;
using script::us;
using script::written_timeline;
using Lines = std::vector<std::string>;

// The lines about one track.
Lines only(const std::string& track, const Lines& lines) {
  Lines found;
  for (const std::string& line : lines)
    if (const auto at = line.find(track); at != std::string::npos)
      found.push_back(line.substr(0, at) + line.substr(at + track.size()));
  return found;
}

class TimelineOfTheStory : public ::testing::Test {
 protected:
  TempDir dir;
  Script script;
  std::string file = written_timeline(dir, script, script::play_story);
  Trace trace = script::read_trace(file);
  Lines lines = script::lines_of(trace);
};

TEST_F(TimelineOfTheStory, HasATrackForEveryGpuAndRequest) {
  Lines tracks;
  for (const auto& [uuid, track] : trace.tracks)
    tracks.push_back(fmt::format("{} < {}: {}{}{} #{}", uuid, track.parent, track.name,
                                 track.process ? " (process)" : "",
                                 track.counter ? " (counter)" : "", track.rank));
  EXPECT_EQ(tracks, (Lines{
                        "1 < 0: GPUs (process) #0",
                        "2 < 1: waiting tasks (counter) #0",
                        "3 < 1: busy GPUs (counter) #1",
                        "4 < 1: node 0 gpu 0 #2",
                        "5 < 1: node 0 gpu 1 #3",
                        "6 < 1: node 1 gpu 2 #4",
                        "7 < 1: node 1 gpu 3 #5",
                        "8 < 0: Requests (process) #0",
                        "9 < 8: small #0",
                        "10 < 9: small a,1 #0",
                        "11 < 8: large #1",
                        "12 < 11: large b #1",
                        "13 < 9: small c #2",
                        "14 < 11: large d #3",
                    }));
}

TEST_F(TimelineOfTheStory, ShowsRunsAndTheirPartsOnGpus) {
  EXPECT_EQ(only("GPUs/node 0 gpu 0", lines), (Lines{
                                                  "1000 begin : run 'encode 1024x1024 x1' ->1",
                                                  "1000 begin : part 'dispatch'",
                                                  "1100 end ",
                                                  "1100 begin : part 'compute'",
                                                  "3000 end ",
                                                  "3000 end ",
                                                  "3000 begin : run '1024x1024 x2 steps 2' ->2",
                                                  "3000 begin : part 'dispatch'",
                                                  "3100 end ",
                                                  "3100 begin : part 'set-up'",
                                                  "3500 end ",
                                                  "3500 begin : part 'migrate'",
                                                  "4000 end ",
                                                  "4000 begin : part 'compute'",
                                                  "10000 end ",
                                                  "10000 end ",
                                                  "25000 begin : run '1024x1024 x4 steps 1' ->5",
                                                  "25000 begin : part 'dispatch'",
                                                  "26000 end ",
                                                  "26000 begin : part 'set-up'",
                                                  "27000 end ",
                                                  "27000 begin : part 'compute'",
                                                  "40000 end ",
                                                  "40000 end ",
                                              }));
}

// Widening from GPU 0 brings state to GPU 1; moving to GPU 2 brings all of it there.
TEST_F(TimelineOfTheStory, DrawsArrowsToGpusThatGetState) {
  Lines arrows;
  for (const std::string& line : lines)
    if (line.find("<-") != std::string::npos) arrows.push_back(line);
  EXPECT_EQ(arrows, (Lines{
                        "3000 begin GPUs/node 0 gpu 1: run '1024x1024 x2 steps 2' <-1",
                        "12000 begin GPUs/node 1 gpu 2: run '1024x1024 x1 steps 2' ->3 <-2",
                    }));
}

TEST_F(TimelineOfTheStory, ShowsWhatRequestsWaitForAndDo) {
  EXPECT_EQ(only("Requests/small/small a,1", lines), (Lines{
                                                         "1000 begin : request 'encode'",
                                                         "3000 end ",
                                                         "3000 begin : request 'denoise x2'",
                                                         "4000 instant : request 'preempt'",
                                                         "10000 end ",
                                                         "10000 begin : request 'waiting'",
                                                         "12000 end ",
                                                         "12000 begin : request 'denoise x1'",
                                                         "20000 end ",
                                                         "20000 begin : request 'decode'",
                                                         "22000 end ",
                                                     }));
  EXPECT_EQ(only("Requests/large/large b", lines), (Lines{
                                                       "2000 begin : request 'waiting'",
                                                       "22000 end ",
                                                       "22000 instant : request 'rejected'",
                                                   }));
  EXPECT_EQ(only("Requests/small/small c", lines), (Lines{
                                                       "5000 begin : request 'waiting'",
                                                       "40000 end ",
                                                       "40000 instant : request 'unfinished'",
                                                   }));
  EXPECT_EQ(only("Requests/large/large d", lines), (Lines{
                                                       "22000 begin : request 'waiting'",
                                                       "25000 end ",
                                                       "25000 begin : request 'denoise x4'",
                                                       "40000 end ",
                                                       "40000 instant : request 'deadline missed'",
                                                   }));
}

TEST_F(TimelineOfTheStory, CountsWaitingTasksAndBusyGpus) {
  EXPECT_EQ(only("GPUs/busy GPUs", lines),
            (Lines{"1000 count : 1", "3000 count : 2", "10000 count : 0", "12000 count : 1",
                   "22000 count : 0", "25000 count : 4", "40000 count : 0"}));
  EXPECT_EQ(only("GPUs/waiting tasks", lines),
            (Lines{"1000 count : 0", "2000 count : 1", "5000 count : 2", "10000 count : 3",
                   "12000 count : 2", "25000 count : 1", "40000 count : 0"}));
}

TEST_F(TimelineOfTheStory, SaysWhatARunWas) {
  for (const TraceEvent& event : trace.events) {
    if (event.name != "1024x1024 x4 steps 1") continue;
    EXPECT_EQ(event.annotations, (std::map<std::string, std::string>{{"request", "d"},
                                                                     {"class", "large"},
                                                                     {"run", "4"},
                                                                     {"stage", "denoise"},
                                                                     {"degree", "4"},
                                                                     {"layout", "cfg2.u2.r1"},
                                                                     {"steps", "1"},
                                                                     {"expected_s", "0.013"}}));
    return;
  }
  FAIL() << "no such run";
}

TEST(Timeline, ShowsPartsWhereThereIsSomethingToSee) {
  const auto parts = [](script::Parts times) {
    const TempDir dir;
    Script script;
    const std::string file = written_timeline(dir, script, [&](Script& s) {
      const RequestId a = s.arrive("a", "x", 1);
      s.end(s.launch({a}, 1, {{0}}, {}), 1, times);
    });
    std::size_t count = 0;
    for (const TraceEvent& event : script::read_trace(file).events)
      count += event.category == "part";
    return count;
  };
  EXPECT_EQ(parts({.dispatch = 1, .compute = 99}), 2u);
  EXPECT_EQ(parts({.dispatch = 1, .compute = 100}), 0u);
  EXPECT_EQ(parts({.dispatch = 1, .setup = 1, .migrate = 1, .compute = 297}), 4u);
  EXPECT_EQ(parts({.dispatch = 1, .setup = 1, .migrate = 1, .compute = 298}), 0u);
  EXPECT_EQ(parts({.compute = 100}), 0u);
  EXPECT_EQ(parts({.setup = 7}), 1u);
  EXPECT_EQ(parts({}), 0u);
}

TEST(Timeline, SaysWhichRunsFailed) {
  const TempDir dir;
  Script script;
  const std::string file = written_timeline(dir, script, [](Script& s) {
    const RequestId a = s.arrive("a", "x", 1);
    s.end(s.launch({a}, 0, {{0}}, {}), 0, {.compute = 10}, false, true);
    s.end(s.launch({a}, 0, {{0}}, {}), 1, {.compute = 10});
  });
  std::vector<bool> failed;
  for (const TraceEvent& event : script::read_trace(file).events)
    if (event.category == "run") failed.push_back(event.annotations.contains("failed"));
  EXPECT_EQ(failed, (std::vector<bool>{true, false}));
}

// What runs of one kind share is made for each kind: class, steps, batch, group and stage.
TEST(Timeline, TellsKindsOfRunsApart) {
  const TempDir dir;
  Script script;
  using Said = std::vector<std::string>;
  const std::string file = written_timeline(dir, script, [](Script& s) {
    const RequestId a = s.arrive("a", "x", 9), b = s.arrive("b", "y", 9);
    const auto run = [&](const std::vector<RequestId>& of, std::uint8_t stage, Group group,
                         Layout layout, int steps) {
      s.end(s.launch(of, stage, group, layout), steps, {.compute = 10});
    };
    for (int twice = 0; twice < 2; ++twice) {
      run({a}, 1, {{0}}, {}, 1);
      run({b}, 1, {{0}}, {}, 1);
      run({a}, 1, {{0}}, {}, 2);
      run({a, b}, 1, {{0}}, {}, 1);
      run({a}, 1, {{0}, {1}}, {.ulysses = 2}, 1);
      run({a}, 1, {{0}, {1}}, {.cfg = 2}, 1);
      run({a}, 0, {{0}}, {}, 1);
    }
  });
  Said said;
  const Trace trace = script::read_trace(file);
  for (const TraceEvent& event : trace.events) {
    if (event.category != "run" || trace.tracks.at(event.track).name != "node 0 gpu 0") continue;
    auto notes = event.annotations;
    said.push_back(fmt::format("{}: {}, {} {} {} {}", event.name, notes["request"], notes["class"],
                               notes["stage"], notes["layout"], notes["steps"]));
  }
  const Said once = {"1024x1024 x1 steps 1: a, x denoise cfg1.u1.r1 1",
                     "1024x1024 x1 steps 1: b, y denoise cfg1.u1.r1 1",
                     "1024x1024 x1 steps 2: a, x denoise cfg1.u1.r1 2",
                     "1024x1024 x1 steps 1 batch 2: a b, x denoise cfg1.u1.r1 1",
                     "1024x1024 x2 steps 1: a, x denoise cfg1.u2.r1 1",
                     "1024x1024 x2 steps 1: a, x denoise cfg2.u1.r1 1",
                     "encode 1024x1024 x1: a, x encode cfg1.u1.r1 1"};
  Said twice = once;
  twice.insert(twice.end(), once.begin(), once.end());
  EXPECT_EQ(said, twice);
}

TEST(Timeline, DrawsStagesOfTheSameTimeOnTracksOfTheirOwn) {
  const TempDir dir;
  Script script;
  const std::string file = written_timeline(dir, script, [](Script& s) {
    const RequestId a = s.arrive("a", "x", 1);
    const RunId one = s.launch({a}, 0, {{0}}, {});
    s.now = us(5);
    const RunId two = s.launch({a}, 0, {{1}}, {});
    s.end(one, 1, {.compute = 10});
    s.end(two, 1, {.compute = 10});
    s.end_request(a);
  });
  const Trace trace = script::read_trace(file);
  std::set<std::uint64_t> tracks;
  for (const TraceEvent& event : trace.events)
    if (event.name == "encode") tracks.insert(event.track);
  EXPECT_EQ(tracks.size(), 2u);
  for (const TraceEvent& event : trace.events) EXPECT_TRUE(event.arriving.empty());
}

// What a viewer needs: slices that nest and close, arrows that have left before they arrive.
TEST(Timeline, IsWellFormedInRandomRuns) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const TempDir dir;
    Script script;
    const std::string file =
        written_timeline(dir, script, [&](Script& s) { script::play_random(s, seed, 60); });
    const Trace trace = script::read_trace(file);
    std::map<std::uint64_t, int> open;
    std::set<std::uint64_t> left;
    for (const TraceEvent& event : trace.events) {
      for (const std::uint64_t id : event.leaving) EXPECT_TRUE(left.insert(id).second);
      for (const std::uint64_t id : event.arriving) EXPECT_TRUE(left.contains(id));
      EXPECT_EQ(trace.tracks.at(event.track).counter, event.type == TraceEvent::Type::kCounter);
      if (event.type == TraceEvent::Type::kBegin) {
        EXPECT_EQ(++open[event.track], event.category == "part" ? 2 : 1) << seed << event.name;
      }
      if (event.type == TraceEvent::Type::kEnd) {
        EXPECT_GE(--open[event.track], 0) << seed;
      }
      if (event.category == "run" || event.category == "part") {
        EXPECT_EQ(trace.tracks.at(trace.tracks.at(event.track).parent).name, "GPUs");
      }
    }
    for (const auto& [track, depth] : open) EXPECT_EQ(depth, 0) << trace.tracks.at(track).name;
  }
}

// Of the story's requests a, b, c, d a sample of 3 draws a and d.
TEST(TimelineSample, DrawsEveryNthRequestAndItsRuns) {
  const auto play = [](std::uint64_t sample) {
    const TempDir dir;
    Script script;
    TimelineLog log(dir.path(), script.catalog, script.classes, sample);
    script.observers = {&log};
    script::play_story(script);
    log.commit();
    return script::lines_of(script::read_trace(dir.read("timeline.pftrace")));
  };
  const Lines all = play(1), some = play(3);
  for (const char* drawn : {"Requests/small/small a,1", "Requests/large/large d", "GPUs/node"})
    EXPECT_EQ(only(drawn, some), only(drawn, all)) << drawn;
  for (const char* left_out : {"small c", "large b"}) {
    EXPECT_NE(only(left_out, all), Lines{}) << left_out;
    EXPECT_EQ(only(left_out, some), Lines{}) << left_out;
  }
}

TEST(TimelineSample, DrawsTheSampledRequestsOfABatch) {
  const TempDir dir;
  Script script;
  TimelineLog log(dir.path(), script.catalog, script.classes, 2);
  script.observers = {&log};
  const std::vector<RequestId> batch = {script.arrive("a", "x", 4), script.arrive("b", "x", 4)};
  script.end(script.launch(batch, 1, {{0}}, {}), 4, {.compute = 1});
  const std::vector<RequestId> other = {batch[1]};
  script.end(script.launch(other, 2, {{0}}, {}), 1, {.compute = 1});
  log.commit();
  const Trace trace = script::read_trace(dir.read("timeline.pftrace"));
  std::size_t runs = 0;
  for (const TraceEvent& event : trace.events) {
    if (event.category != "run") continue;
    ++runs;
    EXPECT_EQ(event.name, "1024x1024 x1 steps 4 batch 2");
    EXPECT_EQ(event.annotations.at("request"), "a");
  }
  EXPECT_EQ(runs, 1u);
}

}  // namespace
}  // namespace regroup
