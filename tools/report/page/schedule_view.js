// The schedule on the page: a canvas that is zoomed, moved, hovered and clicked, by mouse, fingers or
// keys, and what stands around it.
const kShortest = 2e-5;  // seconds in view

class ScheduleView {
  // options: {linked: an array of views that move together, names: all classes that have a colour}
  constructor(run, requests, classes, options = {}) {
    this.schedule = new Schedule(run, requests);
    this.requests = requests;
    this.series = run.series;
    this.classes = classes;
    this.names = options.names || classes;
    this.linked = options.linked || [this];
    if (!this.linked.includes(this)) this.linked.push(this);
    this.colours = classes.map((name) => this.names.indexOf(name));
    this.limits = {from: this.schedule.begin, to: Math.max(this.schedule.end, this.schedule.begin + 1e-3)};
    this.view = {...this.limits};
    this.selected = -1;
    this.hovered = -1;
    this.pointers = new Map();
    this.build(run);
    this.listen();
    new ResizeObserver(() => this.draw()).observe(this.host);
    theme.follow(() => this.draw());
  }

  build(run) {
    this.canvas = element("canvas", {class: "view", tabindex: "0", role: "application",
      "aria-label": `Schedule: ${count(this.schedule.gpus, "GPU")} by time, ${count(this.schedule.count, "placement")}. ` +
        "Plus and minus zoom, arrows move, Home and End go to the ends, 0 shows all, N and P go from run to run of the request that is followed."});
    this.overview = element("canvas", {class: "overview", "aria-hidden": "true"});
    this.tip = element("div", {class: "tip", hidden: ""});
    this.details = element("div", {"aria-live": "polite"});
    const button = (text, label, act) =>
      element("button", {type: "button", "aria-label": label, title: label, onclick: act}, text);
    this.by_class = button("class", "Colour by class", () => this.colour("class"));
    this.by_request = button("request", "Colour by request", () => this.colour("request"));
    this.search = element("input", {type: "search", placeholder: "request", "aria-label": "Follow the request with this id"});
    this.search.addEventListener("change", () => this.find(this.search.value.trim()));
    this.tools = element("div", {class: "tools"},
      button("+", "Zoom in", () => this.zoom(0.5)), button("−", "Zoom out", () => this.zoom(2)),
      button("←", "Earlier", () => this.pan(-0.4)), button("→", "Later", () => this.pan(0.4)),
      button("All", "Show all", () => this.show(this.limits)),
      element("label", {}, "Follow", this.search),
      element("span", {class: "gap"}),
      element("span", {class: "tools", role: "group", "aria-label": "Colour by"}, "Colour by", this.by_class, this.by_request));
    this.legend = element("div");
    this.host = element("div", {class: "schedule"}, this.canvas, this.overview, this.tip);
    const left_out = run.placements.left_out;
    this.hint = element("p", {class: "quiet hint"},
      "Wheel with Ctrl, or with the view in focus, zooms; drag moves; a click follows a request.");
    this.root = element("div", {}, this.tools, this.legend, this.host, this.hint,
      left_out > 0 ? element("p", {class: "note"},
        `The run is long: its first ${count(this.schedule.count, "placement")} are shown, ${left_out.toLocaleString("en")} are left out here.`) : null,
      this.details, this.table());
    this.colour_alone("class");
  }

  colour(by) {
    for (const view of this.linked) view.colour_alone(by);
  }

  colour_alone(by) {
    this.colour_by = by;
    this.by_class.setAttribute("aria-pressed", by === "class");
    this.by_request.setAttribute("aria-pressed", by === "request");
    const marks = [["repeating-linear-gradient(135deg, #777 0 2px, transparent 2px 5px)", "late"]];
    const entries = by === "class" ? this.names.map((name, i) => [colour_of(i), name]) : [];
    this.legend.replaceChildren(keys([...entries, ...marks]),
      element("p", {class: "quiet hint"}, "Height is the width of the group. Pale: encode and decode. " +
        "Corner: migrated here. Dark right edge: preempted. Light lines, when near: steps."));
    this.draw();
  }

  colour_for(request) {
    return colour_of(this.colour_by === "class" ? this.colours[this.requests.class[request]] : request);
  }

  // Drawing.
  draw() {
    const width = this.host.clientWidth;
    if (width === 0 || this.pending) return;
    this.pending = true;
    requestAnimationFrame(() => {
      this.pending = false;
      this.draw_now(this.host.clientWidth);
    });
  }

  draw_now(width) {
    const started = performance.now();
    const context = sized(this.canvas, width, ScheduleDrawing.height(this.schedule));
    const look = {colour: (request) => this.colour_for(request), selected: this.selected, hovered: this.hovered,
      alike: this.only_different ? this.alike : null, divergence: this.divergence};
    const drawing = new ScheduleDrawing(this.schedule, context, width, this.view, look);
    drawing.draw();
    this.boxes = drawing.boxes;
    this.draw_overview(width);
    this.drawn_ms = performance.now() - started;
  }

  draw_overview(width) {
    const height = 34;
    const context = sized(this.overview, width, height);
    const series = this.series;
    const scale = (width - kLeft) / (this.limits.to - this.limits.from);
    const x = (time) => kLeft + (time - this.limits.from) * scale;
    context.fillStyle = theme.colour("panel");
    context.fillRect(kLeft, 0, width - kLeft, height);
    context.fillStyle = theme.colour("quiet");
    context.globalAlpha = 0.45;
    series.utilisation.forEach((share, i) => {
      const left = x(this.schedule.begin + i * series.step_s);
      context.fillRect(left, height * (1 - share), series.step_s * scale + 0.5, height * share);
    });
    context.globalAlpha = 1;
    context.strokeStyle = theme.colour("accent");
    context.lineWidth = 2;
    const left = x(this.view.from);
    context.strokeRect(left + 1, 1, Math.max(x(this.view.to) - left - 2, 3), height - 2);
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = theme.colour("quiet");
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.fillText("GPU use", kLeft - 6, height / 2);
  }

