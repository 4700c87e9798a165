// A small sweep and a folder for it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tools/sweep/sweep_folder.hpp"
#include "tools/sweep/sweep_report.hpp"
#include "tools/sweep/sweep_run.hpp"

namespace regroup::tools {

// A specification with `more` keys, and these two lists.
inline std::string small_spec(
    const std::string& more = R"("loads": [1, 3], "seeds": 3)",
    const std::string& policies = R"([{"policy": "fcfs", "params": {"degree": [1, 4]}},
                                      {"policy": "srtf"}])",
    const std::string& workload = R"({"generate": "tetriserve-uniform", "count": 15, "steps": 28,
                                      "slo": "tetriserve=1.5"})",
    const std::string& cluster = "8xH100") {
  return R"({"format": "regroup-sweep", "version": 1, "policies": )" + policies +
         R"(, "workloads": [)" + workload + R"(], "clusters": [")" + cluster + R"("], )" + more +
         "}";
}

inline std::string read_text(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_text(const std::filesystem::path& file, const std::string& text) {
  std::ofstream(file, std::ios::binary) << text;
}

class SweepTest : public ::testing::Test {
 protected:
  SweepTest() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::temp_directory_path() /
              (std::string("regroup_") + test->test_suite_name() + "_" + test->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~SweepTest() override { std::filesystem::remove_all(folder_); }

  // Starts or goes on with the sweep in the folder `name`; its cells.csv if all is done.
  std::string run(const std::string& name, const std::string& text, Shard shard = {},
                  int jobs = 1) {
    write_text(folder_ / (name + ".json"), text);
    const SweepSpec spec = open_sweep(folder_ / name, folder_ / (name + ".json"));
    const bool done = run_sweep(spec, folder_ / name, {.shard = shard, .jobs = jobs});
    return done && shard.count == 1 ? cells(name) : std::string();
  }
  std::string cells(const std::string& name) {
    const SweepSpec spec = read_sweep(folder_ / name);
    return cells_csv(spec, collect(spec, records(name)));
  }
  RunRecords records(const std::string& name) {
    return read_run_records(runs_folder(folder_ / name));
  }

  std::filesystem::path folder_;
};

}  // namespace regroup::tools
