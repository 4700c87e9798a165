#include "tools/bench/speed.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "core/errors.hpp"
#include "tools/bench/heap_floor.hpp"
#include "tools/bench/own_process.hpp"
#include "tools/bench/speed_report.hpp"

namespace regroup::tools {
namespace {

TEST(HeapLoop, HandlesEveryArrivalAndStep) {
  const HeapLoopResult result = run_heap_loop({.requests = 500, .steps = 7, .servers = 3});
  EXPECT_EQ(result.events, 500u * 8);
}

TEST(HeapLoop, IsTheSameSimulationWhateverIsQueued) {
  const auto run = [](HeapLoop::Queued queued) {
    return run_heap_loop({.queued = queued, .requests = 300, .steps = 9, .servers = 4});
  };
  const HeapLoopResult whole = run(HeapLoop::Queued::kWholeTrace);
  const HeapLoopResult next = run(HeapLoop::Queued::kNextArrival);
  EXPECT_EQ(whole.events, next.events);
  EXPECT_EQ(whole.finished_ns, next.finished_ns);
  EXPECT_EQ(whole.latency_ns, next.latency_ns);
  EXPECT_GT(whole.latency_ns, 300 * 9 * std::int64_t{150'000'000});  // the shortest step
}

// With so many servers that nobody waits it takes as long as the arrivals and one request.
TEST(HeapLoop, ServersWorkSideBySide) {
  const auto finished = [](int servers) {
    return run_heap_loop({.requests = 64, .steps = 10, .servers = servers, .load = 1e6})
        .finished_ns;
  };
  EXPECT_GT(finished(1), 30 * finished(64));
}

TEST(OwnProcess, GivesBackWhatItSaid) {
  const ProcessResult result = in_own_process([] { return std::string(100'000, 'x'); });
  EXPECT_EQ(result.text, std::string(100'000, 'x'));
  EXPECT_GT(result.peak_rss_bytes, 0);
}

TEST(OwnProcess, CountsItsOwnMemoryOnly) {
  constexpr std::size_t kBytes = std::size_t{96} << 20;
  const auto big = in_own_process([] { return std::to_string(std::string(kBytes, 'x').back()); });
  const auto small = in_own_process([] { return std::string(); });
  EXPECT_GT(big.peak_rss_bytes, small.peak_rss_bytes + static_cast<std::int64_t>(kBytes) / 2);
}

TEST(OwnProcess, FailsAsItDid) {
  try {
    in_own_process([]() -> std::string { fail<ConfigError>("no such thing"); });
    FAIL() << "it did not throw";
  } catch (const SystemError& error) {
    EXPECT_STREQ(error.what(), "no such thing");
  }
  EXPECT_THROW(in_own_process([]() -> std::string {
                 ::raise(SIGKILL);
                 return {};
               }),
               SystemError);
}

TEST(Speed, ARowSaysWhatWasDone) {
  const SpeedRow row = measure_speed({.policy = "edf-best-fit", .gpus = 8, .requests = 40});
  EXPECT_EQ(row.steps, 40u * 30);
  EXPECT_EQ(row.events, 40u * (30 + 2 + 1));  // FLUX.1-dev: encode, 30 steps one by one, decode
  EXPECT_GT(row.cpu_s, 0);
  EXPECT_GT(row.floor_events_per_s, 0);
  EXPECT_GT(row.streamed_floor_events_per_s, 0);
  EXPECT_GT(row.peak_rss_bytes, 0);
}

TEST(SpeedReport, JsonHasTheRows) {
  const SpeedRow rows[] = {{.of = {.policy = "p", .gpus = 64, .requests = 100},
                            .events = 3000,
                            .cpu_s = 0.5,
                            .floor_events_per_s = 24'000,
                            .streamed_floor_events_per_s = 48'000,
                            .peak_rss_bytes = 5}};
  const auto json = nlohmann::json::parse(speed_json(rows));
  const auto& row = json.at("rows").at(0);
  EXPECT_EQ(row.at("policy"), "p");
  EXPECT_EQ(row.at("gpus"), 64);
  EXPECT_EQ(row.at("requests"), 100);
  EXPECT_EQ(row.at("events_per_s"), 6000.0);
  EXPECT_EQ(row.at("requests_per_s"), 200.0);
  EXPECT_EQ(row.at("floor_ratio"), 4.0);
  EXPECT_EQ(row.at("streamed_floor_ratio"), 8.0);
  EXPECT_EQ(row.at("peak_rss_bytes"), 5);
}

TEST(SpeedReport, CurvesBecomeCsvAndPicture) {
  const GrowthCurve curves[] = {{"GPUs", "p", {{8, 500}, {1024, 700}}},
                                {"requests", "p", {{100, 500}}},
                                {"GPUs", "q", {{8, 50}}}};
  EXPECT_EQ(growth_csv(curves),
            "growth,policy,x,ns_per_event\nGPUs,p,8,500.0\nGPUs,p,1024,700.0\n"
            "requests,p,100,500.0\nGPUs,q,8,50.0\n");
  const std::string svg = growth_svg(curves);
  const auto count = [&](std::string_view what) {
    int found = 0;
    for (std::size_t at = 0; (at = svg.find(what, at)) != std::string::npos; ++at) ++found;
    return found;
  };
  EXPECT_EQ(count("ns per event, by GPUs"), 1);
  EXPECT_EQ(count("<circle"), 4);
  EXPECT_EQ(count("<svg"), count("</svg>"));
}

}  // namespace
}  // namespace regroup::tools
