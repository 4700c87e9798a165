#include "models/card.hpp"

#include <algorithm>
#include <string>

#include "models/embedded.hpp"
#include "models/json.hpp"
#include "models/layouts.hpp"
#include "models/library.hpp"
#include "tests/models/expect_config_error.hpp"

namespace regroup::models {
namespace {

const ModelCard& card(const char* name) { return Library::builtin().card(name); }

std::string flux_json() {
  for (const EmbeddedFile& file : embedded_files())
    if (file.path == "data/cards/FLUX.1-dev.json") return std::string(file.text);
  ADD_FAILURE() << "FLUX.1-dev is not embedded";
  return {};
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

ModelCard parse(const std::string& text) { return ModelCard::parse(Json::parse(text, "x.json")); }

// Published sequence lengths (sources in the cards).
TEST(Card, TokensAsPublished) {
  EXPECT_EQ(card("FLUX.1-dev").sequence_tokens({1024, 1024, 1}), 4096 + 512);
  EXPECT_EQ(card("SD3-medium").sequence_tokens({1024, 1024, 1}), 4096 + 333);
  EXPECT_EQ(card("Wan2.1-T2V-1.3B").sequence_tokens({832, 480, 81}), 32760);
  EXPECT_EQ(card("Wan2.1-T2V-14B").sequence_tokens({1280, 720, 81}), 75600);
  EXPECT_EQ(card("HunyuanVideo").sequence_tokens({1280, 720, 129}), 118800 + 256);
  EXPECT_EQ(card("CogVideoX1.5-5B").sequence_tokens({1360, 768, 81}), 44880 + 226);
  EXPECT_EQ(card("Wan2.2-TI2V-5B").sequence_tokens({1280, 704, 121}), 27280);
  // The odd row of patches is dropped, as GF-DiT counts.
  EXPECT_EQ(card("Wan2.2-TI2V-5B").latent_tokens({1280, 720, 81}), 18480);
  EXPECT_EQ(card("Wan2.2-TI2V-5B").latent_tokens({832, 480, 49}), 5070);
}

TEST(Card, FlopsAsTabulated) {
  struct Case {
    const char* model;
    Shape shape;
    double linear, attention;  // TFLOP of one pass
  };
  for (const Case& c : {Case{"FLUX.1-dev", {512, 512, 1}, 19.8, 1.7},
                        {"FLUX.1-dev", {1024, 1024, 1}, 59.5, 14.9},
                        {"FLUX.1-dev", {4096, 4096, 1}, 853, 3056},
                        {"Qwen-Image", {1024, 1024, 1}, 57.4, 13.2},
                        {"SD3-medium", {1536, 1536, 1}, 13, 13.4},
                        {"Wan2.1-T2V-1.3B", {832, 480, 81}, 82, 201},
                        {"Wan2.1-T2V-14B", {832, 480, 81}, 785, 893},
                        {"Wan2.1-T2V-14B", {1280, 720, 81}, 1810, 4714},
                        {"Wan2.2-TI2V-5B", {1280, 704, 121}, 237, 280},
                        {"HunyuanVideo", {1280, 720, 129}, 1618, 10450},
                        {"CogVideoX1.5-5B", {1360, 768, 81}, 429, 1050}}) {
    const Flops flops = card(c.model).flops(c.shape);
    const double total = c.linear + c.attention;
    EXPECT_NEAR((flops.linear + flops.attention) * 1e-12, total, 0.02 * total) << c.model;
    // The figures of the table have one digit after the point at best.
    EXPECT_NEAR(flops.linear * 1e-12, c.linear, std::max(0.02 * c.linear, 0.05)) << c.model;
    EXPECT_NEAR(flops.attention * 1e-12, c.attention, std::max(0.02 * c.attention, 0.05))
        << c.model;
  }
}

TEST(Card, LatentAndEmbeddingBytes) {
  EXPECT_EQ(card("FLUX.1-dev").latent_bytes({1024, 1024, 1}), 128 * 128 * 16 * 4);
  EXPECT_EQ(card("Wan2.1-T2V-14B").latent_bytes({832, 480, 81}), 21 * 60 * 104 * 16 * 4);
  EXPECT_EQ(card("FLUX.1-dev").embedding_bytes(1), 512 * 4096 * 2);
  EXPECT_EQ(card("SD3-medium").embedding_bytes(2), 2 * 333 * 4096 * 2);
}

TEST(Card, ForwardPassesFollowGuidance) {
  EXPECT_EQ(card("FLUX.1-dev").forwards(3.5), 1);  // distilled: always one
  EXPECT_EQ(card("Qwen-Image").forwards(4.0), 2);
  EXPECT_EQ(card("Qwen-Image").forwards(1.0), 1);
}

TEST(Card, ShapesThatCannotBeMade) {
  EXPECT_EQ(card("FLUX.1-dev").why_not({1024, 768, 1}), "");
  EXPECT_NE(card("FLUX.1-dev").why_not({1000, 1024, 1}), "");
  EXPECT_NE(card("FLUX.1-dev").why_not({0, 1024, 1}), "");
  EXPECT_NE(card("FLUX.1-dev").why_not({1024, -16, 1}), "");
  EXPECT_NE(card("FLUX.1-dev").why_not({1024, 1024, 17}), "");
  EXPECT_EQ(card("Wan2.1-T2V-14B").why_not({1280, 720, 81}), "");
  EXPECT_NE(card("Wan2.1-T2V-14B").why_not({1280, 720, 80}), "");
  EXPECT_NE(card("Wan2.1-T2V-14B").why_not({1280, 720, 0}), "");
}

TEST(Card, AllCardsAreThereUnderTheirNamesAndAliases) {
  EXPECT_EQ(Library::builtin().card_names().size(), 8u);
  EXPECT_EQ(card("Wan2.1-14B").name, "Wan2.1-T2V-14B");
  EXPECT_EQ(card("wan2.1-1.3b").name, "Wan2.1-T2V-1.3B");
  EXPECT_EQ(Library::builtin().find_card("no-such-model"), nullptr);
  expect_refused([] { card("no-such-model"); }, {"no-such-model", "FLUX.1-dev", "Qwen-Image"});
}

TEST(Card, BadInputIsRefusedByFileAndKey) {
  const std::string good = flux_json();
  EXPECT_EQ(parse(good).name, "FLUX.1-dev");
  expect_refused([&] { parse(replaced(good, "\"heads\"", "\"haeds\"")); },
                 {"x.json", "haeds", "allowed", "heads"});
  expect_refused([&] { parse(replaced(good, "\"heads\": 24", "\"heads\": 23")); },
                 {"x.json", "/head_dim"});
  expect_refused([&] { parse(replaced(good, "\"blocks\": 57", "\"blocks\": \"57\"")); },
                 {"x.json: /blocks", "number"});
  expect_refused([&] { parse(replaced(good, "\"blocks\": 57", "\"blocks\": 5.7")); },
                 {"x.json: /blocks", "whole"});
  expect_refused([&] { parse(replaced(good, "joint_attention", "magic")); },
                 {"/architecture", "magic", "cross_attention"});
  expect_refused([&] { parse(replaced(good, "\"version\": 1", "\"version\": 2")); }, {"/version"});
  expect_refused([&] { parse(replaced(good, "regroup-model-card", "card")); }, {"/format"});
  expect_refused([&] { parse(replaced(good, "\"kind\": \"encode\"", "\"kind\": \"read\"")); },
                 {"/stages/0/kind", "encode, denoise, decode, other"});
  expect_refused([&] { parse(good.substr(0, good.size() / 2)); }, {"x.json", "line"});
}

TEST(Layouts, UlyssesDividesTheHeads) {
  const ModelCard& flux = card("FLUX.1-dev");
  const std::size_t denoise = flux.stages.denoise();
  std::vector<int> sizes;
  for (const Layout layout : usual_layouts(flux, denoise, 1, 8)) {
    EXPECT_EQ(layout.ulysses, layout.size());
    sizes.push_back(layout.size());
  }
  EXPECT_EQ(sizes, (std::vector<int>{1, 2, 3, 4, 6, 8}));
  EXPECT_EQ(why_not(flux, denoise, 1, {.ulysses = 24}), "");
  EXPECT_NE(why_not(flux, denoise, 1, {.ulysses = 5}).find("24 heads"), std::string::npos);
  EXPECT_NE(why_not(card("Wan2.1-T2V-1.3B"), 1, 2, {.ulysses = 8}).find("12 heads"),
            std::string::npos);
}

TEST(Layouts, PassesAreSplitFirstWhenThereAreTwo) {
  const ModelCard& wan = card("Wan2.1-T2V-1.3B");
  EXPECT_EQ(usual_layouts(wan, 1, 2, 8), (std::vector<Layout>{{.ulysses = 1},
                                                              {.cfg = 2},
                                                              {.ulysses = 3},
                                                              {.cfg = 2, .ulysses = 2},
                                                              {.cfg = 2, .ulysses = 3},
                                                              {.cfg = 2, .ulysses = 4}}));
  EXPECT_EQ(why_not(wan, 1, 2, {.cfg = 2}), "");
  EXPECT_NE(why_not(wan, 1, 1, {.cfg = 2}), "");
  EXPECT_NE(why_not(wan, 1, 2, {.cfg = 3}), "");
}

TEST(Layouts, OtherRules) {
  const ModelCard& flux = card("FLUX.1-dev");
  EXPECT_EQ(why_not(flux, 1, 1, {.ulysses = 2, .ring = 3}), "");
  EXPECT_NE(why_not(flux, 1, 1, {.tp = 2}).find("not modelled"), std::string::npos);
  EXPECT_NE(why_not(flux, 1, 1, {.ulysses = 8, .ring = 5}), "");  // 40 GPUs
  EXPECT_NE(why_not(flux, 1, 1, {.ulysses = 0}), "");
  EXPECT_EQ(why_not(flux, 0, 1, {}), "");
  EXPECT_NE(why_not(flux, 0, 1, {.ulysses = 2}).find("encode"), std::string::npos);
  EXPECT_NE(why_not(flux, 2, 1, {.ring = 2}), "");
}

TEST(Layouts, IndexIsDenseAndUnique) {
  std::vector<bool> used(LayoutIndex::kCount, false);
  for (int ulysses = 1; ulysses <= kMaxDegree; ++ulysses)
    for (int ring = 1; ulysses * ring <= kMaxDegree; ++ring)
      for (int cfg = 1; cfg <= 2; ++cfg) {
        const Layout layout{.cfg = static_cast<std::uint8_t>(cfg),
                            .ulysses = static_cast<std::uint8_t>(ulysses),
                            .ring = static_cast<std::uint8_t>(ring)};
        ASSERT_TRUE(LayoutIndex::covers(layout));
        ASSERT_LT(LayoutIndex::of(layout), LayoutIndex::kCount);
        ASSERT_FALSE(used[LayoutIndex::of(layout)]) << to_string(layout);
        used[LayoutIndex::of(layout)] = true;
      }
  EXPECT_EQ(std::count(used.begin(), used.end(), false), 0);
  EXPECT_FALSE(LayoutIndex::covers({.ulysses = 33}));
  EXPECT_FALSE(LayoutIndex::covers({.tp = 2}));
}

}  // namespace
}  // namespace regroup::models
