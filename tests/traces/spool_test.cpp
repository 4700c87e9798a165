// Traces that come out of a pipe.
#include "traces/spool.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "core/errors.hpp"
#include "tests/support/temp_dir.hpp"
#include "traces/reader.hpp"

namespace regroup::traces {
namespace {

std::string header() {
  return "# regroup trace v1\n"
         "id,arrival_us,model,width,height,frames,steps,guidance,class,priority,deadline_us\n";
}

// Writes to a pipe of that name until it is read to the end.
std::jthread feed(const std::filesystem::path& pipe, std::string text) {
  EXPECT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  return std::jthread([pipe, text = std::move(text)] { std::ofstream(pipe) << text; });
}

TEST(Spool, KnowsWhatIsReadOnce) {
  const testing::TempDir dir;
  std::ofstream(dir.path() / "file") << "text";
  ASSERT_EQ(mkfifo((dir.path() / "pipe").c_str(), 0600), 0);
  EXPECT_FALSE(reads_once(dir.path() / "file"));
  EXPECT_FALSE(reads_once(dir.path() / "missing"));
  EXPECT_TRUE(reads_once(dir.path() / "pipe"));
  EXPECT_TRUE(reads_once("/dev/null"));
}

TEST(Spool, CanBeReadAgainAndAgain) {
  const testing::TempDir dir;
  std::string text = header();
  for (int i = 0; i < 5000; ++i) text += "r,0,FLUX.1-dev,512,512,1,4,3.5,,,\n";
  const std::jthread writer = feed(dir.path() / "pipe", text);
  const Spool spool(dir.path() / "pipe");
  for (int time = 0; time < 2; ++time)
    EXPECT_EQ(read_all(*open_trace(spool.path(), {})).size(), 5000u);
}

TEST(Spool, IsCalledByItsPipesNameInMessages) {
  for (const char* text : {"nonsense\n", "# regroup trace v1\nnonsense\n", "Request(nonsense\n",
                           "{\"requests\": 3}", ""}) {
    const testing::TempDir dir;
    const std::jthread writer = feed(dir.path() / "pipe", text);
    const Spool spool(dir.path() / "pipe");
    try {
      read_all(*open_trace(spool.path(), {.default_model{}, .shown_as = "the pipe"}));
      FAIL() << "accepted: " << text;
    } catch (const ConfigError& error) {
      EXPECT_TRUE(std::string_view(error.what()).starts_with("the pipe")) << error.what();
    }
  }
}

TEST(Spool, LeavesNoFile) {
  const testing::TempDir dir;
  const std::jthread writer = feed(dir.path() / "pipe", header());
  ::setenv("TMPDIR", dir.path().c_str(), 1);
  {
    const Spool spool(dir.path() / "pipe");
    EXPECT_EQ(dir.names(), std::vector<std::string>{"pipe"});
  }
  ::unsetenv("TMPDIR");
}

TEST(Spool, SaysWhatCannotBeOpened) { EXPECT_THROW(Spool("/nowhere/pipe"), ConfigError); }

}  // namespace
}  // namespace regroup::traces
