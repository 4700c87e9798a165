// The page of one run. `run` is what tools/report/run_json.cpp writes.
function run_page(run) {
  const requests = requestsOf(run);
  const names = run.classes.map((each) => each.name);
  document.querySelector("h1").textContent = run.name;
  const parts = [describe_run(run), headline(run)];
  parts.push(...run.notes.map((note) => element("p", {class: "note"}, note)));
  if (requests.count === 0) {
    parts.push(element("p", {class: "note"}, "The run has no requests, so there is nothing to draw."));
    return parts;
  }
  if (run.placements) {
    const view = new ScheduleView(run, requests, names);
    views.push(view);
    parts.push(element("h2", {}, "Schedule"), view.root);
  }
  parts.push(element("h2", {}, "Deadlines and latency"),
    element("div", {class: "grid"}, attainment_figure(run), latency_figure(run)));
  if (run.placements) {
    parts.push(element("h2", {}, "Over time"),
      element("div", {class: "grid"}, queue_figure([run]), utilisation_figure([run])),
      element("h2", {}, "Where GPU time went"), gpu_time_figure(run),
      element("h2", {}, "The worst requests, and why"), worst_figure(run, requests));
  }
  parts.push(element("h2", {}, "The run"), configuration(run));
  return parts;
}

// Schedules on the page, for those who test it.
const views = [];

function describe_run(run) {
  const config = run.summary.config;
  const on = run.on === "sim" ? "simulated" : run.on ? `on ${run.on}` : "";
  return element("p", {class: "quiet"},
    [count(run.overall.requests, "request"), `trace ${config.trace}`, `cluster ${config.cluster}`,
      `deadlines ${config.slo}`, on].filter((text) => text).join(" · "));
}

function interval_text(level, write) {
  return level.low === undefined ? "" : `95 %: ${write(level.low)} to ${write(level.high)}`;
}

function headline(run) {
  const summary = run.summary;
  const attainment = run.overall.attainment;
  const latency = run.overall.latency_s;
  const entries = [
    ["SLO attainment", percent(attainment.mean), interval_text(attainment, (x) => percent(x)) ||
      `${summary.slo_violations} of ${count(summary.requests, "request")} violated`],
    ["mean latency", seconds_text(latency.mean), interval_text(latency, seconds_text)],
    ["P50 latency", seconds_text(summary.latency_p50_s), ""],
    ["P95 latency", seconds_text(summary.latency_p95_s), `P99 ${seconds_text(summary.latency_p99_s)}`],
    ["throughput", `${digits(summary.throughput_rps * 60)}/min`, `in time ${digits(summary.goodput_rps * 60)}/min`],
    ["GPU utilisation", percent(summary.utilisation), `${count(run.gpus, "GPU")}, ${seconds_text(summary.makespan_s)}`],
    ["group changes", summary.group_changes.toLocaleString("en"),
      `${count(summary.migrations, "migration")}, ${count(summary.preemptions, "preemption")}`],
  ];
  if (summary.finished < summary.requests)
    entries.push(["not finished", (summary.requests - summary.finished).toLocaleString("en"),
      `${summary.rejected} rejected, ${summary.unfinished} unfinished`]);
  return element("dl", {class: "figures"}, entries.map(([name, value, more]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value, more ? element("small", {}, more) : null))));
}

function attainment_figure(run) {
  const levels = [{name: "all", ...run.overall}, ...run.classes];
  const columns = [{name: "class", text: true}, {name: "requests"}, {name: "attained"}, {name: "95 % interval", text: true},
    {name: "P50 s"}, {name: "P95 s"}, {name: "P99 s"}, {name: "time allowed", text: true}];
  const rows = levels.map((each) => [each.name, each.requests, percent(each.attainment.mean),
    each.attainment.low === undefined ? "–" : percent_range(each.attainment.low, each.attainment.high),
    digits(each.p50_s ?? run.summary.latency_p50_s), digits(each.p95_s ?? run.summary.latency_p95_s),
    digits(each.p99_s ?? run.summary.latency_p99_s), each.deadline_s ? allowed_text(each.deadline_s) : ""]);
  const host = chart(`SLO attainment: ${levels.map((each) => `${each.name} ${percent(each.attainment.mean)}`).join(", ")}`, () => ({
    type: "bar",
    data: {
      labels: levels.map((each) => each.name),
      datasets: [{
        label: "attained",
        data: levels.map((each) => ({y: each.name, x: each.attainment.mean, ...each.attainment})),
        backgroundColor: levels.map((each, i) => (i === 0 ? theme.colour("quiet") : colour_of(i - 1))),
        intervalColour: theme.colour("text"),
        maxBarThickness: 26,
      }],
    },
    options: {
      indexAxis: "y", intervals: "x",
      scales: {x: {min: 0, max: 1, title: axis_title("requests in time, %"), ticks: {callback: (value) => percent(value, 0)}},
        y: {grid: {display: false}, ticks: {color: theme.colour("text"), callback: (_, i) => shortened(levels[i].name)}}},
      plugins: {tooltip: {callbacks: {label: (item) => {
        const level = levels[item.dataIndex];
        return [`${percent(level.attainment.mean)} of ${count(level.requests, "request")}`,
          interval_text(level.attainment, (x) => percent(x))].filter((text) => text);
      }}}},
    },
  }));
  const few = levels.some((each) => each.attainment.low === undefined);
  return figure("SLO attainment", "Share of all requests that finished by their deadline" +
    (few ? "; a 95 % interval where there are at least 200." : ", with 95 % intervals (batch means)."),
    host, numbers(columns, rows));
}

