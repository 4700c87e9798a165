#include "runtime/cuda/gpu/library.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/errors.hpp"
#include "tests/support/temp_dir.hpp"

namespace regroup::cuda {
namespace {

namespace fs = std::filesystem;

using Names = std::vector<std::string>;
using Folders = std::vector<fs::path>;

template <class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const CudaError& error) {
    return error.what();
  }
  return "none";
}

TEST(Library, GivesTypedFunctionsOfTheFirstNameThatIsThere) {
  const Library math("mathematics", Names{"libabsent.so.1", "libm.so.6"});
  EXPECT_EQ(math.function<double(double)>("floor")(2.5), 2.0);
  EXPECT_EQ(fs::path(math.file()).filename(), "libm.so.6");
  EXPECT_TRUE(fs::path(math.file()).is_absolute());
}

TEST(Library, NamesAllThatWasTried) {
  EXPECT_EQ(error_of([] {
              Library("cuFoo", Names{"libfoo.so.2", "libfoo.so.1"}, Folders{"/no/such/folder", ""});
            }),
            "cuFoo: no libfoo.so.2, libfoo.so.1 could be loaded; looked in /no/such/folder, the "
            "loader's path");
}

TEST(Library, SaysWhatIsWrongWithAFileThatIsThere) {
  const regroup::testing::TempDir folder;
  folder.write("libfoo.so.1", "no library");
  const std::string error =
      error_of([&] { Library("cuFoo", Names{"libfoo.so.1"}, Folders{folder.path()}); });
  EXPECT_NE(error.find("libfoo.so.1: file too short"), std::string::npos) << error;
}

TEST(Library, NamesAMissingFunction) {
  const Library math("mathematics", Names{"libm.so.6"});
  EXPECT_EQ(error_of([&] { math.function<void()>("no_such_function"); }),
            "mathematics: " + math.file() +
                " has no function no_such_function; a newer version is needed");
}

TEST(Library, LooksIntoWheelsOfAVirtualEnvironment) {
  const regroup::testing::TempDir environment;
  const fs::path wheel = environment.path() / "lib/python3.11/site-packages/nvidia/cudnn/lib";
  fs::create_directories(wheel);
  ASSERT_EQ(setenv("VIRTUAL_ENV", environment.path().c_str(), 1), 0);
  const Folders folders = library_folders();
  unsetenv("VIRTUAL_ENV");
  const auto loader = std::find(folders.begin(), folders.end(), fs::path());
  EXPECT_NE(loader, folders.end());
  EXPECT_NE(std::find(loader, folders.end(), wheel), folders.end());
}

}  // namespace
}  // namespace regroup::cuda
