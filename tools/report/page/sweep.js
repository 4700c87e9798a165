// The page of a sweep. `data` is what tools/report/sweep_json.cpp writes: the document that the sweep
// wrote, the position of each of its settings along the axis, and the bound.
function sweep_page(data) {
  const settings = data.sweep.settings.map((setting, i) => ({...setting, x: data.x[i]}));
  const policies = [...new Set(settings.map((setting) => setting.policy))];
  document.querySelector("h1").textContent = `${count(policies.length, "policy", "policies")} under ${data.axis === "rate" ? "load" : data.axis === "gpus" ? "fewer GPUs" : "tighter deadlines"}`;
  const panels = panels_of(data, settings);
  const parts = [element("p", {class: "quiet"}, `${count(settings.length, "setting")}, ` +
    `${count(settings.reduce((sum, setting) => sum + setting.seeds, 0), "run")}; intervals are 95 %, over seeds (Student).`),
    ...data.notes.map((note) => element("p", {class: "note"}, note))];
  for (const panel of panels) {
    if (panels.length > 1) parts.push(element("h2", {}, panel.name));
    parts.push(element("div", {class: "grid"}, sweep_attainment(data, panel, policies), pareto_figure(data, panel, policies)));
    parts.push(data.sweep.capacity ? capacity_figure(data, panel, policies) : grid_capacity(data, panel, policies));
  }
  parts.push(element("h2", {}, "All settings"), settings_table(settings));
  return parts;
}

const kAxes = {rate: "load, factor on the rate of arrivals", gpus: "GPUs or nodes", slo_scale: "time allowed, factor"};

// What has a picture of its own: a workload on a cluster under deadlines.
function panels_of(data, settings) {
  const cluster = (each) => (data.axis === "gpus" ? each.cluster.replace(/^\d+/, "*") : each.cluster);
  const scale = (each) => (data.axis === "slo_scale" ? "" : each.slo_scale);
  const key = (each) => JSON.stringify([each.workload, cluster(each), scale(each)]);
  const panels = new Map();
  for (const setting of settings) {
    if (!panels.has(key(setting))) {
      const scaled = scale(setting) !== "" && scale(setting) !== 1 ? `, deadlines x ${setting.slo_scale}` : "";
      panels.set(key(setting), {name: `${setting.workload} on ${cluster(setting)}${scaled}`, settings: [], bounds: [], capacity: []});
    }
    panels.get(key(setting)).settings.push(setting);
  }
  for (const bound of data.bounds) if (panels.has(key(bound))) panels.get(key(bound)).bounds.push(bound);
  for (const found of data.sweep.capacity || []) if (panels.has(key(found))) panels.get(key(found)).capacity.push(found);
  return [...panels.values()];
}

function of_policy(panel, policy) {
  return panel.settings.filter((setting) => setting.policy === policy).sort((a, b) => a.x - b.x);
}

function sweep_attainment(data, panel, policies) {
  const share = (rate) => ({y: 1 - rate.mean, ...(rate.low === null ? {} : {low: 1 - rate.high, high: 1 - rate.low})});
  const bounds = [...panel.bounds].sort((a, b) => a.x - b.x);
  const lines = policies.map((policy, i) => ({name: policy, colour: colour_of(i), dash: i >= kColours.length ? [3, 3] : [], dots: 3,
    points: of_policy(panel, policy).map((setting) => ({x: setting.x, ...share(setting.violation_rate)}))}));
  if (bounds.length > 0) lines.push({name: "no schedule can do better", colour: theme.colour("quiet"), dash: [7, 4], dots: 0,
    points: bounds.map((bound) => ({x: bound.x, y: bound.mean}))});
  if (data.target !== undefined) {
    const xs = panel.settings.map((setting) => setting.x);
    lines.push({name: `target, ${percent(data.target)}`, colour: theme.colour("bad"), dash: [2, 3], width: 1, dots: 0,
      points: [{x: Math.min(...xs), y: data.target}, {x: Math.max(...xs), y: data.target}], bare: true});
  }
  const host = line_chart(`SLO attainment of ${policies.join(", ")}`, lines, {x: kAxes[data.axis], y: "SLO attainment",
    y_max: 1, y_text: (value) => percent(value, 0), intervals: "y"});
  const columns = [{name: "policy", text: true}, {name: data.axis === "rate" ? "load" : data.axis}, {name: "attained"}, {name: "95 % interval", text: true}];
  const rows = lines.flatMap((line) => (line.bare ? [] : line.points.map((point) => [line.name, digits(point.x, 4), percent(point.y),
    point.low === undefined ? "–" : percent_range(point.low, point.high)])));
  return figure("SLO attainment", "Share of requests in time, with 95 % intervals over seeds.",
    keys(lines.map((line) => [line.colour, line.name])), host, numbers(columns, rows));
}

