// Pairs of simulated runs, one of which stands for the measured one.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "core/errors.hpp"
#include "tools/compare/comparison.hpp"

namespace regroup::tools {

class CompareTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "regroup-compare-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    scratch_ = name;
    write("trace.csv", trace());
  }
  void TearDown() override { std::filesystem::remove_all(scratch_); }

  // Two shapes in turn, on four lanes of two GPUs, busy most of the time.
  static std::string trace() {
    std::string text =
        "# regroup trace v1\n"
        "id,arrival_us,model,width,height,frames,steps,guidance,class,priority,deadline_us\n";
    for (int i = 0; i < 120; ++i) {
      const int size = i % 2 == 0 ? 1024 : 512;
      const int arrival = 400'000 * i + 3500 * (i * 37 % 101);
      text += fmt::format("r{},{},FLUX.1-dev,{},{},1,20,1,{},0,{}\n", i, arrival, size, size, size,
                          arrival + 2'100'000);
    }
    return text;
  }

  // Every entry that the runs can meet on two GPUs, and 1024x1024 on one.
  std::filesystem::path calibration(const std::string& name, double step_1024_s,
                                    const std::string& more = "") {
    const auto step = [](int size, const char* layout, double seconds) {
      return fmt::format(
          R"({{"width": {}, "height": {}, "frames": 1, "layout": {}, "forwards": 1, "seconds": {}}})",
          size, size, layout, seconds);
    };
    const std::string steps = fmt::format("{},\n{},\n{}", step(512, R"({"ulysses": 2})", 0.04),
                                          step(1024, R"({"ulysses": 2})", step_1024_s),
                                          step(1024, "{}", 1.5 * step_1024_s));
    return write(name, fmt::format(R"({{"format": "regroup-calibration", "version": 1,
 "model": "FLUX.1-dev", "gpu": "H100", "source": "a test", "steps": [{}]{}}})",
                                   steps, more));
  }

  std::filesystem::path write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = scratch_ / name;
    std::ofstream(path) << text;
    return path;
  }
  static std::string read(const std::filesystem::path& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  void replace_in(const std::filesystem::path& path, const std::string& from,
                  const std::string& to) {
    std::string text = read(path);
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from << " in " << path;
    std::ofstream(path) << text.replace(at, from.size(), to);
  }

  // A run with results in the folder of that name.
  std::filesystem::path simulate(const std::string& name, Experiment experiment) {
    experiment.trace = (scratch_ / "trace.csv").string();
    experiment.policy = "fcfs";
    experiment.out = scratch_ / name;
    experiment.timeline = false;
    if (experiment.params.empty()) experiment.params = {{"degree", "2"}};
    run(experiment);
    return experiment.out;
  }
  static Experiment with_calibration(const std::filesystem::path& file) {
    Experiment experiment;
    experiment.platform.calibrations = {file};
    return experiment;
  }

  std::filesystem::path scratch_;
};

}  // namespace regroup::tools