  // Moving.
  show({from, to}) {
    const length = Math.min(Math.max(to - from, kShortest), this.limits.to - this.limits.from);
    const begin = Math.min(Math.max(from, this.limits.from), this.limits.to - length);
    for (const view of this.linked) {
      view.view = {from: begin, to: begin + length};
      view.draw();
    }
  }

  // About an instant, which stays where it is; the middle if none is given.
  zoom(factor, about = (this.view.from + this.view.to) / 2) {
    this.show({from: about + (this.view.from - about) * factor, to: about + (this.view.to - about) * factor});
  }

  pan(share) {
    const by = share * (this.view.to - this.view.from);
    this.show({from: this.view.from + by, to: this.view.to + by});
  }

  time_at(x) {
    const width = this.host.clientWidth - kLeft;
    return this.view.from + ((x - kLeft) / width) * (this.view.to - this.view.from);
  }

  placement_at(x, y) {
    if (x < kLeft) return -1;
    const reach = (2 * (this.view.to - this.view.from)) / (this.host.clientWidth - kLeft);
    const gpu = Math.floor(y / row_height(this.schedule.gpus));
    for (const by of [0, -reach, reach]) {
      const found = this.schedule.at(gpu, this.time_at(x) + by);
      if (found >= 0) return found;
    }
    return -1;
  }

  // Following, in all linked views.
  follow(request) {
    const id = request < 0 ? "" : this.requests.ids[request];
    for (const view of this.linked) view.follow_alone(view === this ? request : view.requests.ids.indexOf(id));
  }

  follow_alone(request) {
    this.selected = request;
    this.search.value = request < 0 ? "" : this.requests.ids[request];
    this.step = -1;
    this.show_details();
    this.draw();
  }

  find(id) {
    const request = id === "" ? -1 : this.requests.ids.indexOf(id);
    this.follow(request);
    if (request >= 0) this.go_to(request);
    else if (id !== "") this.details.replaceChildren(element("p", {class: "bad"}, `There is no request '${id}'.`));
  }

  // The whole life of a request into view.
  go_to(request) {
    const from = this.requests.arrival[request];
    const to = Math.max(this.requests.gone[request], isFinite(this.requests.deadline[request]) ? this.requests.deadline[request] : 0);
    const air = 0.06 * (to - from) + 1e-3;
    this.show({from: from - air, to: to + air});
  }

  step_by(direction) {
    const runs = this.selected < 0 ? [] : this.schedule.of_request[this.selected];
    if (runs.length === 0) return;
    this.step = Math.min(Math.max(this.step + direction, 0), runs.length - 1);
    const i = runs[this.step];
    const air = this.schedule.finish[i] - this.schedule.start[i];
    this.hovered = i;
    this.show({from: this.schedule.start[i] - air, to: this.schedule.finish[i] + air});
  }

  show_details() {
    const request = this.selected;
    if (request < 0) return this.details.replaceChildren();
    const requests = this.requests;
    const columns = [{name: "launched"}, {name: "stage", text: true}, {name: "GPUs", text: true}, {name: "took"},
      {name: "expected", text: true}, {name: "before it", text: true}, {name: "decision", text: true}, {name: "", text: true}];
    const rows = this.schedule.of_request[request].map((i) => {
      const words = this.schedule.describe(i);
      return [instant(this.schedule.start[i]), words.stage, words.group, words.took, words.expected, words.before,
        words.decision, words.failed || words.preempted];
    });
    const deadline = isFinite(requests.deadline[request]) ? `, due at ${instant(requests.deadline[request])}` : "";
    this.details.replaceChildren(
      element("p", {}, element("b", {}, requests.ids[request]),
        ` (${this.classes[requests.class[request]]}, ${requests.model(request)}, ${requests.shape(request)}, ` +
        `${count(requests.steps[request], "step")}): arrived at ${instant(requests.arrival[request])}${deadline}; ` +
        `${requests.fate(request)}. `,
        element("button", {type: "button", onclick: () => this.go_to(request)}, "Show its whole life"), " ",
        element("button", {type: "button", onclick: () => this.follow(-1)}, "Stop following")),
      element("div", {class: "scroll", tabindex: "0"}, table(columns, rows)));
  }

  // What is in view, for those who do not see it.
  table() {
    const kMost = 500;
    const columns = [{name: "launched"}, {name: "requests", text: true}, {name: "stage", text: true},
      {name: "GPUs", text: true}, {name: "took"}, {name: "expected", text: true}, {name: "decision", text: true}];
    const made = element("details", {}, element("summary", {}, `The placements in view as a table (the first ${kMost})`));
    made.addEventListener("toggle", () => {
      if (!made.open) return;
      const rows = [];
      for (let i = 0; i < this.schedule.count && rows.length < kMost; ++i) {
        if (this.schedule.finish[i] < this.view.from || this.schedule.start[i] > this.view.to) continue;
        const words = this.schedule.describe(i);
        rows.push([instant(this.schedule.start[i]), words.title, words.stage, words.group, words.took, words.expected, words.decision]);
      }
      made.replaceChildren(made.firstElementChild,
        element("div", {class: "scroll", tabindex: "0"}, table(columns, rows)), copy_button(() => tabbed(columns, rows)));
    });
    return made;
  }
}

// A canvas of so many CSS pixels, sharp on every screen.
function sized(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.style.height = `${height}px`;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}