// Settings than which no other is both cheaper and faster.
function front_of(points) {
  const sorted = [...points].sort((a, b) => a.x - b.x || a.y - b.y);
  const front = [];
  for (const point of sorted) if (front.length === 0 || point.y < front[front.length - 1].y) front.push(point);
  return front;
}

function pareto_figure(data, panel, policies) {
  const point = (setting) => ({x: setting.gpu_hours_per_1000.mean, y: setting.latency_p95_s.mean, setting});
  const usable = ({x, y}) => x !== null && y !== null && isFinite(x) && isFinite(y);
  const points = panel.settings.map(point).filter(usable);
  const front = front_of(points);
  const what = data.axis === "rate" ? "load" : data.axis;
  const host = chart("P95 latency against GPU hours", () => ({
    type: "scatter",
    data: {datasets: [
      ...policies.map((policy, i) => ({label: policy, data: of_policy(panel, policy).map(point).filter(usable),
        backgroundColor: of_policy(panel, policy).map(point).filter(usable).map(({setting}) => (is_enough(setting) ? colour_of(i) : "transparent")),
        borderColor: colour_of(i), borderWidth: 1.6, pointRadius: 5, pointHitRadius: 10, pointStyle: ["circle", "rect", "triangle", "rectRot"][i % 4]})),
      {label: "front", type: "line", data: front, borderColor: theme.colour("quiet"), borderWidth: 1.5, borderDash: [5, 4], pointRadius: 0, stepped: "before"},
    ]},
    options: {
      scales: {x: {type: "logarithmic", title: axis_title("GPU hours for 1,000 requests"), ticks: {callback: decade_text}},
        y: {type: "logarithmic", title: axis_title("P95 latency, s"), ticks: {callback: decade_text}}},
      plugins: {tooltip: {callbacks: {label: (item) => (item.raw.setting
        ? `${item.raw.setting.policy}, ${what} ${digits(item.raw.setting.x)}: ${digits(item.raw.x)} GPU hours, ${seconds_text(item.raw.y)}` : "")}}},
    },
  }));
  const columns = [{name: "policy", text: true}, {name: what}, {name: "GPU hours / 1,000"}, {name: "P95 latency"}, {name: "on the front", text: true}];
  const rows = points.map((each) => [each.setting.policy, digits(each.setting.x, 4), digits(each.x), seconds_text(each.y), front.includes(each) ? "yes" : ""]);
  return figure("Cost and latency", `Each policy at each ${what}; along the dashed front nothing is both cheaper and faster. ` +
    `Cost counts idle GPUs. Hollow: fewer than ${percent(kEnough, 0)} in time.`,
    keys(policies.map((policy, i) => [colour_of(i), policy])), host, numbers(columns, rows));
}

