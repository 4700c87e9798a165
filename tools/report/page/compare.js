// The page of several runs, side by side. `pair` is what `regroup compare --format json` says, or why
// it says nothing; it is there for two runs.
function compare_page(runs, pair) {
  name_apart(runs);
  document.querySelector("h1").textContent = runs.map((run) => run.name).join(" | ");
  const names = [...new Set(runs.flatMap((run) => run.classes.map((each) => each.name)))]
    .sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  const sides = runs.map((run) => ({run, requests: requestsOf(run)}));
  const parts = [describe_run(runs[0]), levels_table(runs)];
  if (pair && pair.why_not) parts.push(element("p", {class: "note"}, `Not compared request by request: ${pair.why_not}`));
  for (const note of pair && pair.notes || []) parts.push(element("p", {class: "note"}, note));
  for (const run of runs) parts.push(...run.notes.map((note) => element("p", {class: "note"}, `${run.name}: ${note}`)));
  if (runs.some((run) => run.overall.requests === 0)) return parts;
  const paired = pair && !pair.why_not;
  if (runs.every((run) => run.placements)) parts.push(...schedules(sides, names, paired ? pair : null));
  if (paired) parts.push(element("h2", {}, "Requests that fared most differently"), differences(sides));
  parts.push(element("h2", {}, "Deadlines and latency"),
    element("div", {class: "grid"}, attainments_figure(runs, names, pair), ...latency_figures(sides, names)));
  if (runs.every((run) => run.placements)) {
    parts.push(element("h2", {}, "Over time"), element("div", {class: "grid"}, queue_figure(runs), utilisation_figure(runs)),
      element("h2", {}, "Where GPU time went"), gpu_times_figure(runs),
      element("h2", {}, "Where the difference comes from"), mean_times_figure(runs));
  }
  if (paired) parts.push(...attribution(pair));
  return parts;
}

// Runs of one policy are told apart by where they ran, or else by what else they differ in.
function name_apart(runs) {
  const alike = () => runs.some((run, i) => runs.some((other, j) => i !== j && other.name === run.name));
  if (alike()) for (const run of runs) run.name += run.on === "sim" ? ", simulated" : run.on ? `, on ${run.on}` : "";
  const keys = Object.keys(runs[0].summary.config).filter((key) => key !== "policy" && key !== "params" &&
    runs.some((run) => run.summary.config[key] !== runs[0].summary.config[key]));
  if (alike()) for (const run of runs) run.name += keys.map((key) => `, ${key} ${run.summary.config[key]}`).join("");
  if (alike()) runs.forEach((run, i) => { run.name += ` (${i + 1})`; });
}

const kLevels = [
  ["SLO attainment", (run) => run.overall.attainment.mean, percent, (run) => run.overall.attainment],
  ["mean latency", (run) => run.overall.latency_s.mean, seconds_text, (run) => run.overall.latency_s],
  ["P50 latency", (run) => run.summary.latency_p50_s, seconds_text],
  ["P95 latency", (run) => run.summary.latency_p95_s, seconds_text],
  ["P99 latency", (run) => run.summary.latency_p99_s, seconds_text],
  ["requests a minute", (run) => run.summary.throughput_rps * 60, digits],
  ["requests a minute in time", (run) => run.summary.goodput_rps * 60, digits],
  ["GPU utilisation", (run) => run.summary.utilisation, percent],
  ["makespan", (run) => run.summary.makespan_s, seconds_text],
  ["group changes", (run) => run.summary.group_changes, whole],
  ["migrations", (run) => run.summary.migrations, whole],
  ["preemptions", (run) => run.summary.preemptions, whole],
  ["not finished", (run) => run.summary.requests - run.summary.finished, whole],
];

function run_label(run, i) {
  return element("span", {}, element("i", {class: "swatch", style: `background:${colour_of(i)}`}), run.name);
}

function levels_table(runs) {
  const columns = [{name: "", text: true}, ...runs.map((run) => ({name: run.name}))];
  if (runs.length === 2) columns.push({name: "difference"});
  const rows = kLevels.map(([name, value, write, level]) => {
    const cells = runs.map((run) => {
      const range = level ? interval_text(level(run), write) : "";
      return range ? element("span", {}, write(value(run)), element("small", {class: "quiet"}, ` (${range})`)) : write(value(run));
    });
    if (runs.length === 2) cells.push(signed(write(value(runs[1]) - value(runs[0])).replace("%", "points")));
    return [name, ...cells];
  });
  return element("div", {}, element("ul", {class: "keys"}, runs.map((run, i) => element("li", {}, run_label(run, i)))),
    element("div", {class: "scroll", tabindex: "0", style: "max-height:none"}, table(columns, rows)),
    copy_button(() => tabbed(columns, rows)));
}

