#include "tools/bench/matrix_report.hpp"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "core/result_text.hpp"
#include "tools/table.hpp"

namespace regroup::tools {
namespace {

// One table entry.
struct Cell {
  std::string text;
  bool best = false;
};
// The first row is the heading.
using Cells = std::vector<std::vector<Cell>>;

std::string spread(const Estimate& estimate, double unit, int digits) {
  if (std::isnan(estimate.mean)) return "-";
  if (std::isnan(estimate.half_width)) return fmt::format("{:.{}f}", estimate.mean * unit, digits);
  return fmt::format("{:.{}f} ± {:.{}f}", estimate.mean * unit, digits, estimate.half_width * unit,
                     digits);
}

std::string percent(const Estimate& rate) { return spread(rate, 100, 1); }

// A number of a CSV file; nothing for NaN.
std::string field(double value) { return std::isnan(value) ? "" : fmt::format("{:.6f}", value); }

std::vector<Cell> heading(const Matrix& matrix) {
  std::vector<Cell> row = {{"policy"}};
  for (const double load : matrix.options().loads) row.push_back({fmt::format("load {}", load)});
  return row;
}

// A row for each policy, a column for each load. Show: (entry) -> Cell.
template <class Show>
Cells table_of(const Matrix& matrix, std::size_t workload, Show show) {
  Cells rows = {heading(matrix)};
  for (std::size_t policy = 0; policy < matrix.options().policies.size(); ++policy)
    rows.push_back({{matrix.policy_name(policy)}});
  for (std::size_t load = 0; load < matrix.options().loads.size(); ++load) {
    std::size_t row = 1;
    for (const MatrixEntry& entry : matrix.entries(workload, load))
      rows[row++].push_back(show(entry));
  }
  return rows;
}

// The bound is the last row.
Cells violations_and_bound(const Matrix& matrix, std::size_t workload) {
  Cells rows = table_of(matrix, workload, [](const MatrixEntry& entry) {
    return Cell{percent(entry.violation_rate), entry.best};
  });
  auto& last = rows.emplace_back();
  last.push_back({"no schedule is below"});
  for (std::size_t load = 0; load < matrix.options().loads.size(); ++load)
    last.push_back({percent(matrix.bound(workload, load))});
  return rows;
}

Cells latencies(const Matrix& matrix, std::size_t workload) {
  return table_of(matrix, workload, [](const MatrixEntry& entry) {
    return Cell{spread(entry.latency_mean_s, 1, 2)};
  });
}

// For each workload and load: violations of kOurPolicy, the fewest of all others and whose, and
// what no schedule is below. No rows: kOurPolicy, or the others, were not run.
Cells in_short(const Matrix& matrix) {
  const MatrixOptions& o = matrix.options();
  Cells rows = {heading(matrix)};
  rows[0][0].text = "workload";
  for (std::size_t workload = 0; workload < o.workloads.size(); ++workload) {
    std::vector<Cell> row = {{o.workloads[workload]}};
    for (std::size_t load = 0; load < o.loads.size(); ++load) {
      const std::vector<MatrixEntry> entries = matrix.entries(workload, load);
      const auto rate = [&](std::size_t policy) { return entries[policy].violation_rate.mean; };
      std::optional<std::size_t> ours, other;
      for (std::size_t policy = 0; policy < entries.size(); ++policy) {
        auto& slot = o.policies[policy].policy == kOurPolicy ? ours : other;
        if (!slot || rate(policy) < rate(*slot)) slot = policy;
      }
      if (!ours || !other) return {};
      row.push_back(
          {fmt::format("{:.1f} / {:.1f} {} / {:.1f}", rate(*ours) * 100, rate(*other) * 100,
                       matrix.policy_name(*other), matrix.bound(workload, load).mean * 100)});
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string markdown(const Cells& rows) {
  std::string text;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const Cell& cell : rows[i])
      text += "| " + (cell.best ? "**" + cell.text + "**" : cell.text) + " ";
    text += "|\n";
    if (i > 0) continue;
    for (std::size_t column = 0; column < rows[0].size(); ++column)
      text += column == 0 ? "|---" : "|---:";
    text += "|\n";
  }
  return text;
}

std::string plain(const Cells& rows) {
  std::vector<std::vector<std::string>> texts;
  for (const auto& row : rows) {
    auto& line = texts.emplace_back();
    for (const Cell& cell : row) line.push_back(cell.text + (cell.best ? " *" : ""));
    // Numbers stand under one another whether or not they are marked.
    for (std::size_t column = 1; column < row.size(); ++column)
      if (!row[column].best) line[column] += "  ";
  }
  return aligned(texts);
}

std::string requests_a_run(const Matrix& matrix, std::size_t workload) {
  std::string text;
  for (std::size_t load = 0; load < matrix.options().loads.size(); ++load) {
    const auto all = static_cast<double>(matrix.entries(workload, load).front().requests);
    text += fmt::format("{}{:.0f}", load == 0 ? "" : ", ", all / matrix.options().seeds);
  }
  return text;
}

}  // namespace

std::string runs_csv(const Matrix& matrix) {
  const MatrixOptions& o = matrix.options();
  std::string text =
      "workload,load,seed,policy,requests,finished,rejected,unfinished,violations,violation_rate,"
      "latency_mean_s,latency_p95_s,bound\n";
  for (std::size_t w = 0; w < o.workloads.size(); ++w)
    for (std::size_t l = 0; l < o.loads.size(); ++l)
      for (int seed = 0; seed < o.seeds; ++seed)
        for (std::size_t p = 0; p < o.policies.size(); ++p) {
          const MatrixRun& run = matrix.run(w, l, p, seed);
          text += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{}\n", o.workloads[w],
                              o.loads[l], seed, csv_field(matrix.policy_name(p)), run.requests,
                              run.finished, run.rejected, run.unfinished, run.violations,
                              field(run.violation_rate), field(run.latency_mean_s),
                              field(run.latency_p95_s), field(matrix.bound(w, l, seed)));
        }
  return text;
}

std::string matrix_csv(const Matrix& matrix) {
  const MatrixOptions& o = matrix.options();
  std::string text =
      "workload,load,policy,seeds,requests,violation_rate,violation_rate_low,violation_rate_high,"
      "latency_mean_s,latency_mean_low_s,latency_mean_high_s,latency_p95_s,behind_best,"
      "behind_best_low,behind_best_high,bound,above_bound,above_bound_low,above_bound_high,best\n";
  for (std::size_t w = 0; w < o.workloads.size(); ++w)
    for (std::size_t l = 0; l < o.loads.size(); ++l) {
      const std::vector<MatrixEntry> entries = matrix.entries(w, l);
      for (std::size_t p = 0; p < o.policies.size(); ++p) {
        const MatrixEntry& e = entries[p];
        text += fmt::format("{},{},{},{},{}", o.workloads[w], o.loads[l],
                            csv_field(matrix.policy_name(p)), o.seeds, e.requests);
        for (const double value :
             {e.violation_rate.mean, e.violation_rate.low(), e.violation_rate.high(),
              e.latency_mean_s.mean, e.latency_mean_s.low(), e.latency_mean_s.high(),
              e.latency_p95_s, e.behind.mean, e.behind.low(), e.behind.high(),
              matrix.bound(w, l).mean, e.above_bound.mean, e.above_bound.low(),
              e.above_bound.high()})
          text += "," + field(value);
        text += e.best ? ",1\n" : ",0\n";
      }
    }
  return text;
}

std::vector<std::string> shortfalls(const Matrix& matrix, std::size_t workload) {
  std::vector<std::string> lines;
  const MatrixOptions& o = matrix.options();
  for (std::size_t load = 0; load < o.loads.size(); ++load) {
    const std::vector<MatrixEntry> entries = matrix.entries(workload, load);
    const std::string best = matrix.policy_name(matrix.best_policy(workload, load));
    for (std::size_t policy = 0; policy < o.policies.size(); ++policy) {
      if (o.policies[policy].policy != kOurPolicy) continue;
      const MatrixEntry& entry = entries[policy];
      if (!entry.best)
        lines.push_back(fmt::format("load {}: {} is behind {} by {} points", o.loads[load],
                                    matrix.policy_name(policy), best, percent(entry.behind)));
      if (entry.slowest)
        lines.push_back(fmt::format("load {}: {} has the worst mean latency, {} s", o.loads[load],
                                    matrix.policy_name(policy),
                                    spread(entry.latency_mean_s, 1, 2)));
    }
  }
  return lines;
}

std::string matrix_markdown(const Matrix& matrix) {
  const MatrixOptions& o = matrix.options();
  std::string text = fmt::format(
      "# Policies on published workloads\n\n"
      "Cluster {}. SLO violations in percent of all requests, mean of {} seeds ± half of its 95 % "
      "interval (Student's t). Bold: the fewest violations, and all whose difference from that, "
      "seed by seed, may be zero. The last row is proved: see docs/bound.md. Load: GPU time that "
      "arrives, each request at its most efficient "
      "width, over GPUs times time.\n",
      o.base.cluster, o.seeds);
  if (const Cells summary = in_short(matrix); !summary.empty())
    text += fmt::format(
        "\n## In short\n\nViolations, %: {} / the best of the others / no schedule "
        "is below.\n\n{}",
        kOurPolicy, markdown(summary));
  for (std::size_t workload = 0; workload < o.workloads.size(); ++workload) {
    text += fmt::format("\n## {}\n\nRequests a run: {}.\n\nSLO violations, %:\n\n{}",
                        o.workloads[workload], requests_a_run(matrix, workload),
                        markdown(violations_and_bound(matrix, workload)));
    const std::vector<std::string> notes = shortfalls(matrix, workload);
    if (!notes.empty()) text += '\n';
    for (const std::string& line : notes) text += fmt::format("- {}\n", line);
    text += fmt::format("\nMean latency of the finished, s:\n\n{}",
                        markdown(latencies(matrix, workload)));
  }
  return text;
}

std::string matrix_text(const Matrix& matrix) {
  const MatrixOptions& o = matrix.options();
  std::string text;
  for (std::size_t workload = 0; workload < o.workloads.size(); ++workload) {
    text += fmt::format("{}{}: SLO violations, %\n{}", workload == 0 ? "" : "\n",
                        o.workloads[workload], plain(violations_and_bound(matrix, workload)));
    for (const std::string& line : shortfalls(matrix, workload)) text += line + '\n';
  }
  return text;
}

}  // namespace regroup::tools
