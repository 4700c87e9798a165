#include "tools/compare/compare_report.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/result_text.hpp"
#include "tools/compare/report_writer.hpp"

namespace regroup::tools {
namespace {

using Rows = ReportWriter::Rows;

constexpr std::size_t kListedCells = 20;

// Never "-0.00".
double clean(double value, int digits) {
  const double least = 0.5 * std::pow(10.0, -digits);
  return std::abs(value) < least ? 0 : value;
}
std::string number(double value, int digits) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", clean(value, digits), digits) : "-";
}
std::string signed_number(double value, int digits) {
  return std::isfinite(value) ? fmt::format("{:+.{}f}", clean(value, digits), digits) : "-";
}
std::string percent(double share) { return number(100 * share, 2); }
std::string signed_percent(double share) { return signed_number(100 * share, 2); }

std::string mean_us(double seconds, std::int64_t count) {
  return count == 0 ? "-" : number(1e6 * seconds / static_cast<double>(count), 1);
}

std::string who(const ResultFolder& folder) {
  const std::string on = folder.on();
  return fmt::format("{} (on {})", folder.path.string(), on.empty() ? "?" : on);
}

void write_rates(const Comparison& c, ReportWriter& out) {
  Rows rows = {{"class", "requests", "simulated %", "measured %", "gap, points", "95 % interval"}};
  std::string few;
  const auto add = [&](const RateGap& gap) {
    rows.push_back(
        {gap.name, fmt::format("{}", gap.requests), percent(gap.simulated), percent(gap.measured),
         signed_percent(gap.gap.mean),
         fmt::format("{} to {}", signed_percent(gap.gap.low), signed_percent(gap.gap.high))});
    if (gap.requests < kFewRequests) few += (few.empty() ? "" : ", ") + gap.name;
  };
  add(c.overall);
  for (const RateGap& gap : c.classes) add(gap);
  out.heading("SLO violations (gap: measured - simulated)");
  out.table(rows);
  if (!few.empty())
    out.paragraph(
        fmt::format("Fewer than {} requests, so the interval says little: {}.", kFewRequests, few));
}

void write_latency(const LatencyGap& latency, ReportWriter& out) {
  Rows rows = {{"latency", "simulated s", "measured s", "measured / simulated"}};
  const auto add = [&](const char* name, double a, double b) {
    rows.push_back({name, number(a, 3), number(b, 3), number(b / a, 4)});
  };
  const Spread &a = latency.simulated, &b = latency.measured;
  add("mean", a.mean, b.mean);
  add("P50", a.p50, b.p50);
  add("P90", a.p90, b.p90);
  add("P95", a.p95, b.p95);
  add("P99", a.p99, b.p99);
  out.heading("Latency");
  out.table(rows);
  if (latency.pairs == 0) return;
  out.paragraph(fmt::format(
      "Request by request ({} finished in both): median difference {} s; 95 % differ by at most {} "
      "s, the largest by {} %.",
      latency.pairs, signed_number(latency.median_difference_s, 3),
      number(latency.p95_difference_s, 3), percent(latency.max_relative)));
}

void write_steps(const Comparison& c, ReportWriter& out) {
  out.heading("Step times (error: measured / predicted - 1)");
  if (!c.steps) return out.paragraph("Not compared: " + c.no_steps);
  Rows rows = {{"model", "shape", "stage", "layout", "source", "passes", "runs", "steps",
                "predicted ms", "measured ms", "error %", "worst run %"}};
  for (const CellError& each : c.steps->cells) {
    if (rows.size() > kListedCells) break;
    const auto steps = static_cast<double>(each.steps);
    rows.push_back({each.cell.model, text_of(each.cell.shape), each.cell.stage,
                    text_of(each.cell.layout), each.source, fmt::format("{}", each.cell.forwards),
                    fmt::format("{}", each.runs), fmt::format("{}", each.steps),
                    number(1e3 * each.predicted_s / steps, 3),
                    number(1e3 * each.measured_s / steps, 3), signed_percent(each.error()),
                    signed_percent(each.worst)});
  }
  out.table(rows, 5);
  if (c.steps->cells.size() > kListedCells)
    out.paragraph(fmt::format("And {} more, which differ by less time (--format json has all).",
                              c.steps->cells.size() - kListedCells));
  out.paragraph(
      fmt::format("All denoising steps together: {} %.", signed_percent(c.steps->error())));

  Rows overheads = {{"before the first step", "runs", "predicted us", "measured us"}};
  const auto add = [&](const char* name, const OverheadError& part) {
    overheads.push_back({name, fmt::format("{}", part.runs), mean_us(part.predicted_s, part.runs),
                         mean_us(part.measured_s, part.runs)});
  };
  add("dispatch", c.steps->dispatch);
  add("group set-up", c.steps->setup);
  add("migration", c.steps->migrate);
  out.heading("Overheads");
  out.table(overheads);
}

std::string text_of(const RecordedDecision& decision) {
  if (decision.what == "wake") return fmt::format("wake at {} s", exact_seconds(decision.when));
  if (decision.tasks.empty()) return decision.what;
  return fmt::format("{}: {}", decision.what, decision.tasks);
}

void write_decisions(const Comparison& c, ReportWriter& out) {
  out.heading("Decisions");
  if (!c.divergence) return out.paragraph("Not compared: " + c.no_divergence);
  const Divergence& d = *c.divergence;
  if (!d.found) return out.paragraph(fmt::format("All {} are the same.", d.agreed));
  out.paragraph(fmt::format("{} agree; then they part ({} simulated, {} measured in all):",
                            d.agreed, d.simulated, d.measured));
  std::vector<std::string> lines;
  const auto add = [&](const char* name, const std::vector<RecordedDecision>& near) {
    lines.emplace_back(name);
    for (const RecordedDecision& each : near)
      lines.push_back(fmt::format("{} {:>6}  {:>14} s  {}", each.number == d.agreed + 1 ? ">" : " ",
                                  each.number, exact_seconds(each.at), text_of(each)));
  };
  add("simulated", d.simulated_near);
  add("measured", d.measured_near);
  out.verbatim(lines);
}

// "comes from the cost model, and there from ..."
std::string cost_model_verdict(const Attribution& a) {
  const auto main = a.main_cell();
  const CellError& cell = main ? main->cell : a.most_time.value();
  std::string text = fmt::format("comes from the cost model, {} {}: {} %.",
                                 main ? "and there from" : "from no entry alone; most time is in",
                                 text_of(cell.cell), signed_percent(cell.error()));
  if (const auto given = a.inferred_from(cell))
    text += fmt::format(" That entry is inferred; {}, which was given, is off by as much.",
                        text_of(given->cell));
  return text;
}

std::string verdict(const Attribution& a) {
  using Part = Attribution::Part;
  if (a.largest() == Part::kNone) return "There is no gap.";
  const std::string gap =
      a.in_violations() ? "Most of the gap in violations " : "Most of the gap in latency ";
  switch (a.largest()) {
    case Part::kOverheads:
      return gap + "comes from the overheads.";
    case Part::kCostModel:
      return gap + cost_model_verdict(a);
    default:
      return gap + "comes from decisions that differ and what else is left.";
  }
}

void write_attribution(const Comparison& c, ReportWriter& out) {
  out.heading("Where the gap comes from");
  if (!c.attribution) return out.paragraph("Not determined: " + c.no_attribution);
  const Attribution& a = *c.attribution;
  Rows rows = {{"", "SLO violations, points", "mean latency, s"}};
  rows.push_back({"simulated", percent(a.simulated.slo_violation_rate),
                  number(a.simulated.latency_mean_s, 3)});
  const auto add = [&](const char* name, const Level& part) {
    rows.push_back(
        {name, signed_percent(part.slo_violation_rate), signed_number(part.latency_mean_s, 3)});
  };
  add("cost model", a.cost_model());
  add("overheads", a.overheads());
  add("decisions and the rest", a.rest());
  rows.push_back(
      {"measured", percent(a.measured.slo_violation_rate), number(a.measured.latency_mean_s, 3)});
  out.table(rows);
  out.paragraph(verdict(a));
  if (!a.setup_replaced)
    out.paragraph("Set-up times are in the rest: communicators have a table of their own.");

  if (a.cells.empty()) return;
  out.paragraph("The simulation with one entry of the cost model as measured:");
  Rows cells = {{"model", "shape", "stage", "layout", "error %", "SLO violations, points",
                 "mean latency, s"}};
  for (const Attribution::CellEffect& each : a.cells) {
    const Cell& cell = each.cell.cell;
    cells.push_back({cell.model, text_of(cell.shape), cell.stage, text_of(cell.layout),
                     signed_percent(each.cell.error()),
                     signed_percent(each.effect.slo_violation_rate),
                     signed_number(each.effect.latency_mean_s, 3)});
  }
  out.table(cells, 4);
  if (a.cells_left_out > 0)
    out.paragraph(fmt::format("{} more are off by more than {:.0f} % and were not tried alone.",
                              a.cells_left_out, 100 * kNotableError));
}

void write_gates(const std::vector<Gate>& gates, ReportWriter& out) {
  Rows rows = {{"limit", "of", "found", "allowed", ""}};
  for (const Gate& gate : gates)
    rows.push_back({gate.name, gate.subject, number(gate.value, 4), fmt::format("{}", gate.allowed),
                    gate.kept() ? "kept" : "NOT KEPT"});
  out.heading("Limits");
  out.table(rows, 2);
}

}  // namespace

std::string compare_report(const Comparison& c, TableFormat format) {
  ReportWriter out(format);
  out.title(fmt::format("simulated: {}, measured: {}", who(c.simulated), who(c.measured)));
  for (const std::string& warning : c.warnings) out.paragraph("Note: " + warning);
  write_rates(c, out);
  write_latency(c.latency, out);
  write_steps(c, out);
  write_decisions(c, out);
  write_attribution(c, out);
  write_gates(c.gates, out);
  return out.text();
}

}  // namespace regroup::tools
