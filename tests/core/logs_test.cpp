// requests.csv and tasks.csv.
#include <gtest/gtest.h>

#include "core/request_log.hpp"
#include "core/result_text.hpp"
#include "core/task_log.hpp"
#include "tests/core/observer_script.hpp"

namespace regroup {
namespace {

using script::Script;
using script::TempDir;

TEST(ResultText, WritesNanosecondsExactly) {
  EXPECT_EQ(exact_seconds(Duration(0)), "0.000000000");
  EXPECT_EQ(exact_seconds(Duration(1)), "0.000000001");
  EXPECT_EQ(exact_seconds(Duration(1'234'567'890)), "1.234567890");
  EXPECT_EQ(exact_seconds(Duration(-1'500'000'000)), "-1.500000000");
  EXPECT_EQ(exact_seconds(Duration::max()), "9223372036.854775807");
  EXPECT_EQ(exact_seconds(Duration::min()), "-9223372036.854775808");
  EXPECT_EQ(exact_seconds(kNever), "");
}

TEST(ResultText, QuotesFields) {
  EXPECT_EQ(csv_field("plain text"), "plain text");
  EXPECT_EQ(csv_field(""), "");
  EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_field("say \"hi\""), "\"say \"\"hi\"\"\"");
  EXPECT_EQ(csv_field("two\nlines"), "\"two\nlines\"");
}

TEST(ResultText, NamesLayoutsGroupsAndShapes) {
  EXPECT_EQ(text_of(Layout{2, 4, 1, 1}), "cfg2.u4.r1");
  EXPECT_EQ(text_of(Layout{1, 4, 2, 8}), "cfg1.u4.r2.tp8");
  EXPECT_EQ(text_of(Group{{3}, {0}, {12}}), "3 0 12");
  EXPECT_EQ(text_of(Shape{1024, 768, 1}), "1024x768");
  EXPECT_EQ(text_of(Shape{832, 480, 81}), "832x480x81");
}

TEST(RequestLog, HasARowForEveryRequestOfTheStory) {
  const TempDir dir;
  Script script;
  RequestLog log(dir.path(), script.catalog, script.classes);
  script.observers = {&log};
  script::play_story(script);
  log.commit();
  EXPECT_EQ(
      dir.read("requests.csv"),
      "id,class,arrival_s,start_s,finish_s,deadline_s,latency_s,violated,model,width,height,"
      "frames,steps,priority,end,queue_s,encode_s,denoise_s,decode_s,gpu_seconds,runs,"
      "group_changes,migrations,migrated_bytes,preemptions,min_degree,max_degree\n"
      "\"a,1\",small,0.001000000,0.001000000,0.022000000,0.100000000,0.021000000,0,flux,1024,1024,"
      "1,4,0,finished,0.000000000,0.002000000,0.015000000,0.002000000,0.026000000,4,"
      "1,2,2000,1,1,2\n"
      "b,large,0.002000000,,,,,1,flux,1024,1024,"
      "1,4,1,rejected,,0.000000000,0.000000000,0.000000000,0.000000000,0,"
      "0,0,0,0,0,0\n"
      "d,large,0.022000000,0.025000000,0.040000000,0.030000000,0.018000000,1,flux,1024,1024,"
      "1,1,3,finished,0.003000000,0.000000000,0.015000000,0.000000000,0.060000000,1,"
      "0,0,0,0,4,4\n"
      "c,small,0.005000000,,,0.015000000,,1,flux,1024,1024,"
      "1,4,2,unfinished,,0.000000000,0.000000000,0.000000000,0.000000000,0,"
      "0,0,0,0,0,0\n");
}

TEST(TaskLog, HasARowForEveryRunOfTheStory) {
  const TempDir dir;
  Script script;
  TaskLog log(dir.path(), script.catalog);
  script.observers = {&log};
  script::play_story(script);
  log.commit();
  EXPECT_EQ(dir.read("tasks.csv"),
            "run,request,stage,kind,gpus,layout,steps,launch_s,end_s,dispatch_s,setup_s,migrate_s,"
            "compute_s,expected_s,failed\n"
            "0,\"a,1\",encode,encode,0,cfg1.u1.r1,1,0.001000000,0.003000000,0.000100000,"
            "0.000000000,0.000000000,0.001900000,0.001900000,0\n"
            "1,\"a,1\",denoise,denoise,0 1,cfg1.u2.r1,2,0.003000000,0.010000000,0.000100000,"
            "0.000400000,0.000500000,0.006000000,0.006000000,0\n"
            "2,\"a,1\",denoise,denoise,2,cfg1.u1.r1,2,0.012000000,0.020000000,0.000100000,"
            "0.000000000,0.000900000,0.007000000,0.007000000,0\n"
            "3,\"a,1\",decode,decode,2,cfg1.u1.r1,1,0.020000000,0.022000000,0.000100000,"
            "0.000000000,0.000000000,0.001900000,0.001900000,0\n"
            "4,d,denoise,denoise,0 1 2 3,cfg2.u2.r1,1,0.025000000,0.040000000,0.001000000,"
            "0.001000000,0.000000000,0.013000000,0.013000000,0\n");
}

TEST(TaskLog, HasARowForEveryRequestOfABatchAndMarksFailedRuns) {
  const TempDir dir;
  Script script;
  TaskLog log(dir.path(), script.catalog);
  script.observers = {&log};
  const std::vector<RequestId> both = {script.arrive("a", "x", 4), script.arrive("b", "x", 4)};
  script.end(script.launch(both, 1, {{0}}, {}), 0, {.compute = 1}, false, true);
  log.commit();
  const std::string text = dir.read("tasks.csv");
  const std::string rows = text.substr(text.find('\n') + 1);
  const std::string how =
      ",denoise,denoise,0,cfg1.u1.r1,0,0.000000000,0.000001000,0.000000000,0.000000000,"
      "0.000000000,0.000001000,0.000001000,1\n";
  EXPECT_EQ(rows, "0,a" + how + "0,b" + how);
}

}  // namespace
}  // namespace regroup