function allowed_text([low, middle, high]) {
  return high - low < 0.02 * middle ? seconds_text(middle) : `${seconds_text(low)} to ${seconds_text(high)}`;
}

function latency_figure(run) {
  const lines = run.classes.map((each, i) => ({
    name: each.name, colour: colour_of(i), step: "before",
    points: each.latency_s_points.map((x, n) => ({x, y: each.share[n]})),
  }));
  const marks = run.classes.map((each, i) => (each.deadline_s
    ? {x: each.deadline_s[1], from: each.deadline_s[0], to: each.deadline_s[2], colour: colour_of(i)} : null)).filter((mark) => mark);
  const columns = [{name: "class", text: true}, {name: "latency s"}, {name: "share finished"}];
  const rows = () => run.classes.flatMap((each) =>
    each.latency_s_points.map((x, n) => [each.name, digits(x, 4), percent(each.share[n])]));
  const host = line_chart("Latency of each class as a cumulative distribution", lines, {
    x: "latency, s", y: "share of requests", x_type: "logarithmic", y_max: 1, marks,
    y_text: (value) => percent(value, 0), text: decade_text,
  });
  return figure("Latency", `Share of requests that finished within a time. ${marks.length > 0
    ? "Dashed: the time allowed (median of the class), shaded where it varies." : "No request has a deadline."}`,
    keys(run.classes.map((each, i) => [colour_of(i), each.name])), host, numbers(columns, rows));
}

// Of a logarithmic axis, 1, 2 and 5 of each decade.
function decade_text(value) {
  const lead = Number(value.toExponential()[0]);
  return [1, 2, 5].includes(lead) ? digits(value, 1) : "";
}

function series_points(run, values) {
  return values.map((y, i) => ({x: run.begin_us / 1e6 + (i + 0.5) * run.series.step_s, y}));
}

function time_range(runs) {
  return {
    x_min: Math.min(...runs.map((run) => run.begin_us / 1e6)),
    x_max: Math.max(...runs.map((run) => (run.begin_us + run.end_us) / 1e6)),
  };
}

// One row an interval of a run; runs differ in the length of theirs.
function series_table(runs, name, title, write) {
  const columns = [...(runs.length > 1 ? [{name: "run", text: true}] : []), {name: "time s"}, {name: title}];
  return numbers(columns, () => runs.flatMap((run) => series_points(run, run.series[name]).map(({x, y}) =>
    [...(runs.length > 1 ? [run.name] : []), digits(x, 5), write(y)])));
}

// With several runs one line each, with one also the most.
function queue_figure(runs) {
  const alone = runs.length === 1;
  const lines = runs.map((run, i) => ({name: alone ? "mean" : run.name, colour: colour_of(i), fill: alone,
    points: series_points(run, run.series.waiting)}));
  if (alone) lines.push({name: "most", colour: colour_of(5), width: 1, points: series_points(runs[0], runs[0].series.most_waiting)});
  const host = line_chart("Requests waiting over time", lines, {x: "time, s", y: "requests waiting", ...time_range(runs)});
  return figure("Queue", `Requests that are here and not running, averaged over ${runs.map((run) => seconds_text(run.series.step_s)).join(", ")}.`,
    keys(lines.map((line) => [line.colour, line.name])), host,
    series_table(runs, "waiting", "requests waiting, mean", (value) => digits(value)));
}

function utilisation_figure(runs) {
  const alone = runs.length === 1;
  const lines = runs.map((run, i) => ({name: alone ? "busy" : run.name, colour: colour_of(i), fill: alone,
    points: series_points(run, run.series.utilisation)}));
  const host = line_chart("GPU utilisation over time", lines,
    {x: "time, s", y: "GPUs busy, %", ...time_range(runs), y_max: 1, y_text: (value) => percent(value, 0)});
  return figure("GPU utilisation", `Share of ${alone ? count(runs[0].gpus, "GPU") : "the GPUs"} at work, likewise.`,
    keys(lines.map((line) => [line.colour, line.name])), host,
    series_table(runs, "utilisation", "GPUs busy", (value) => percent(value)));
}

const kGpuUses = [["compute", "#0072B2"], ["collectives", "#56B4E9"], ["set-up", "#E69F00"],
  ["migration", "#CC79A7"], ["dispatch", "#009E73"], ["idle", null]];

