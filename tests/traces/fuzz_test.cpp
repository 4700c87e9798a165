// Damaged files: every one must either parse or end with a ConfigError, never anything else.
#include "core/random.hpp"
#include "tests/traces/trace_file.hpp"
#include "traces/import.hpp"

namespace regroup::traces {
namespace {

const std::string kCsv = std::string(kHead) +
                         "\"a,\"\"b\",0,FLUX.1-dev,1024,512,1,50,3.5,big,7,2000000\n"
                         "b,1500000.25,Wan2.2-TI2V-5B,832,480,81,50,5,,,\n"
                         "# comment\n"
                         "\xc3\xa4,1600000,Wan2.2-TI2V-5B,832,480,81,50,5,\"x\",-1,9999999999\n";
const std::string kHetu =
    "Request(request_id=0, timestamp=0.0, height=256, width=512, num_frames=1, prompt='A \\'city', "
    "negative_prompt=\"low (quality), blurry\", num_inference_steps=28)\n"
    "Request(request_id=1, timestamp=0.66, height=256, width=512, num_frames=1, prompt='', "
    "negative_prompt='', num_inference_steps=28, slo_ms=55)\n";
const std::string kGfDit =
    R"({"metadata": {"model": "Qwen/Qwen-Image"}, "requests": [{"request_id": "S_0",
 "request_class": "S", "arrival_ms": 183310.853, "deadline_ms": 233931.819, "height": 480,
 "width": 832, "num_frames": 49, "num_steps": 50, "do_true_cfg": true, "priority": 100}]})";
const std::string kAzure =
    "TIMESTAMP,ContextTokens,GeneratedTokens\n"
    "2023-11-16 18:17:03.9799600,4808,10\n2023-11-16 18:17:04.0319600,3180,8\n";

// Changes a few bytes: overwrites, inserts, deletes, cuts off, repeats a stretch.
std::string damage(std::string text, RandomStream& random) {
  constexpr std::string_view kLikely = "\",'()=\\{}[]:\n\r #-.0918e+xA\t\xc3\xff";
  const std::uint64_t changes = 1 + random.below(4);
  for (std::uint64_t i = 0; i < changes && !text.empty(); ++i) {
    const std::size_t at = random.below(text.size());
    const char byte = random.below(2) == 0 ? kLikely[random.below(kLikely.size())]
                                           : static_cast<char>(random.below(256));
    switch (random.below(5)) {
      case 0:
        text[at] = byte;
        break;
      case 1:
        text.insert(at, 1, byte);
        break;
      case 2:
        text.erase(at, 1 + random.below(5));
        break;
      case 3:
        text.resize(at);
        break;
      default:
        text.insert(at, text.substr(random.below(text.size()), random.below(40)));
    }
  }
  return text;
}

// Under the sanitizer each takes ten times as long.
#ifdef __SANITIZE_ADDRESS__
constexpr int kDamages = 800;
#else
constexpr int kDamages = 3000;
#endif

template <class Open>
void damage_many(const std::string& good, Open&& open) {
  RandomStream random(11, "fuzz");
  const TraceFile file(good);
  EXPECT_FALSE(read_all(*open(file.path())).empty());
  int refused = 0;
  for (int i = 0; i < kDamages; ++i) {
    const std::string text = damage(good, random);
    file.rewrite(text);
    try {
      TimePoint last{};
      for (const Record& record : read_all(*open(file.path()))) {
        ASSERT_GE(record.arrival, last) << text;
        ASSERT_GE(record.steps, 1) << text;
        ASSERT_GE(record.shape.width, 1) << text;
        last = record.arrival;
      }
    } catch (const ConfigError& error) {
      ++refused;
      ASSERT_TRUE(std::string_view(error.what()).starts_with(file.path())) << error.what();
    }
  }
  EXPECT_GT(refused, kDamages / 10);  // the damage does reach the checks
}

TEST(DamagedFile, Csv) {
  damage_many(kCsv, [](const std::string& path) { return open_trace(path); });
}
TEST(DamagedFile, Hetu) {
  damage_many(kHetu, [](const std::string& path) { return open_trace(path); });
}
TEST(DamagedFile, GfDit) {
  damage_many(kGfDit, [](const std::string& path) { return open_trace(path); });
}
TEST(DamagedFile, Azure) {
  const ImportOptions options{.mix = named_mix("hetu-flux")};
  damage_many(kAzure, [&](const std::string& path) { return open_import("azure", path, options); });
}

}  // namespace
}  // namespace regroup::traces
