#include "core/id_table.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "core/random.hpp"
#include "regroup/policy/types.hpp"

namespace regroup {
namespace {

using Table = IdTable<RunId, std::string>;

TEST(IdTable, FindsWhatIsThereAndNothingElse) {
  Table table;
  EXPECT_EQ(table.find({0}), nullptr);
  table.add({0}) = "zero";
  table.add({16}) = "sixteen";
  EXPECT_EQ(*table.find({0}), "zero");
  EXPECT_EQ(*table.find({16}), "sixteen");
  EXPECT_EQ(table.find({1}), nullptr);
  EXPECT_EQ(table.remove({0}), "zero");
  EXPECT_EQ(table.find({0}), nullptr);
  EXPECT_EQ(*table.find({16}), "sixteen");
  EXPECT_EQ(table.size(), 1u);
}

TEST(IdTable, RefusesWhatCannotBe) {
  Table table;
  EXPECT_THROW(table.remove({1}), InternalError);
  table.add({1});
  EXPECT_THROW(table.add({1}), InternalError);
  EXPECT_THROW(table.remove({2}), InternalError);
  EXPECT_EQ(table.remove_if_there({2}), nullptr);
  EXPECT_NE(table.remove_if_there({1}), nullptr);
  EXPECT_TRUE(table.empty());
}

TEST(IdTable, WhatARemovedValueHeldIsKept) {
  Table table;
  const char* const memory = (table.add({0}) = std::string(100, 'a')).data();
  EXPECT_EQ(table.remove({0}).data(), memory);
  EXPECT_EQ(table.add({0}).data(), memory);
}

// Some ids stay for very long while others pass, as requests do that starve.
TEST(IdTable, DoesAsAMapDoes) {
  RandomStream random(5, "id table");
  Table table;
  std::map<std::uint64_t, std::string> map;
  for (std::uint64_t next = 0; next < 20'000; ++next) {
    map[next] = table.add({next}) = fmt::format("{}", next);
    for (std::uint64_t goes = random.uniform() < 0.5 ? 0 : 2; goes > 0 && map.size() > 1; --goes) {
      // Mostly one of the latest.
      const double back = random.uniform() * random.uniform() * 100;
      auto victim = map.lower_bound(next - std::min(next, static_cast<std::uint64_t>(back)));
      if (victim == map.end()) --victim;  // the latest has gone just before
      EXPECT_EQ(table.remove({victim->first}), victim->second);
      map.erase(victim);
    }
    ASSERT_EQ(table.size(), map.size());
  }
  std::vector<RunId> ids;
  for (const auto& [id, text] : map) {
    ids.push_back({id});
    ASSERT_NE(table.find({id}), nullptr);
    EXPECT_EQ(*table.find({id}), text);
  }
  EXPECT_EQ(table.ids(), ids);
  EXPECT_GT(ids.size(), 10u);
}

}  // namespace
}  // namespace regroup
