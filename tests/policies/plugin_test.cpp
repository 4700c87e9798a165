// The plugin table: order of tasks, what create and decide do with exceptions.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <type_traits>

#include "regroup/policy/policy.hpp"

namespace regroup {
namespace {

static_assert(std::is_trivially_copyable_v<PolicyPlugin> &&
              std::is_standard_layout_v<PolicyPlugin>);
static_assert(offsetof(PolicyPlugin, api_version) == 0 && offsetof(PolicyPlugin, struct_size) == 4,
              "the fields that tell versions apart never move");

class Defaults final : public Params {
  int integer(std::string_view, int otherwise, std::string_view) const override {
    return otherwise;
  }
  double number(std::string_view, double otherwise, std::string_view) const override {
    return otherwise;
  }
  bool flag(std::string_view, bool otherwise, std::string_view) const override { return otherwise; }
  std::string text(std::string_view, std::string_view otherwise, std::string_view) const override {
    return std::string(otherwise);
  }
};

class RefusesToBeMade final : public Policy {
 public:
  explicit RefusesToBeMade(const Params&) {
    throw std::invalid_argument("degree: must be 1 or more");
  }
  void decide(const ClusterView&, Decisions&) override {}
};

class ThrowsANumber final : public Policy {
 public:
  explicit ThrowsANumber(const Params&) { throw 42; }
  void decide(const ClusterView&, Decisions&) override {}
};

class Idle final : public Policy {
 public:
  explicit Idle(const Params& params) : text_(params.get("text", "as asked")) {}
  void decide(const ClusterView&, Decisions&) override {}

 private:
  std::string text_;
};

TEST(Plugin, TableDescribesTheHeadersItWasBuiltWith) {
  constexpr PolicyPlugin plugin = make_plugin<Idle>("idle", "does nothing");
  EXPECT_EQ(plugin.api_version, static_cast<std::uint32_t>(RG_POLICY_API_VERSION));
  EXPECT_EQ(plugin.struct_size, sizeof(PolicyPlugin));
  EXPECT_STREQ(plugin.abi_tag, RG_POLICY_ABI_TAG);
  EXPECT_EQ(plugin.layout, layout_fingerprint());
  EXPECT_STREQ(plugin.name, "idle");
  EXPECT_STREQ(plugin.summary, "does nothing");
}

TEST(Plugin, AbiTagHoldsNumbersNotMacroNames) {
  const std::string tag = RG_POLICY_ABI_TAG;
  EXPECT_EQ(tag.find("__"), std::string::npos) << tag;
  EXPECT_EQ(tag.find("_GLIBCXX"), std::string::npos) << tag;
}

TEST(Plugin, MakesAndDestroysAPolicy) {
  constexpr PolicyPlugin plugin = make_plugin<Idle>("idle", "");
  ErrorText error{};
  Policy* policy = plugin.create(Defaults(), error);
  ASSERT_NE(policy, nullptr) << error.text;
  plugin.destroy(policy);
}

TEST(Plugin, CreateTurnsAnExceptionIntoText) {
  ErrorText error{};
  EXPECT_EQ(make_plugin<RefusesToBeMade>("x", "").create(Defaults(), error), nullptr);
  EXPECT_STREQ(error.text, "degree: must be 1 or more");
  EXPECT_EQ(make_plugin<ThrowsANumber>("x", "").create(Defaults(), error), nullptr);
  EXPECT_STREQ(error.text, "an exception that is not a std::exception");
}

TEST(Plugin, LongErrorsAreCutNotOverrun) {
  ErrorText error{};
  EXPECT_FALSE(guarded(error, [] { throw std::runtime_error(std::string(4000, 'x')); }));
  EXPECT_EQ(std::strlen(error.text), sizeof error.text - 1);
}

TEST(Plugin, GuardedSaysNothingWhenNothingIsWrong) {
  ErrorText error{};
  EXPECT_TRUE(guarded(error, [] {}));
  EXPECT_STREQ(error.text, "");
}

TEST(TaskSet, ShowsByArrivalThenRequestThenStage) {
  const auto task = [](int arrival_s, std::uint64_t request, std::uint8_t stage) {
    Task made;
    made.arrival = TimePoint(std::chrono::seconds(arrival_s));
    made.request = RequestId{request};
    made.stage = stage;
    return made;
  };
  const Task first = task(1, 9, 2), second = task(2, 3, 0), third = task(2, 3, 1),
             last = task(2, 4, 0);
  const TaskSet tasks{&last, &third, &second, &first};
  const std::vector<const Task*> shown(tasks.begin(), tasks.end());
  EXPECT_EQ(shown, (std::vector<const Task*>{&first, &second, &third, &last}));
}

}  // namespace
}  // namespace regroup
