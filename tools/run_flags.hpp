// The flags that describe a run, and their check.
#pragma once

#include <CLI/CLI.hpp>

#include "tools/experiment.hpp"
#include "tools/table.hpp"

namespace regroup::tools {

// Flags as text, before they become an Experiment.
struct RunFlags {
  Experiment experiment;
  std::vector<std::string> params;  // key=value
  std::vector<std::string> failures;
  std::vector<std::string> faults;
  std::string clock;  // empty: virtual, on GPUs the machine's
  std::string compute = "timed";
  std::string groups = "group-free";
  std::string costs = "best";
  int steps = 0;
  bool no_tasks = false;
  bool no_timeline = false;
  bool no_journal = false;
  bool no_report = false;                   // of replay
  TableFormat format = TableFormat::kText;  // of replay, bound
  bool no_memory_check = false;
};

// A value must be a number above 0.
const CLI::Validator& above_zero();

// --format text, md, csv or json.
void add_format_flag(CLI::App& verb, TableFormat& format);

// Everything but trace and policy, which verbs treat differently.
void add_run_flags(CLI::App& verb, RunFlags& flags);
// Reads a trace that comes out of a pipe to its end, so that it can be read more than once. Throws
// ConfigError for a value that the flags cannot have.
Experiment experiment_of(const RunFlags& flags);

}  // namespace regroup::tools