// GPU seconds by use; collectives only where the cost model tells them apart.
function gpu_uses(run) {
  const from = run.summary.gpu_seconds;
  const collectives = run.collective_gpu_s;
  const seconds = {
    "compute": from.compute - (collectives || 0), "collectives": collectives, "set-up": from.setup,
    "migration": from.migrate, "dispatch": from.dispatch, "idle": from.idle,
  };
  const total = from.compute + from.setup + from.migrate + from.dispatch + from.idle;
  return kGpuUses.filter(([name]) => seconds[name] !== undefined)
    .map(([name, colour]) => ({name, colour: colour || "var(--idle)", seconds: seconds[name], share: total > 0 ? seconds[name] / total : 0}));
}

function gpu_bar(uses) {
  return element("div", {class: "bar", role: "img",
    "aria-label": uses.map((use) => `${use.name} ${percent(use.share)}`).join(", ")},
    uses.filter((use) => use.seconds > 0).map((use) =>
      element("span", {style: `flex:${use.share} 0 0;background:${use.colour}`, title: `${use.name} ${percent(use.share)}`})));
}

function gpu_time_figure(run) {
  const uses = gpu_uses(run);
  const note = run.collective_gpu_s === undefined ? "Compute includes collectives." :
    "Compute is measured or modelled with its collectives; how much of it they are is the analytic model's estimate.";
  return figure("", `GPUs times time, from the first arrival to the last end. ${note}`, gpu_bar(uses),
    keys(uses.map((use) => [use.colour, `${use.name} ${use.share === 0 ? "0 %" : percent(use.share, use.share < 0.001 ? 4 : 1)}`])),
    numbers([{name: "use", text: true}, {name: "GPU seconds"}, {name: "share"}],
      uses.map((use) => [use.name, digits(use.seconds, 4), percent(use.share, 4)])));
}

const kLifeParts = [["waiting_s", "waiting", "#E69F00"], ["running_s", "running", "#0072B2"],
  ["moving_s", "dispatch, set-up, migration", "#CC79A7"], ["lost_s", "lost to failures", "#D55E00"]];

// The longest bar is `size` units long.
function life_bar(story, longest, size = 220, unit = "px") {
  const parts = kLifeParts.filter(([key]) => story[key] > 0);
  return element("div", {class: "bar small", role: "img",
    "aria-label": parts.map(([key, name]) => `${name} ${seconds_text(story[key])}`).join(", "),
    style: `width:${(size * story.latency_s) / longest}${unit};min-width:4px`},
    parts.map(([key, name, colour]) => element("span",
      {style: `flex:${story[key]} 0 0;background:${colour}`, title: `${name} ${seconds_text(story[key])}`})));
}

// In words, what weighs most.
function why(story) {
  const width = story.narrowest === story.widest ? `${story.widest}` : `${story.narrowest} to ${story.widest}`;
  const gpus = story.runs > 0 ? `ran on ${width} ${story.widest === 1 ? "GPU" : "GPUs"}` : "never ran";
  const best = story.alone_s === undefined ? "" : `, alone it would take ${seconds_text(story.alone_s)}`;
  const moves = story.moves > 0 ? `, moved ${count(story.moves, "time")}` : "";
  const stops = story.preemptions > 0 ? `, preempted ${count(story.preemptions, "time")}` : "";
  return `waited ${seconds_text(story.waiting_s)}, ${gpus}${moves}${stops}${best}`;
}

function worst_figure(run, requests) {
  const longest = Math.max(...run.worst.map((story) => story.latency_s), 1e-9);
  const with_deadlines = run.worst.some((story) => story.lateness_s !== undefined);
  const columns = [{name: "request", text: true}, {name: "class", text: true}, {name: with_deadlines ? "late by" : "latency"},
    {name: "mainly", text: true}, {name: "its time", text: true}, {name: "latency"}, {name: "in words", text: true, wide: true}];
  const rows = run.worst.map((story) => [
    element("button", {type: "button", onclick: () => {
      const view = views[0];
      view.follow(story.request);
      view.go_to(story.request);
      view.root.scrollIntoView({block: "start"});
    }}, requests.ids[story.request]),
    run.classes[requests.class[story.request]].name,
    story.end === "finished" ? seconds_text(with_deadlines ? story.lateness_s : story.latency_s) : story.end,
    story.lateness_s <= 0 && story.end === "finished" ? "(in time)" : story.reason,
    life_bar(story, longest), seconds_text(story.latency_s), why(story)]);
  const violations = run.summary.slo_violations;
  const reasons = run.reasons.map(([name, number]) => `${number} ${name}`).join(", ");
  return figure("", violations > 0 ? `Of all ${count(violations, "violation")}: ${reasons}.` : "No request violated its SLO; these came nearest, or took longest.",
    keys(kLifeParts.map(([, name, colour]) => [colour, name])),
    element("div", {class: "scroll", tabindex: "0", style: "max-height:none"}, table(columns, rows)),
    copy_button(() => tabbed(columns, rows)));
}

function configuration(run) {
  const rows = Object.entries(run.summary.config).map(([key, value]) => [key, value === "" ? "–" : value]);
  return numbers([{name: "setting", text: true}, {name: "value", text: true}], rows, "What it was run with");
}