// One below the other, with one time axis for all.
function schedules(sides, names, pair) {
  const linked = [];
  for (const {run, requests} of sides) views.push(new ScheduleView(run, requests, run.classes.map((each) => each.name), {linked, names}));
  const limits = {from: Math.min(...linked.map((view) => view.limits.from)), to: Math.max(...linked.map((view) => view.limits.to))};
  for (const view of linked) view.limits = limits;
  const parts = [element("h2", {}, "Schedules, on one time axis")];
  if (pair) parts.push(mark_differences(sides, pair, linked));
  sides.forEach(({run}, i) => {
    if (i > 0) linked[i].tools.hidden = linked[i].legend.hidden = linked[i].hint.hidden = true;
    parts.push(element("h3", {class: "run"}, run_label(run, i)), linked[i].root);
  });
  linked[0].show(limits);
  return parts;
}

// Decisions part at an instant; requests fare differently.
function mark_differences(sides, pair, linked) {
  const decisions = pair.decisions;
  const first = decisions.found ? decisions.simulated_near.find((each) => each.number === decisions.agreed + 1) ||
    decisions.measured_near.find((each) => each.number === decisions.agreed + 1) : null;
  const [a, b] = sides.map((side) => side.requests);
  const at = new Map(b.ids.map((id, i) => [id, i]));
  const alike = sides.map((side) => new Uint8Array(side.requests.count));
  let different = 0;
  a.ids.forEach((id, i) => {
    const j = at.get(id);
    const was = a.gone[i] - a.arrival[i];
    const same = a.late(i) === b.late(j) && Math.abs(b.gone[j] - b.arrival[j] - was) <= 0.01 * was;
    alike[0][i] = alike[1][j] = same ? 1 : 0;
    if (!same) ++different;
  });
  linked.forEach((view, i) => {
    view.alike = alike[i];
    view.divergence = first ? first.at_s : NaN;
  });
  const button = element("button", {type: "button", "aria-pressed": "false", onclick: () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", on);
    for (const view of linked) { view.only_different = on; view.draw(); }
  }}, "Dim what fared alike");
  const told = decisions.why ? `Decisions are not compared: ${decisions.why}.` : !decisions.found
    ? `All ${count(decisions.agreed, "decision")} are the same.`
    : `${count(decisions.agreed, "decision")} agree; the first that differs is at ${instant(first.at_s)} (dashed).`;
  return element("p", {}, `${told} ${count(different, "request")} of ${a.count.toLocaleString("en")} ` +
    "fared differently: another fate, or a latency more than 1 % apart. ", button);
}

// By the difference of their latencies.
function differences(sides) {
  const kMost = 10;
  const [a, b] = sides.map((side) => side.requests);
  const at = new Map(b.ids.map((id, i) => [id, i]));
  const pairs = a.ids.map((id, i) => {
    const j = at.get(id);
    return {id, i, j, first: a.gone[i] - a.arrival[i], second: b.gone[j] - b.arrival[j]};
  });
  const became = pairs.filter(({i, j}) => !a.late(i) && b.late(j)).length;
  const mended = pairs.filter(({i, j}) => a.late(i) && !b.late(j)).length;
  const worst = [...pairs].sort((x, y) => Math.abs(y.second - y.first) - Math.abs(x.second - x.first)).slice(0, kMost);
  const columns = [{name: "request", text: true}, {name: "class", text: true},
    {name: `latency, ${sides[0].run.name}`}, {name: `latency, ${sides[1].run.name}`}, {name: "difference"},
    {name: "fate, first", text: true}, {name: "fate, second", text: true}];
  const rows = worst.map((pair) => [
    element("button", {type: "button", onclick: () => {
      for (const view of views) view.follow(view.requests.ids.indexOf(pair.id));
      if (views.length > 0) {
        views[0].go_to(pair.i);
        views[0].root.scrollIntoView({block: "start"});
      }
    }}, pair.id),
    sides[0].run.classes[a.class[pair.i]].name, seconds_text(pair.first), seconds_text(pair.second),
    signed(seconds_text(pair.second - pair.first)), a.fate(pair.i), b.fate(pair.j)]);
  return figure("", `${count(became, "request")} in time in the first run violated in the second; ${mended} the other way round.`,
    element("div", {class: "scroll", tabindex: "0", style: "max-height:none"}, table(columns, rows)), copy_button(() => tabbed(columns, rows)));
}