function capacity_figure(data, panel, policies) {
  const words = {between: "", all_under: "at least (end of the range)", all_over: "none in the range"};
  const found = policies.map((policy) => panel.capacity.find((each) => each.policy === policy)).filter((each) => each);
  const host = chart(`Capacity: ${found.map((each) => `${each.policy} ${digits(each.capacity)}`).join(", ")}`, () => ({
    type: "bar",
    data: {labels: found.map((each) => each.policy), datasets: [{label: "capacity", data: found.map((each) => each.capacity ?? 0),
      backgroundColor: found.map((each) => colour_of(policies.indexOf(each.policy))), maxBarThickness: 26}]},
    options: {indexAxis: "y", scales: {x: {min: 0, title: axis_title(kAxes[data.axis])}, y: {grid: {display: false}, ticks: {color: theme.colour("text")}}},
      plugins: {tooltip: {callbacks: {label: (item) => digits(found[item.dataIndex].capacity)}}}},
  }));
  const columns = [{name: "policy", text: true}, {name: "capacity"}, {name: "over the target at"}, {name: "", text: true}, {name: "decided by", text: true},
    {name: "requests/min there"}, {name: "GPU hours / 1,000"}];
  const rows = found.map((each) => [each.policy, digits(each.capacity), digits(each.over), words[each.end], each.decided ? "intervals" : "means",
    digits(each.throughput_rps * 60), each.gpu_hours_per_1000 === null ? "–" : `${digits(each.gpu_hours_per_1000)} (${each.unit})`]);
  return figure("Capacity", `The hardest ${data.axis === "rate" ? "load" : data.axis} with at least ${percent(data.target)} in time.`,
    host, element("div", {class: "scroll", tabindex: "0"}, table(columns, rows)), copy_button(() => tabbed(columns, rows)));
}

const kEnough = 0.95;  // of requests in time, where a sweep has no target of its own

function is_enough(setting) { return 1 - setting.violation_rate.mean >= kEnough; }

// Of a sweep that searched for nothing: the hardest of its points that were good enough.
function grid_capacity(data, panel, policies) {
  const columns = [{name: "policy", text: true}, {name: `highest ${data.axis === "rate" ? "load" : data.axis} tried with 95 % in time`}];
  const easier = data.axis === "rate" ? 1 : -1;
  const rows = policies.map((policy) => {
    const good = of_policy(panel, policy).filter(is_enough).map((setting) => setting.x);
    return [policy, good.length === 0 ? "none" : digits(easier * Math.max(...good.map((x) => easier * x)))];
  });
  if (new Set(panel.settings.map((setting) => setting.x)).size < 2) return null;
  return figure("What each can take", "By the means; `regroup sweep` can search for it with \"capacity\".",
    element("div", {class: "scroll", tabindex: "0"}, table(columns, rows)), copy_button(() => tabbed(columns, rows)));
}

function settings_table(unordered) {
  const settings = [...unordered].sort((a, b) => a.workload.localeCompare(b.workload) || a.policy.localeCompare(b.policy) || a.x - b.x);
  const level = (each, write) => (each.low === null ? write(each.mean) : `${write(each.mean)} (${write(each.low)} to ${write(each.high)})`);
  const columns = [{name: "workload", text: true}, {name: "cluster", text: true}, {name: "deadlines x"}, {name: "load"}, {name: "policy", text: true},
    {name: "seeds"}, {name: "violations"}, {name: "mean latency"}, {name: "P95 latency"}, {name: "GPU utilisation"}, {name: "GPU hours / 1,000"}];
  const rows = settings.map((each) => [each.workload, each.cluster, each.slo_scale, digits(each.load), each.policy, each.seeds,
    level(each.violation_rate, percent), level(each.latency_mean_s, seconds_text), level(each.latency_p95_s, seconds_text),
    percent(each.utilisation.mean), digits(each.gpu_hours_per_1000.mean)]);
  return element("div", {}, element("div", {class: "scroll", tabindex: "0"}, table(columns, rows)), copy_button(() => tabbed(columns, rows)));
}
