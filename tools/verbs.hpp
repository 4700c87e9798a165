// The verbs of the command. Each adds its flags to the program and runs when it was the one called;
// what it prints is its result, what it throws becomes the exit code.
#pragma once

#include <CLI/CLI.hpp>

namespace regroup::cluster {
class Job;
}

namespace regroup::tools {

// Joins the job, if this process is one of several.
void add_replay(CLI::App& program, cluster::Job& job);
void add_compare(CLI::App& program);
void add_journal(CLI::App& program);
void add_table(CLI::App& program);
void add_picture(CLI::App& program);
void add_report(CLI::App& program);
void add_calibrate(CLI::App& program);
void add_costs(CLI::App& program);
void add_policy(CLI::App& program);
void add_bench(CLI::App& program);
void add_bench_policies(CLI::App& bench);
void add_bench_gpu(CLI::App& bench);
void add_trace(CLI::App& program);
void add_bound(CLI::App& program);
void add_sweep(CLI::App& program);

}  // namespace regroup::tools