function attainments_figure(runs, names, pair) {
  const labels = ["all", ...names];
  const level = (run, name) => (name === "all" ? run.overall : run.classes.find((each) => each.name === name));
  const gaps = new Map();
  if (pair && !pair.why_not) for (const gap of [{...pair.slo_violation_rate, name: "all"}, ...pair.classes]) gaps.set(gap.name, gap);
  const host = chart("SLO attainment by class and run", () => ({
    type: "bar",
    data: {
      labels,
      datasets: runs.map((run, i) => ({
        label: run.name, backgroundColor: colour_of(i), intervalColour: theme.colour("text"),
        data: labels.map((name) => {
          const found = level(run, name);
          return found ? {y: name, x: found.attainment.mean, ...found.attainment} : null;
        }),
      })),
    },
    options: {
      indexAxis: "y", intervals: "x",
      scales: {x: {min: 0, max: 1, title: axis_title("requests in time, %"), ticks: {callback: (value) => percent(value, 0)}},
        y: {grid: {display: false}, ticks: {color: theme.colour("text"), callback: (_, i) => shortened(labels[i])}}},
      plugins: {tooltip: {callbacks: {label: (item) => `${item.dataset.label}: ${percent(item.parsed.x)}`}}},
    },
  }));
  const columns = [{name: "class", text: true}, ...runs.map((run) => ({name: run.name})), {name: "violations, difference"}, {name: "95 % interval", text: true}];
  const rows = labels.map((name) => {
    const gap = gaps.get(name);
    return [name, ...runs.map((run) => percent(level(run, name) ? level(run, name).attainment.mean : NaN)),
      gap ? `${signed(digits(100 * gap.gap))} points` : "–", gap ? `${digits(100 * gap.gap_low)} to ${digits(100 * gap.gap_high)} points` : "–"];
  });
  return figure("SLO attainment", "Share of all requests that finished by their deadline.",
    keys(runs.map((run, i) => [colour_of(i), run.name])), host, numbers(columns, rows));
}

// One picture for all requests, and one a class where there are several.
function latency_figures(sides, names) {
  const kMostClasses = 7;
  const which = ["", ...(names.length > 1 ? names.slice(0, kMostClasses) : [])];
  return which.map((name) => {
    const lines = sides.map(({run, requests}, i) => {
      const index = run.classes.findIndex((each) => each.name === name);
      return {name: run.name, colour: colour_of(i), step: "before", points: latency_points(requests, name === "" ? -1 : index)};
    });
    const title = name === "" ? "Latency, all requests" : `Latency, ${shortened(name, 40)}`;
    return figure(title, "Share of requests that finished within a time.", keys(lines.map((line) => [line.colour, line.name])),
      line_chart(`${title}, as a cumulative distribution`, lines, {x: "latency, s", y: "share of requests",
        x_type: "logarithmic", y_max: 1, y_text: (value) => percent(value, 0), text: decade_text}),
      numbers([{name: "run", text: true}, {name: "latency s"}, {name: "share finished"}],
        () => lines.flatMap((line) => line.points.map((point) => [line.name, digits(point.x, 4), percent(point.y)]))));
  });
}

// At most 150 points; of the class of that index, -1: of all.
function latency_points(requests, index) {
  const kMost = 150;
  const times = [];
  let all = 0;
  for (let i = 0; i < requests.count; ++i) {
    if (index >= 0 && requests.class[i] !== index) continue;
    ++all;
    if (requests.end[i] === 0 || requests.end[i] === 3) times.push(requests.gone[i] - requests.arrival[i]);
  }
  times.sort((a, b) => a - b);
  const points = Math.min(times.length, kMost);
  return Array.from({length: points}, (_, n) => {
    const rank = points === 1 ? 0 : Math.floor((n * (times.length - 1)) / (points - 1));
    return {x: times[rank], y: (rank + 1) / all};
  });
}

