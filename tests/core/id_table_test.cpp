#include "core/id_table.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "core/random.hpp"
#include "regroup/policy/types.hpp"

namespace regroup {
namespace {

using Table = IdTable<RunId, int>;
using Records = IdRecords<RunId, std::string>;

TEST(IdTable, FindsWhatIsThereAndNothingElse) {
  Table table;
  EXPECT_EQ(table.find({0}), nullptr);
  table.add({0}) = 10;
  table.add({16}) = 26;
  EXPECT_EQ(*table.find({0}), 10);
  EXPECT_EQ(*table.find({16}), 26);
  EXPECT_EQ(table.find({1}), nullptr);
  EXPECT_EQ(table.remove({0}), 10);
  EXPECT_EQ(table.find({0}), nullptr);
  EXPECT_EQ(*table.find({16}), 26);
  EXPECT_EQ(table.size(), 1u);
}

TEST(IdTable, RefusesWhatCannotBe) {
  Table table;
  EXPECT_THROW(table.remove({1}), InternalError);
  table.add({1});
  EXPECT_THROW(table.add({1}), InternalError);
  EXPECT_THROW(table.remove({2}), InternalError);
  table.remove({1});
  EXPECT_TRUE(table.empty());
}

// Some ids stay for very long while others pass, as requests do that starve.
TEST(IdTable, DoesAsAMapDoes) {
  RandomStream random(5, "id table");
  Table table;
  Records records;
  std::map<std::uint64_t, int> map;
  for (std::uint64_t next = 0; next < 20'000; ++next) {
    map[next] = table.add({next}) = static_cast<int>(3 * next);
    records.add({next}) = fmt::format("{}", next);
    for (std::uint64_t goes = random.uniform() < 0.5 ? 0 : 2; goes > 0 && map.size() > 1; --goes) {
      // Mostly one of the latest.
      const double back = random.uniform() * random.uniform() * 100;
      auto victim = map.lower_bound(next - std::min(next, static_cast<std::uint64_t>(back)));
      if (victim == map.end()) --victim;  // the latest has gone just before
      EXPECT_EQ(table.remove({victim->first}), victim->second);
      EXPECT_EQ(records.remove({victim->first}), fmt::format("{}", victim->first));
      map.erase(victim);
    }
    ASSERT_EQ(table.size(), map.size());
  }
  std::vector<RunId> ids;
  for (const auto& [id, value] : map) {
    ids.push_back({id});
    ASSERT_NE(table.find({id}), nullptr);
    EXPECT_EQ(*table.find({id}), value);
    ASSERT_NE(records.find({id}), nullptr);
    EXPECT_EQ(*records.find({id}), fmt::format("{}", id));
  }
  EXPECT_EQ(table.ids(), ids);
  EXPECT_GT(ids.size(), 10u);
}

TEST(IdRecords, RefusesWhatCannotBe) {
  Records records;
  EXPECT_EQ(records.find({1}), nullptr);
  EXPECT_THROW(records.remove({1}), InternalError);
  records.add({1});
  EXPECT_THROW(records.add({1}), InternalError);
}

TEST(IdRecords, ValuesStayWhereTheyAre) {
  Records records;
  const std::string* const first = &records.add({0});
  for (std::uint64_t id = 1; id < 1000; ++id) records.add({id});
  for (std::uint64_t id = 1; id < 1000; id += 2) records.remove({id});
  EXPECT_EQ(records.find({0}), first);
}

TEST(IdRecords, WhatARemovedValueHeldIsKept) {
  Records records;
  const char* const memory = (records.add({0}) = std::string(100, 'a')).data();
  EXPECT_EQ(records.remove({0}).data(), memory);
  EXPECT_EQ(records.add({1}).data(), memory);
}

}  // namespace
}  // namespace regroup
