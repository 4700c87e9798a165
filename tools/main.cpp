// The regroup command.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <new>
#include <span>
#include <string_view>
#include <utility>

#include "core/errors.hpp"
#include "runtime/cluster/job.hpp"
#include "runtime/cluster/launcher.hpp"
#include "tools/backends.hpp"
#include "tools/verbs.hpp"

namespace {

enum ExitCode { kOk = 0, kCheckFailed = 1, kUsage = 2, kMachine = 3, kPolicy = 4, kOurBug = 70 };

int complain(ExitCode code, const char* what) {
  std::fflush(stdout);  // what was said before it comes before it
  fmt::print(stderr, "regroup: {}\n", what);
  return code;
}

// The verb that is called, or all of them: for help, where none is named first, and for a file of
// flags, which may have a section for each. To make the flags of all takes 2 ms.
void add_verbs(CLI::App& program, int argc, char** argv, regroup::cluster::Job& job) {
  using namespace regroup::tools;
  const auto replay = [&](CLI::App& app) { add_replay(app, job); };
  const std::pair<std::string_view, std::function<void(CLI::App&)>> verbs[] = {
      {"replay", replay},           {"compare", add_compare}, {"journal", add_journal},
      {"table", add_table},         {"picture", add_picture}, {"report", add_report},
      {"calibrate", add_calibrate}, {"costs", add_costs},     {"policy", add_policy},
      {"bench", add_bench},         {"trace", add_trace},     {"bound", add_bound},
      {"sweep", add_sweep}};
  const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
  const auto gives_file = [](std::string_view a) { return a.starts_with("--config"); };
  if (argc > 1 && std::ranges::none_of(arguments, gives_file))
    for (const auto& [name, add] : verbs)
      if (arguments[1] == name) return add(program);
  for (const auto& [name, add] : verbs) add(program);
}

int run(int argc, char** argv, regroup::cluster::Job& job) {
  CLI::App program(
      "Designs GPU-parallelism schedules for diffusion transformer serving: replays request traces "
      "on modelled GPU clusters under a programmable policy.",
      "regroup");
  program.set_version_flag("--version", RG_VERSION);
  program.require_subcommand(1);
  program.set_config("--config", "",
                     "read flags from a file, a section [VERB] each; flags given here win");
  program.allow_config_extras(CLI::config_extras_mode::error);
  program.footer(
      "Exit codes: 0 ok, 1 a check failed, 2 usage or configuration, 3 the machine, 4 the policy "
      "broke its contract.");
  add_verbs(program, argc, argv, job);
  try {
    program.parse(argc, argv);
  } catch (const CLI::RuntimeError& error) {
    return error.get_exit_code();  // of a process that only served
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? kOk : kUsage;
  }
  // A result that did not reach its reader is not a result.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    return complain(kMachine, fmt::format("standard output: {}", std::strerror(errno)).c_str());
  return kOk;
}

int run_and_complain(int argc, char** argv, regroup::cluster::Job& job) {
  try {
    return run(argc, argv, job);
  } catch (const regroup::CheckFailed& error) {
    return complain(kCheckFailed, error.what());
  } catch (const regroup::ConfigError& error) {
    return complain(kUsage, error.what());
  } catch (const regroup::SystemError& error) {
    return complain(kMachine, error.what());
  } catch (const regroup::PolicyError& error) {
    return complain(kPolicy, error.what());
  } catch (const std::bad_alloc&) {
    return complain(kMachine, "out of memory");
  } catch (const std::exception& error) {
    return complain(kOurBug,
                    fmt::format("internal error, please report it: {}", error.what()).c_str());
  }
}

#ifdef RG_MPI_PROGRAM
// Goes on as the same command with MPI, which lies beside this one. Returns if it cannot.
int become_mpi_program(char** argv) {
  const std::filesystem::path ours = std::filesystem::read_symlink("/proc/self/exe");
  const std::string theirs = ours.parent_path() / RG_MPI_PROGRAM;
  ::execv(theirs.c_str(), argv);
  return complain(kMachine, fmt::format("{}: {} (this program under MPI, which belongs beside it)",
                                        theirs, std::strerror(errno))
                                .c_str());
}
#endif

}  // namespace

int main(int argc, char** argv) {
#ifdef RG_MPI_PROGRAM
  if (regroup::cluster::launched_with_mpi()) return become_mpi_program(argv);
#endif
  regroup::cluster::Job job(regroup::tools::make_node);
  const int code = run_and_complain(argc, argv, job);
  job.end(code);
  return code;
}
