#include "models/collectives.hpp"

#include <cmath>

#include "models/json.hpp"
#include "models/library.hpp"
#include "tests/models/expect_config_error.hpp"

namespace regroup::models {
namespace {

constexpr auto kAllToAll = CollectiveTable::Operation::kAllToAll;

CollectiveTable parse(const std::string& bytes, const std::string& us) {
  return CollectiveTable::parse(Json::parse(
      R"({"format": "regroup-collectives", "version": 1, "name": "t", "source": "s", "tables": [
        {"operation": "all_to_all", "ranks": 4, "bytes": )" +
          bytes + R"(, "us": )" + us + R"(},
        {"operation": "all_to_all", "ranks": 2, "bytes": [1000], "us": [7]},
        {"operation": "all_gather", "ranks": 2, "bytes": [1000], "us": [3]}]})",
      "t.json"));
}

TEST(CollectiveTable, StraightLinesInLogLog) {
  const CollectiveTable table = parse("[1000, 16000]", "[10, 40]");
  EXPECT_DOUBLE_EQ(table.seconds(kAllToAll, 4, 1000), 10e-6);
  EXPECT_DOUBLE_EQ(table.seconds(kAllToAll, 4, 16000), 40e-6);
  EXPECT_NEAR(table.seconds(kAllToAll, 4, 4000), 20e-6, 1e-15);  // halfway in log size
  EXPECT_DOUBLE_EQ(table.seconds(kAllToAll, 4, 1), 10e-6);
  EXPECT_DOUBLE_EQ(table.seconds(kAllToAll, 4, 32000), 80e-6);  // at the last rate
}

TEST(CollectiveTable, RanksThatWereNotMeasured) {
  const CollectiveTable table = parse("[1000]", "[10]");
  EXPECT_DOUBLE_EQ(table.seconds(kAllToAll, 2, 1000), 7e-6);
  EXPECT_DOUBLE_EQ(table.seconds(kAllToAll, 3, 1000), 10e-6);
  EXPECT_DOUBLE_EQ(table.seconds(kAllToAll, 8, 1000), 10e-6);
}

TEST(CollectiveTable, AnOutlierBelowALaterPointIsNoise) {
  const CollectiveTable table = parse("[1, 2, 4]", "[6, 18, 7]");
  EXPECT_DOUBLE_EQ(table.seconds(kAllToAll, 4, 2), 7e-6);
}

TEST(CollectiveTable, BadInput) {
  expect_refused([] { parse("[2, 1]", "[1, 2]"); }, {"t.json: /tables/0", "ascend"});
  expect_refused([] { parse("[1, 2]", "[1]"); }, {"/tables/0", "same length"});
  expect_refused([] { parse("[1]", "[0]"); }, {"/tables/0", "greater than 0"});
}

TEST(Collectives, PublishedPointOfTheH100Table) {
  const Library& library = Library::builtin();
  const Collectives h100 = library.collectives(*library.gpu("H100"), 8);
  // aiconfigurator@095f58a, NCCL 2.29.2, 2 ranks, 16 MiB.
  EXPECT_NEAR(h100.all_to_all(2, 16777216), 53.05e-6, 1e-12);
  EXPECT_DOUBLE_EQ(h100.all_to_all(1, 1e9), 0);
}

TEST(Collectives, PcieHasLatencyAndBandwidth) {
  const Collectives pcie(nullptr, Path{8e9, 100e-6}, Path{25e9, 14e-6}, 8);
  EXPECT_NEAR(pcie.all_to_all(4, 8e9), 0.75 + 100e-6, 1e-12);  // a quarter stays
  // All 8 of a node keep half of what 16 exchange; the other half goes through the NICs.
  EXPECT_NEAR(pcie.all_to_all(16, 8e9), 8e9 * 7 / 8 / 8e9 + 100e-6 + 4e9 / 25e9 + 14e-6, 1e-9);
}

TEST(Collectives, LargerMessagesAreNeverFaster) {
  const Library& library = Library::builtin();
  for (const auto& gpu : library.gpus()) {
    const Collectives collectives = library.collectives(*gpu, 8);
    for (const int ranks : {2, 3, 4, 8, 16}) {
      double before = 0, before_exchange = 0;
      for (double bytes = 100; bytes < 1e10; bytes *= 1.37) {
        const double now = collectives.all_to_all(ranks, bytes);
        const double exchange = collectives.exchange(ranks, bytes);
        EXPECT_GE(now, before * (1 - 1e-12)) << gpu->name << " " << ranks << " " << bytes;
        EXPECT_GE(exchange, before_exchange * (1 - 1e-12)) << gpu->name << " " << bytes;
        before = now;
        before_exchange = exchange;
      }
    }
  }
}

}  // namespace
}  // namespace regroup::models
