#include "runtime/dit/safetensors.hpp"

#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <bit>
#include <fstream>

#include "core/errors.hpp"
#include "core/random.hpp"
#include "runtime/dit/model.hpp"

namespace regroup::dit {
namespace {

std::string little_endian(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

std::string with_length(const std::string& header, const std::string& data) {
  return little_endian(header.size(), 8) + header + data;
}

class SafetensorsTest : public ::testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }

  std::filesystem::path write(const std::string& bytes) const {
    std::ofstream(path_, std::ios::binary) << bytes;
    return path_;
  }

  // Why the file is refused, after its name; empty if it is not.
  std::string why_not(const std::string& bytes) const {
    try {
      Safetensors file(write(bytes));
      return {};
    } catch (const ConfigError& error) {
      const std::string text = error.what(), prefix = path_.string() + ": ";
      EXPECT_EQ(text.substr(0, prefix.size()), prefix);
      return text.substr(std::min(prefix.size(), text.size()));
    }
  }
  std::string why_not(const std::string& header, const std::string& data) const {
    return why_not(with_length(header, data));
  }

  std::filesystem::path path_ =
      std::filesystem::temp_directory_path() /
      fmt::format("regroup-{}-{}.safetensors",
                  ::testing::UnitTest::GetInstance()->current_test_info()->name(), ::getpid());
};

TEST_F(SafetensorsTest, ReadsBothTypes) {
  const std::string data = little_endian(0x3f800000, 4) + little_endian(0xc0200000, 4) +  // 1, -2.5
                           little_endian(0x4049, 2);  // 3.140625
  const Safetensors file(write(with_length(
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[1,1],"data_offsets":[8,10]},)"
      R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}   )",
      data)));
  EXPECT_EQ(file.names(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(file.read("a", std::vector<std::size_t>{2}), (std::vector<float>{1, -2.5}));
  EXPECT_EQ(file.read("b", std::vector<std::size_t>{1, 1}), (std::vector<float>{3.140625}));
  try {
    (void)file.read("a", std::vector<std::size_t>{2, 1});
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.what(), path_.string() + ": tensor 'a': shape [2], expected [2, 1]");
  }
  EXPECT_THROW((void)file.read("c", std::vector<std::size_t>{2}), ConfigError);
}

TEST_F(SafetensorsTest, EmptyTensorsAndNone) {
  EXPECT_EQ(why_not("{}", ""), "");
  EXPECT_EQ(why_not(R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
                    R"("b":{"dtype":"F32","shape":[0,7],"data_offsets":[4,4]}})",
                    "0123"),
            "");
}

TEST_F(SafetensorsTest, NamesWhatIsWrong) {
  EXPECT_EQ(why_not("1234567"), "7 bytes; a safetensors file has at least 8");
  EXPECT_EQ(why_not(little_endian(3, 8) + "{}"),
            "a header of 3 bytes in a file of 10; at most 100000000 are allowed");
  EXPECT_EQ(
      why_not(std::string(8, '\xff') + "{}"),
      "a header of 18446744073709551615 bytes in a file of 10; at most 100000000 are allowed");
  EXPECT_TRUE(why_not("{", "").starts_with("the header is not JSON: "));
  EXPECT_EQ(why_not("[]", ""), "the header is not a JSON object");
  EXPECT_EQ(why_not(R"({"a":1})", ""), "tensor 'a': not a JSON object");

  const auto tensor = [](const std::string& rest) { return "{\"a\":{" + rest + "}}"; };
  const std::string four = "0123";
  EXPECT_EQ(why_not(tensor(R"("shape":[1],"data_offsets":[0,4])"), four),
            "tensor 'a': dtype missing; allowed: \"F32\", \"BF16\"");
  EXPECT_EQ(why_not(tensor(R"("dtype":"F16","shape":[2],"data_offsets":[0,4])"), four),
            "tensor 'a': dtype \"F16\"; allowed: \"F32\", \"BF16\"");
  EXPECT_EQ(why_not(tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,4],"x":0)"), four),
            "tensor 'a': unknown key 'x'; allowed: dtype, shape, data_offsets");
  EXPECT_EQ(why_not(tensor(R"("dtype":"F32","shape":1,"data_offsets":[0,4])"), four),
            "tensor 'a': 'shape' is not a list");
  EXPECT_EQ(why_not(tensor(R"("dtype":"F32","shape":[-1],"data_offsets":[0,4])"), four),
            "tensor 'a': 'shape' holds number, not a whole number of at least 0");
  EXPECT_EQ(why_not(tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,8])"), four),
            "tensor 'a': data_offsets [0, 8]; allowed: [begin, end] within 4 bytes of data");
  EXPECT_EQ(why_not(tensor(R"("dtype":"F32","shape":[1],"data_offsets":[4,0])"), four),
            "tensor 'a': data_offsets [4, 0]; allowed: [begin, end] within 4 bytes of data");
  EXPECT_EQ(why_not(tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,4])"), four),
            "tensor 'a': shape [2] needs 8 bytes, data_offsets give 4");
  EXPECT_EQ(
      why_not(tensor(R"("dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4])"), four),
      "tensor 'a': shape [4611686018427387905] is too large");
  EXPECT_EQ(why_not(tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,4])"), four + "56"),
            "2 bytes after the last tensor");
  const std::string entry = R"(:{"dtype":"BF16","shape":[1],"data_offsets":[)";
  EXPECT_EQ(why_not(R"({"a")" + entry + R"(0,2]},"a")" + entry + "2,4]}}", four),
            "tensor 'a' is named twice");
  EXPECT_EQ(why_not(R"({"a")" + entry + R"(0,2]},"b")" + entry + "0,2]}}", "01"),
            "tensor 'b': begins at byte 0 of the data, the one before ends at 2");
  EXPECT_EQ(why_not(R"({"a")" + entry + "2,4]}}", four),
            "tensor 'a': begins at byte 2 of the data, the one before ends at 0");
  EXPECT_THROW(Safetensors("/nonexistent.safetensors"), SystemError);
}

