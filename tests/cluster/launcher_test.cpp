#include "runtime/cluster/launcher.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <string>

namespace regroup::cluster {
namespace {

// What a launcher leaves in the environment, and nothing of another one's, for as long as it lives.
class Environment {
 public:
  explicit Environment(const std::map<std::string, std::string>& has) {
    for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "SLURM_PROCID"}) {
      const char* value = std::getenv(name);
      before_[name] = value == nullptr ? std::nullopt : std::optional<std::string>(value);
      ::unsetenv(name);
    }
    for (const auto& [name, value] : has) ::setenv(name.c_str(), value.c_str(), 1);
  }
  ~Environment() {
    for (const auto& [name, value] : before_) {
      ::unsetenv(name.c_str());
      if (value) ::setenv(name.c_str(), value->c_str(), 1);
    }
  }

 private:
  std::map<std::string, std::optional<std::string>> before_;
};

TEST(Launcher, MpiIsOnlyAskedForWhereItCanAnswer) {
  const auto launched_by = [](const std::map<std::string, std::string>& has) {
    const Environment environment(has);
    return launched_with_mpi();
  };
  EXPECT_FALSE(launched_by({}));
  EXPECT_TRUE(launched_by({{"OMPI_COMM_WORLD_RANK", "0"}}));
  EXPECT_TRUE(launched_by({{"PMI_RANK", "1"}}));
  EXPECT_TRUE(launched_by({{"SLURM_PROCID", "0"}, {"PMIX_RANK", "0"}}));
  EXPECT_FALSE(launched_by({{"SLURM_PROCID", "0"}}));
}

}  // namespace
}  // namespace regroup::cluster
