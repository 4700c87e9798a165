// The bundled samples are what the generators give for the options that their README states.
#include <fstream>
#include <iterator>
#include <sstream>

#include "tests/traces/trace_file.hpp"
#include "traces/generate.hpp"
#include "traces/writer.hpp"

namespace regroup::traces {
namespace {

std::string sample_path(const std::string& name) {
  return std::string(RG_SOURCE_DIR) + "/traces/samples/" + name;
}

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string written(Reader& reader, const std::string& comments) {
  std::ostringstream out;
  CsvWriter writer(out, comments);
  copy(reader, writer);
  return out.str();
}

TEST(Samples, FluxMixed8Gpu) {
  ArrivalOptions options = tetriserve_workload(true);
  options.per_minute = 18;
  options.seed = 1;
  EXPECT_EQ(written(*generate(options), "tetriserve-skewed, Poisson, 18 a minute, seed 1"),
            bytes_of(sample_path("flux_mixed_8gpu.csv")));
}

TEST(Samples, WanShort8Gpu) {
  const auto records = generate_gfdit({.profile = "short", .seed = 0, .rate_scale = 10}, nullptr);
  EXPECT_EQ(written(*list_reader(records, "short"),
                    "GF-DiT profile short, gfdit-wan, rates x 10, seed 0"),
            bytes_of(sample_path("wan_short_8gpu.csv")));
}

}  // namespace
}  // namespace regroup::traces