// Whatever happens to a good file, it is read or refused.
TEST_F(SafetensorsTest, SurvivesAnything) {
  const std::string good = with_length(R"({"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
                                       R"("b":{"dtype":"BF16","shape":[3],"data_offsets":[8,14]}})",
                                       "01234567890123");
  ASSERT_EQ(why_not(good), "");
  RandomStream random(1, "safetensors_test");
  int refused = 0;
  for (int trial = 0; trial < 3000; ++trial) {
    std::string bytes = good;
    for (std::uint64_t change = 0; change <= random.below(3) && !bytes.empty(); ++change) {
      const std::size_t at = random.below(bytes.size());
      switch (random.below(4)) {
        case 0:
          bytes[at] = static_cast<char>(random.bits());
          break;
        case 1:
          bytes[at] = "0123456789[]{},:\"-"[random.below(18)];
          break;
        case 2:
          bytes.erase(at, 1 + random.below(4));
          break;
        case 3:
          bytes =
              bytes.substr(0, at) + bytes.substr(random.below(bytes.size()), 5) + bytes.substr(at);
          break;
      }
    }
    refused += !why_not(bytes).empty();
  }
  EXPECT_GT(refused, 1000);
  EXPECT_LT(refused, 3000);  // a changed number is as good as another
  EXPECT_NE(why_not(with_length(std::string(200'000, '['), "")), "");  // no deep recursion
}

// Gives seeded weights and writes down what a file with them would hold.
class Writer final : public WeightSource {
 public:
  std::vector<float> read(const std::string& name, std::span<const std::size_t> shape) override {
    const std::vector<float> values = seeded_.read(name, shape);
    const std::size_t begin = data_.size();
    for (const float value : values) data_ += little_endian(std::bit_cast<std::uint32_t>(value), 4);
    header_ +=
        fmt::format(R"({}"{}":{{"dtype":"F32","shape":[{}],"data_offsets":[{},{}]}})",
                    header_.empty() ? "{" : ",", name, fmt::join(shape, ","), begin, data_.size());
    return values;
  }
  std::string file() const { return with_length(header_ + "}", data_); }

 private:
  SeededWeights seeded_{3};
  std::string header_, data_;
};

TEST_F(SafetensorsTest, AModelFromAFileIsTheSameModel) {
  for (const char* name : {"tiny-mmdit", "tiny-cross"}) {
    DitConfig config = preset(name);
    config.double_blocks = config.single_blocks = config.blocks = 0;
    (config.architecture == DitConfig::Architecture::kJoint ? config.double_blocks
                                                            : config.blocks) = 1;
    Writer writer;
    const Dit written(config, writer);
    FileWeights weights(write(writer.file()));
    const Dit read(config, weights);
    const LatentShape shape = latent_shape(config, {32, 32, 1});
    const SequenceSplit whole(config.joint_text(), shape.tokens(), 1);
    const Prompt prompt{Matrix(config.text_tokens, config.text_width),
                        std::vector<float>(config.text_width)};
    const Matrix latents = noise(shape, 1);
    Activations a = written.embed(shape, whole, 0, prompt, 0.5, latents.view());
    Activations b = read.embed(shape, whole, 0, prompt, 0.5, latents.view());
    for (Activations* x : {&a, &b}) {
      const Dit& model = x == &a ? written : read;
      model.block(0).before_attention(*x);
      model.block(0).after_attention(*x);
    }
    EXPECT_EQ(written.velocity(a), read.velocity(b)) << name;

    config.mlp_hidden += 8;
    EXPECT_THROW(Dit(config, weights), ConfigError);
  }
}

}  // namespace
}  // namespace regroup::dit
