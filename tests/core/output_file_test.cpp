#include "core/output_file.hpp"

#include <gtest/gtest.h>

#include "core/errors.hpp"
#include "tests/core/observer_script.hpp"

namespace regroup {
namespace {

using script::TempDir;
using Names = std::vector<std::string>;

// The text of the SystemError that `act` ends in.
template <class Act>
std::string refusal(Act act) {
  try {
    act();
  } catch (const SystemError& error) {
    return error.what();
  }
  return "no error";
}

TEST(OutputFile, HasItsNameOnlyAfterCommit) {
  const TempDir dir;
  OutputFile file(dir.path(), "a.csv");
  file.write("one\n");
  EXPECT_EQ(dir.names(), Names{"a.csv.part"});
  file.write("two\n");
  file.commit();
  EXPECT_EQ(dir.names(), Names{"a.csv"});
  EXPECT_EQ(dir.read("a.csv"), "one\ntwo\n");
  EXPECT_EQ(file.path(), dir.path() / "a.csv");
}

TEST(OutputFile, LeavesNothingWithoutCommit) {
  const TempDir dir;
  { OutputFile(dir.path(), "a.csv").write("half"); }
  EXPECT_EQ(dir.names(), Names{});
}

TEST(OutputFile, KeepsAnEarlierFileUntilCommit) {
  const TempDir dir;
  for (const char* text : {"old", "new"}) {
    OutputFile file(dir.path(), "a.csv");
    file.write(text);
    EXPECT_EQ(dir.read("a.csv"), std::string(text) == "old" ? "" : "old");
    file.commit();
  }
  EXPECT_EQ(dir.read("a.csv"), "new");
}

TEST(OutputFile, WritesMoreThanItsBuffer) {
  const TempDir dir;
  std::string all;
  OutputFile file(dir.path(), "a");
  for (int i = 0; i < 50'000; ++i) {
    const std::string line = std::to_string(i) + '\n';
    file.write(line);
    all += line;
  }
  file.write(all);  // larger than the buffer at once
  file.commit();
  EXPECT_EQ(dir.read("a"), all + all);
}

TEST(OutputFile, ReportsAFullDiskOnWrite) {
  OutputFile file = OutputFile::direct("/dev/full");
  const auto write = [&] {
    for (int i = 0; i < 100'000; ++i) file.write("0123456789");
  };
  EXPECT_EQ(refusal(write), "/dev/full: cannot write: No space left on device");
}

TEST(OutputFile, ReportsAFullDiskOnCommit) {
  OutputFile file = OutputFile::direct("/dev/full");
  file.write("fits into the buffer");
  EXPECT_EQ(refusal([&] { file.commit(); }), "/dev/full: cannot write: No space left on device");
}

TEST(OutputFile, ReportsAMissingDirectory) {
  EXPECT_EQ(refusal([] { OutputFile("/nonexistent", "a.csv"); }),
            "/nonexistent/a.csv.part: cannot open: No such file or directory");
}

TEST(OutputFile, ReportsANameThatIsTaken) {
  const TempDir dir;
  std::filesystem::create_directory(dir.path() / "a.csv");
  OutputFile file(dir.path(), "a.csv");
  EXPECT_NE(refusal([&] { file.commit(); }).find("a.csv: cannot rename"), std::string::npos);
  EXPECT_EQ(dir.names(), Names{"a.csv"});
}

TEST(OutputFile, CannotBeUsedAfterCommit) {
  const TempDir dir;
  OutputFile file(dir.path(), "a.csv");
  file.commit();
  EXPECT_THROW(file.write("more"), InternalError);
  EXPECT_THROW(file.commit(), InternalError);
}

}  // namespace
}  // namespace regroup
