// The verbs of the command. Each adds its flags to the program and runs when it was the one called;
// what it prints is its result, what it throws becomes the exit code.
#pragma once

#include <CLI/CLI.hpp>

namespace regroup::tools {

void add_replay(CLI::App& program);
void add_compare(CLI::App& program);
void add_table(CLI::App& program);
void add_picture(CLI::App& program);
void add_calibrate(CLI::App& program);
void add_costs(CLI::App& program);
void add_policy(CLI::App& program);
void add_bench(CLI::App& program);
void add_trace(CLI::App& program);
void add_bound(CLI::App& program);

}  // namespace regroup::tools
