// What `regroup bench policies` writes and prints.
#pragma once

#include <string>
#include <vector>

#include "tools/bench/policy_matrix.hpp"

namespace regroup::tools {

// The policy whose rows say so where it is not the best.
inline constexpr const char* kOurPolicy = "elastic";

// runs.csv: one line for each run. A number that does not exist is empty.
std::string runs_csv(const Matrix& matrix);
// matrix.csv: one line for each workload, load and policy. Rates are shares of 1; `low` and `high`
// are the ends of the 95 % interval over seeds.
std::string matrix_csv(const Matrix& matrix);
// matrix.md: in short, kOurPolicy beside the best of the others and the bound; then for each
// workload a table of violations and one of mean latencies; rows are policies, columns loads; in
// bold the best and what may be equal to it.
std::string matrix_markdown(const Matrix& matrix);
// The tables of violations for a terminal: `*` where the Markdown is bold.
std::string matrix_text(const Matrix& matrix);

// One sentence for each workload and load where kOurPolicy neither is the best nor may be equal to
// it, or where its mean latency is the worst.
std::vector<std::string> shortfalls(const Matrix& matrix, std::size_t workload);

}  // namespace regroup::tools