function gpu_times_figure(runs) {
  const uses = runs.map(gpu_uses);
  const bars = runs.map((run, i) => element("div", {}, element("h3", {class: "run"}, run.name), gpu_bar(uses[i])));
  const columns = [{name: "use", text: true}, ...runs.flatMap((run) => [{name: `${run.name}, GPU s`}, {name: "share"}])];
  const rows = uses[0].map((use) => [use.name, ...uses.flatMap((each) => {
    const found = each.find((other) => other.name === use.name);
    return found ? [digits(found.seconds, 4), percent(found.share, 2)] : ["–", "–"];
  })]);
  return figure("", "GPUs times time, from the first arrival to the last end of each run.", bars,
    keys(uses[0].map((use) => [use.colour, use.name])), numbers(columns, rows));
}

// The mean time of a request, cut into parts that add up: so their differences do, too.
function mean_times_figure(runs) {
  const longest = Math.max(...runs.map((run) => kLifeParts.reduce((sum, [key]) => sum + run.mean_time[key], 0)), 1e-9);
  const columns = [{name: "mean over all requests", text: true}, ...runs.map((run) => ({name: run.name}))];
  if (runs.length === 2) columns.push({name: "difference"});
  const row = (name, value) => [name, ...runs.map((run) => seconds_text(value(run))),
    ...(runs.length === 2 ? [signed(seconds_text(value(runs[1]) - value(runs[0])))] : [])];
  const rows = kLifeParts.map(([key, name]) => row(name, (run) => run.mean_time[key]));
  rows.push(row("in all", (run) => kLifeParts.reduce((sum, [key]) => sum + run.mean_time[key], 0)));
  const bars = runs.map((run) => {
    const all = kLifeParts.reduce((sum, [key]) => sum + run.mean_time[key], 0);
    return element("div", {}, element("h3", {class: "run"}, `${run.name}: ${seconds_text(all)}`),
      life_bar({...run.mean_time, latency_s: all}, longest, 100, "%"));
  });
  return figure("Mean time of a request", "From arrival until it finished, was rejected, or the run ended.", bars,
    keys(kLifeParts.map(([, name, colour]) => [colour, name])), element("div", {class: "scroll", tabindex: "0"}, table(columns, rows)),
    copy_button(() => tabbed(columns, rows)));
}

// Where the gap between a simulated and a measured run comes from.
function attribution(pair) {
  const found = pair.attribution;
  const parts = [];
  if (found && !found.why) {
    const columns = [{name: "", text: true}, {name: "SLO violations"}, {name: "mean latency"}];
    const level = (name, each, sign) => [name, sign(percent(each.slo_violation_rate, 2)).replace("%", sign === signed ? "points" : "%"), sign(seconds_text(each.latency_mean_s))];
    const plain = (text) => text;
    const rows = [level("simulated", found.simulated, plain), level("cost model", found.cost_model, signed),
      level("overheads", found.overheads, signed), level("decisions and the rest", found.rest, signed), level("measured", found.measured, plain)];
    const main = found.main_cell ? ` Most of the cost model's part is one entry: ${found.main_cell.model} ${found.main_cell.shape}, ` +
      `${found.main_cell.stage} on ${count(found.main_cell.degree, "GPU")} (${found.main_cell.layout}), off by ${signed(percent(found.main_cell.error))}.` : "";
    parts.push(figure("From simulated to measured", `The simulation is repeated with more and more of what was measured; the parts add up. Largest: ${found.largest}.${main}`,
      element("div", {class: "scroll", tabindex: "0"}, table(columns, rows)), copy_button(() => tabbed(columns, rows))));
  }
  const steps = pair.steps;
  if (steps && !steps.why && steps.cells.length > 0) {
    const columns = [{name: "model", text: true}, {name: "shape", text: true}, {name: "stage", text: true}, {name: "layout", text: true},
      {name: "steps"}, {name: "predicted"}, {name: "measured"}, {name: "error"}, {name: "source", text: true}];
    const rows = steps.cells.map((cell) => [cell.model, cell.shape, cell.stage, cell.layout, cell.steps, seconds_text(cell.predicted_s),
      seconds_text(cell.measured_s), signed(percent(cell.error, 2)), cell.source]);
    parts.push(figure("Step times against the cost model", `Of the second run. All denoising steps together: ${signed(percent(steps.error, 2))}.`,
      numbers(columns, rows, "Each model, shape, stage and layout")));
  }
  return parts;
}
