#include "models/cluster.hpp"

#include <filesystem>
#include <fstream>

#include "models/library.hpp"
#include "tests/models/expect_config_error.hpp"
#include "tests/support/temp_dir.hpp"

namespace regroup::models {
namespace {

ClusterSpec load(const std::string& name) {
  const Library& library = Library::builtin();
  return ClusterSpec::load(
      name, [&](std::string_view gpu) { return library.gpu(gpu); }, library.overheads().links);
}

GpuId gpu(std::uint32_t id) { return {id}; }

// A file that is gone at the end of the test.
class TempFile {
 public:
  explicit TempFile(const std::string& text) { folder_.write("cluster.json", text); }
  std::string path() const { return folder_.path() / "cluster.json"; }

 private:
  regroup::testing::TempDir folder_;
};

TEST(Cluster, ShortNames) {
  const ClusterSpec one = load("8xH100");
  EXPECT_EQ(one.gpu().name, "H100");
  ASSERT_EQ(one.nodes().size(), 1u);
  EXPECT_EQ(one.nodes()[0].count, 8);

  const ClusterSpec many = load("16x8xL20");
  EXPECT_EQ(many.gpu_count(), 128u);
  ASSERT_EQ(many.nodes().size(), 16u);
  EXPECT_EQ(many.nodes()[3].first, gpu(24));
  EXPECT_EQ(many.node_of(gpu(31)), NodeId{3});
  EXPECT_EQ(load("4xh20").gpu().name, "H20");  // in any case
}

TEST(Cluster, WrongNames) {
  expect_refused([] { load("8xH101"); }, {"H101", "H100", "L20"});
  expect_refused([] { load("H100"); }, {"H100", "8xH100"});
  expect_refused([] { load("0xH100"); }, {"0xH100"});
  expect_refused([] { load("2x2x2xH100"); }, {"2x2x2xH100"});
  expect_refused([] { load("65xH100"); }, {"65 GPUs", "64"});
  expect_refused([] { load("no/such/file.json"); }, {"no/such/file.json", "neither"});
}

TEST(Cluster, WaysThroughAnNvSwitch) {
  const ClusterSpec cluster = load("2x8xH100");
  const Path inside = cluster.path(gpu(0), gpu(7));
  EXPECT_DOUBLE_EQ(inside.bytes_per_s, 450e9);
  EXPECT_NEAR(inside.seconds, 3.4e-6, 1e-12);
  const Path across = cluster.path(gpu(0), gpu(8));
  EXPECT_DOUBLE_EQ(across.bytes_per_s, 50e9);
  EXPECT_NEAR(across.seconds, 14e-6 + 5.7e-6, 1e-12);
  EXPECT_DOUBLE_EQ(cluster.path(gpu(3), gpu(3)).time(1e9), 0);
}

TEST(Cluster, WaysThroughPcieSwitchesAndRoots) {
  const ClusterSpec cluster = load("8xL20");
  EXPECT_NEAR(cluster.path(gpu(0), gpu(3)).seconds, 5.7e-6, 1e-12);          // one switch
  EXPECT_NEAR(cluster.path(gpu(0), gpu(4)).seconds, 5 * 5.7e-6 / 2, 1e-12);  // five links
  EXPECT_DOUBLE_EQ(cluster.path(gpu(0), gpu(4)).bytes_per_s, 26e9);
}

TEST(Cluster, TenThousandGpus) {
  const ClusterSpec cluster = load("1250x8xH100");
  EXPECT_EQ(cluster.gpu_count(), 10000u);
  EXPECT_DOUBLE_EQ(cluster.path(gpu(9), gpu(9999)).bytes_per_s, 50e9);
}

constexpr const char* kLine = R"({
  "format": "regroup-cluster", "version": 1, "name": "line", "gpu": "A100",
  "nodes": [
    {"count": 2, "gpus": 3, "links": [
      {"from": "gpu0", "to": "gpu1", "gb_per_s": 100, "us": 1},
      {"from": "gpu1", "to": "gpu2", "gb_per_s": 40, "us": 2},
      {"from": "gpu0", "to": "nic", "gb_per_s": 30, "us": 3},
      {"from": "nic", "to": "fabric", "gb_per_s": 10, "us": 4}]},
    {"gpus": 8}
  ]})";

TEST(Cluster, FileWithLinksOfItsOwn) {
  const TempFile file(kLine);
  const ClusterSpec cluster = load(file.path());
  EXPECT_EQ(cluster.name(), "line");
  EXPECT_EQ(cluster.gpu_count(), 14u);
  EXPECT_EQ(cluster.largest_node(), 8);
  EXPECT_DOUBLE_EQ(cluster.path(gpu(0), gpu(2)).bytes_per_s, 40e9);  // the narrowest link
  EXPECT_NEAR(cluster.path(gpu(0), gpu(2)).seconds, 3e-6, 1e-12);    // the sum
  EXPECT_NEAR(cluster.path(gpu(2), gpu(3)).seconds, (2 + 1 + 3 + 4 + 4 + 3) * 1e-6, 1e-12);
  EXPECT_DOUBLE_EQ(cluster.path(gpu(2), gpu(3)).bytes_per_s, 10e9);
  EXPECT_DOUBLE_EQ(cluster.path(gpu(6), gpu(13)).bytes_per_s, 300e9);  // the usual form
}

TEST(Cluster, BadFilesAreRefusedByKey) {
  const auto refused = [](const std::string& from, const std::string& to,
                          std::initializer_list<std::string> named) {
    std::string text = kLine;
    text.replace(text.find(from), from.size(), to);
    const TempFile file(text);
    expect_refused([&] { load(file.path()); }, named);
  };
  refused("\"gb_per_s\": 100", "\"gbps\": 100", {"/nodes/0/links/0", "gbps", "gb_per_s"});
  refused("\"gb_per_s\": 40", "\"gb_per_s\": 0", {"/nodes/0/links/1/gb_per_s"});
  refused("\"A100\"", "\"A101\"", {"A101"});
  refused("{\"from\": \"nic\", \"to\": \"fabric\"", "{\"from\": \"nic\", \"to\": \"nowhere\"",
          {"gpu0", "fabric"});
}

}  // namespace
}  // namespace regroup::models
