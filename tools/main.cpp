// The regroup command.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <new>

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
  regroup::tools::add_replay(program, job);
  regroup::tools::add_compare(program);
  regroup::tools::add_journal(program);
  regroup::tools::add_table(program);
  regroup::tools::add_picture(program);
  regroup::tools::add_report(program);
  regroup::tools::add_calibrate(program);
  regroup::tools::add_costs(program);
  regroup::tools::add_policy(program);
  regroup::tools::add_bench(program);
  regroup::tools::add_trace(program);
  regroup::tools::add_bound(program);
  regroup::tools::add_sweep(program);
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
  return complain(kMachine, fmt::format("{}: {}", theirs, std::strerror(errno)).c_str());
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
