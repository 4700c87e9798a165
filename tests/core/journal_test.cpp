// A journal as bytes: what is written is read again, and nothing else is.
#include "core/journal.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "core/errors.hpp"
#include "core/random.hpp"
#include "tests/support/journal_text.hpp"

namespace regroup {
namespace {

using Kind = JournalEntry::Kind;
using testing::journal_bytes;
using testing::journal_text;

std::string written(const std::vector<JournalEntry>& entries) {
  std::string bytes;
  JournalWriter writer([&](std::string_view entry) { bytes += entry; });
  for (const JournalEntry& entry : entries) writer.entry(entry);
  return bytes;
}

// Entries up to the end, or up to the error, which is given back.
std::string read(const std::string& bytes, std::vector<JournalEntry>& entries) {
  std::istringstream stream(bytes);
  try {
    JournalReader reader(stream, "J");
    for (JournalEntry entry; reader.next(entry);) entries.push_back(entry);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

std::string error_of(const std::string& bytes) {
  std::vector<JournalEntry> entries;
  return read(bytes, entries);
}

std::string heading() { return std::string(kJournalHeading) + '\n'; }

// Numbers of every length.
class RandomEntries {
 public:
  explicit RandomEntries(std::uint64_t seed) : random_(seed, "entries") {}

  JournalEntry next() {
    JournalEntry e;
    at_ += static_cast<std::int64_t>(number() >> 20);
    e.at = TimePoint(Duration(at_));
    e.kind = static_cast<Kind>(random_.below(JournalEntry::kKinds));
    e.run.value = number();
    e.steps = static_cast<int>(number() & 0x7fffffff);
    e.times = {length(), length(), length(), length()};
    e.gpu.value = static_cast<std::uint32_t>(number());
    for (std::uint64_t left = 1 + random_.below(4); left > 0; --left) e.tasks.push_back({number()});
    e.layout = {part(2), part(4), part(4), part(1)};
    for (int left = e.layout.size(); left > 0; --left)
      e.group.push_back({static_cast<std::uint32_t>(number())});
    e.request.value = number();
    e.when = random_.below(4) == 0 ? kNever : TimePoint(Duration(number() >> 1));
    return e;
  }

 private:
  std::uint64_t number() { return random_.bits() >> random_.below(64); }
  Duration length() {
    const auto size = static_cast<std::int64_t>(number() >> 4);
    return Duration(random_.below(2) == 0 ? size : -size);
  }
  std::uint8_t part(std::uint64_t most) {
    return static_cast<std::uint8_t>(1 + random_.below(most));
  }

  RandomStream random_;
  std::int64_t at_ = 0;
};

std::vector<JournalEntry> random_entries(std::uint64_t seed, int count) {
  RandomEntries random(seed);
  std::vector<JournalEntry> entries;
  for (int i = 0; i < count; ++i) entries.push_back(random.next());
  return entries;
}

TEST(Journal, IsReadAsItWasWritten) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    // More than a buffer of the reader.
    const std::vector<JournalEntry> entries = random_entries(seed, 5000);
    std::vector<JournalEntry> found;
    EXPECT_EQ(read(written(entries), found), "") << "seed " << seed;
    EXPECT_TRUE(found == entries) << "seed " << seed;
  }
}

TEST(Journal, TextSaysAllThatBytesSay) {
  const std::string bytes = written(random_entries(4, 500));
  const std::string text = journal_text(bytes);
  EXPECT_TRUE(journal_bytes(text.substr(heading().size())) == bytes);
}

TEST(Journal, CutAnywhereGivesWhatCameBefore) {
  const std::vector<JournalEntry> entries = random_entries(5, 40);
  std::vector<std::size_t> ends = {heading().size()};
  {
    std::size_t size = 0;
    std::vector<std::size_t> sizes;
    JournalWriter writer([&](std::string_view entry) { sizes.push_back(size += entry.size()); });
    for (const JournalEntry& entry : entries) writer.entry(entry);
    ends = sizes;  // the first is the heading's
  }
  const std::string bytes = written(entries);
  for (std::size_t length = 0; length <= bytes.size(); ++length) {
    std::vector<JournalEntry> found;
    const std::string error = read(bytes.substr(0, length), found);
    if (length < ends[0]) {
      EXPECT_TRUE(error.starts_with("J: byte 0: ")) << length << error;
      continue;
    }
    const auto after = std::ranges::upper_bound(ends, length);
    const auto whole = static_cast<std::size_t>(after - ends.begin()) - 1;
    EXPECT_EQ(found.size(), whole) << length;
    EXPECT_TRUE(std::equal(found.begin(), found.end(), entries.begin())) << length;
    const std::string expected =
        length == ends[whole]
            ? ""
            : fmt::format(
                  "J: byte {}: the journal ends in the middle of an entry (was its run "
                  "killed?)",
                  length);
    EXPECT_EQ(error, expected);
  }
}

// Whatever the bytes are, there are entries or there is an error that says where.
TEST(Journal, DamageIsAnErrorOrAnotherEntry) {
  RandomStream random(6, "damage");
  const std::string bytes = written(random_entries(6, 30));
  for (int i = 0; i < 20'000; ++i) {
    std::string damaged = bytes;
    const auto place = static_cast<std::size_t>(random.below(bytes.size()));
    damaged[place] = static_cast<char>(random.below(256));
    const std::string error = error_of(damaged);
    EXPECT_TRUE(error.empty() || error.starts_with("J: byte ")) << error;
  }
}

TEST(Journal, SaysWhatIsWrongAndWhere) {
  const auto with = [](std::initializer_list<int> entry) {
    std::string bytes = heading();
    for (const int byte : entry) bytes += static_cast<char>(byte);
    return error_of(bytes);
  };
  EXPECT_EQ(heading().size(), 21u);
  EXPECT_EQ(error_of("# regroup journal v1\nd 0 wake 1\n"),
            "J: byte 0: a journal of another version, '# regroup journal v1': this program reads "
            "'# regroup journal v2' only; run the trace again");
  EXPECT_EQ(error_of("id,arrival_us\n"),
            "J: byte 0: not a journal: it must begin with the line '# regroup journal v2'");
  EXPECT_EQ(with({}), "");
  EXPECT_EQ(with({99}), "J: byte 21: no entry begins with 0x63");
  EXPECT_EQ(with({7, 0}),
            "J: byte 23: the journal ends in the middle of an entry (was its run "
            "killed?)");
  EXPECT_EQ(with({6, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2}),
            "J: byte 23: a number of more than 64 bits");
  EXPECT_EQ(with({6, 255, 255, 255, 255, 255, 255, 255, 255, 127, 0}),
            "J: byte 22: a time of more than 1152921504606846976 ns");
  EXPECT_EQ(with({7, 0, 1}), "J: byte 23: a time of -1 ns");
  EXPECT_EQ(with({2, 0, 128, 128, 128, 128, 16}),
            "J: byte 23: the number 4294967296 where at most 4294967295 can be");
  EXPECT_EQ(with({4, 0, 0, 0}), "J: byte 24: a placement of no tasks");
  EXPECT_EQ(with({4, 0, 0, 1, 0, 0}), "J: byte 26: a group of 0 GPUs");
  EXPECT_EQ(with({4, 0, 0, 1, 0, 33}), "J: byte 26: a group of 33 GPUs");
  EXPECT_EQ(with({4, 0, 0, 1, 0, 2, 0, 0, 1, 3, 1, 1, 1}),
            "J: byte 32: a layout for 3 GPUs of a group of 2");
}

// Mostly small numbers: a step's placement and its end in thirty bytes.
TEST(Journal, IsSmall) {
  const std::string bytes = journal_bytes(
      "d 5000000000 place 1000 70 8,9,10,11 cfg1.u4.r1 1\n"
      "e 5100000000 end 1000 1 10000 0 0 99990000\n"
      "d 5100000000 place 1001 70 8,9,10,11 cfg1.u4.r1 1\n"
      "e 5200000000 end 1001 1 10000 0 0 99990000\n");
  const std::string two = journal_bytes(
      "d 5000000000 place 1000 70 8,9,10,11 cfg1.u4.r1 1\n"
      "e 5100000000 end 1000 1 10000 0 0 99990000\n");
  EXPECT_LE(bytes.size() - two.size(), 30u);
}

TEST(Journal, RefusesTimesThatGoBack) {
  EXPECT_THROW(journal_bytes("d 20 preempt 1\nd 10 preempt 2\n"), InternalError);
}

}  // namespace
}  // namespace regroup
