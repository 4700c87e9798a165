// Runs whose every number is known: four requests on two GPUs, written as replay writes them.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/journal_text.hpp"

namespace regroup::tools {

class ReportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "regroup-report-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    write("summary.json", R"({"config": {"policy": "fcfs", "params": "degree=1", "trace": "t.csv",
      "cluster": "8xH100", "slo": "trace"}})");
    write("requests.csv",
          "id,class,arrival_s,start_s,finish_s,deadline_s,end,model,width,height,frames,steps,"
          "priority\n"
          "b,S,1,3,5,4,finished,FLUX.1-dev,512,512,1,5,0\n"
          "c,L,2,,,9,rejected,FLUX.1-dev,512,512,1,5,0\n"
          "a,S,0,0,6,6,finished,FLUX.1-dev,512,512,1,5,0\n"
          "d,S,5,6,,7,unfinished,FLUX.1-dev,512,512,1,5,0\n");
    write("tasks.csv",
          "run,request,stage,gpus,layout,steps,launch_s,end_s,dispatch_s,setup_s,migrate_s,"
          "compute_s,expected_s,failed\n"
          "0,a,denoise,0,cfg1.u1.r1,2,0,3,0,0,0,3,3,0\n"
          "1,b,denoise,0 1,cfg1.u2.r1,4,3,5,0,0,0.5,1.5,2,0\n"
          "2,a,denoise,1,cfg1.u1.r1,3,5,6,0,0,0.25,0.75,1,0\n"
          "3,d,denoise,0,cfg1.u1.r1,0,6,8,0,0,0,2,2,1\n");
    write("journal", testing::journal_bytes("d 0 place 0 0 0 cfg1.u1.r1 5\n"
                                            "d 1000000000 preempt 0\n"
                                            "d 2500000000 reject 2\n"
                                            "e 3000000000 end 0 2 0 0 0 3000000000\n"
                                            "d 3000000000 place 1 1 0,1 cfg1.u2.r1 4\n"
                                            "d 3000000000 wake 4000000000\n"
                                            "e 5000000000 end 1 4 0 0 500000000 1500000000\n"
                                            "d 5000000000 place 2 0 1 cfg1.u1.r1 3\n"
                                            "d 6000000000 place 3 3 0 cfg1.u1.r1 9\n"
                                            "e 8000000000 gpu-failed 0\n"
                                            "e 8000000000 fail 3 0 0 0 0 2000000000\n"
                                            "e 9000000000 gpu-repaired 0\n"
                                            "e 9500000000 gpu-failed 1\n"));
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
  }

  std::filesystem::path folder_;
};

}  // namespace regroup::tools
