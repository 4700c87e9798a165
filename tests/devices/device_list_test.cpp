#include "runtime/devices/device_list.hpp"

#include <gtest/gtest.h>

#include "core/errors.hpp"

namespace regroup::devices {
namespace {

using Ranks = std::vector<RankDevice>;

TEST(DeviceList, WholeGpusInTheOrderGiven) {
  const DeviceList list = parse_device_list("gpu3,gpu0,gpu10");
  EXPECT_EQ(list.kind, DeviceList::Kind::kCuda);
  EXPECT_EQ(list.ranks, 3);
  EXPECT_EQ(list.of_ranks, (Ranks{{3, 0}, {0, 0}, {10, 0}}));
  EXPECT_EQ(list.ordinals(), (std::vector<int>{3, 0, 10}));
}

TEST(DeviceList, SlicesOfOneGpu) {
  const DeviceList list = parse_device_list("gpu0:8x16sm");
  EXPECT_EQ(list.ranks, 8);
  EXPECT_EQ(list.of_ranks, Ranks(8, {0, 16}));
  EXPECT_EQ(list.ordinals(), std::vector<int>{0});
}

TEST(DeviceList, SlicesBesideWholeGpus) {
  const DeviceList list = parse_device_list("gpu1:2x64sm,gpu0");
  EXPECT_EQ(list.of_ranks, (Ranks{{1, 64}, {1, 64}, {0, 0}}));
}

TEST(DeviceList, HostStandsAlone) {
  const DeviceList list = parse_device_list("host:8");
  EXPECT_EQ(list.kind, DeviceList::Kind::kHost);
  EXPECT_EQ(list.ranks, 8);
  EXPECT_TRUE(list.of_ranks.empty());
  EXPECT_TRUE(list.ordinals().empty());
}

TEST(DeviceList, TextReadsBackAsTheSame) {
  for (const char* text : {"gpu0", "gpu0,gpu1,gpu3", "gpu0:8x16sm", "gpu0:4x16sm,gpu1", "host:32",
                           "gpu0:1x8sm", "gpu2:16x8sm,gpu1:16x8sm"}) {
    const DeviceList list = parse_device_list(text);
    EXPECT_EQ(list.text(), text);
    EXPECT_EQ(parse_device_list(list.text()), list);
  }
}

struct Mistake {
  const char* text;
  const char* says;  // part of the message
};

TEST(DeviceList, MistakesAreNamedWithTheirPosition) {
  const Mistake mistakes[] = {
      {"", "\"\" at character 1: neither a GPU nor the host"},
      {"gpu0,", "\"\" at character 6: neither"},
      {"gpu0,,gpu1", "\"\" at character 6: neither"},
      {"gpu", "\"gpu\" at character 1: the number of the GPU is missing"},
      {"gpu0,gpu-1", "\"gpu-1\" at character 6: the number of the GPU is missing"},
      {"gpu0,cuda1", "\"cuda1\" at character 6: neither a GPU nor the host"},
      {"gpu0 ,gpu1", "\" \" is too much"},
      {"gpu0,gpu1,gpu0", "\"gpu0\" at character 11: gpu0 was given before"},
      {"gpu0:4x16sm,gpu0:4x16sm", "at character 13: gpu0 was given before"},
      {"gpu0:", "the number of slices is missing"},
      {"gpu0:8", "expected an x and SMs"},
      {"gpu0:8x", "the SMs of a slice are missing"},
      {"gpu0:8x16", "the SMs of a slice are missing"},
      {"gpu0:8x16sms", "\"s\" is too much"},
      {"gpu0:8x12sm", "slices of 12 SMs: a multiple of 8, at least 8"},
      {"gpu0:8x0sm", "slices of 0 SMs"},
      {"gpu0:0x16sm", "0 slices: 1 to 32 are possible"},
      {"gpu0:33x8sm", "33 slices: 1 to 32 are possible"},
      {"gpu0:16x8sm,gpu1:16x8sm,gpu2", "\"gpu2\" at character 25: with it there are 33 ranks"},
      {"host:0", "0 ranks: 1 to 32 are possible"},
      {"host:99", "99 ranks: 1 to 32 are possible"},
      {"host:", "the number of ranks is missing"},
      {"host:8x", "\"x\" is too much"},
      {"host:4,gpu0", "ranks on the host stand alone"},
      {"gpu0,host:4", "\"host:4\" at character 6: ranks on the host stand alone"},
      {"gpu99999999999", "too much"},
  };
  for (const Mistake& mistake : mistakes) {
    try {
      parse_device_list(mistake.text);
      ADD_FAILURE() << mistake.text << " was taken";
    } catch (const ConfigError& error) {
      const std::string message = error.what();
      EXPECT_NE(message.find(mistake.says), std::string::npos) << message;
      EXPECT_NE(message.find("allowed are gpu0"), std::string::npos) << message;
    }
  }
}

}  // namespace
}  // namespace regroup::devices
