// The placements of a run, indexed by GPU and time and by request. Times in seconds of the run.
class Schedule {
  constructor(run, requests) {
    const from = run.placements;
    const begin = run.begin_us / 1e6;
    const seconds = (column) => unpack(column).map((value) => value / 1e6);
    this.requests = requests;
    this.gpus = Math.max(run.gpus, 1);
    this.gpus_per_node = run.gpus_per_node;
    this.begin = begin;
    this.decisions = run.decisions;
    this.run = unpack(from.run);
    this.start = unpack(from.launched).map((value) => begin + value / 1e6);
    const length = unpack(from.length);
    this.finish = this.start.map((value, i) => value + length[i] / 1e6);
    this.end = begin + run.end_us / 1e6;
    if (from.left_out > 0) this.end = this.finish.reduce((latest, each) => Math.max(latest, each), begin);
    this.dispatch = seconds(from.dispatch);
    this.setup = seconds(from.setup);
    this.migrate = seconds(from.migrate);
    this.expected_more = seconds(from.expected_more);
    this.preempted = unpack(from.preempted).map((value) => (value < 0 ? NaN : value / 1e6));
    this.steps = unpack(from.steps);
    this.asked = unpack(from.asked);
    this.failed = unpack(from.failed);
    this.decision = unpack(from.decision);
    this.stages = from.stages;
    this.stage = unpack(from.stage);
    this.layouts = from.layouts;
    this.layout = unpack(from.layout);
    this.group = unpack(from.group);
    this.groups = from.groups.map((text) => text.split(" ").map(Number));
    this.blocks = this.groups.map(blocks_of);
    this.failures = run.failures.map(([gpu, at, to]) =>
      ({gpu, from: begin + at / 1e6, to: to < 0 ? this.end : begin + to / 1e6}));
    this.count = this.start.length;
    this.index_requests(unpack(from.requests), unpack(from.request));
    this.index_gpus();
    // No two GPUs' rows overlap, so a row is searched by either end.
  }

  // Batches: the requests of placement i are batch[first[i]] to batch[first[i + 1] - 1].
  index_requests(counts, batch) {
    this.batch = batch;
    this.first = new Float64Array(this.count + 1);
    for (let i = 0; i < this.count; ++i) this.first[i + 1] = this.first[i] + counts[i];
    this.of_request = Array.from({length: this.requests.count}, () => []);
    for (let i = 0; i < this.count; ++i) {
      for (const request of this.batch_of(i)) this.of_request[request].push(i);
    }
  }

  index_gpus() {
    const rows = Array.from({length: this.gpus}, () => []);
    const order = Array.from(this.start.keys()).sort((a, b) => this.start[a] - this.start[b] || a - b);
    for (const i of order) for (const gpu of this.groups[this.group[i]]) rows[gpu].push(i);
    this.rows = rows.map((placements) => {
      const busy = new Float64Array(placements.length + 1);
      placements.forEach((i, n) => { busy[n + 1] = busy[n] + this.finish[i] - this.start[i]; });
      return {
        placements,
        start: Float64Array.from(placements, (i) => this.start[i]),
        finish: Float64Array.from(placements, (i) => this.finish[i]),
        busy,
      };
    });
  }

  batch_of(i) { return this.batch.subarray(this.first[i], this.first[i + 1]); }
  request_of(i) { return this.batch[this.first[i]]; }
  width_of(i) { return this.groups[this.group[i]].length; }
  is_denoise(i) { return this.stages[this.stage[i]] === "denoise"; }

  // The placement that a GPU works on at an instant; -1: none.
  at(gpu, time) {
    const row = this.rows[gpu];
    if (!row) return -1;
    const n = lowerBound(row.finish, time);
    return n < row.placements.length && row.start[n] <= time ? row.placements[n] : -1;
  }

  // The share of a stretch of time in which a GPU is busy.
  busy_share(row, from, to) {
    const until = (time) => {
      const n = lowerBound(row.start, time);
      if (n === 0) return 0;
      return row.busy[n - 1] + Math.min(time, row.finish[n - 1]) - row.start[n - 1];
    };
    return (until(to) - until(from)) / (to - from);
  }

  // A placement in words, for tooltips, tables and screen readers.
  describe(i) {
    const requests = Array.from(this.batch_of(i));
    const names = requests.map((request) => this.requests.ids[request]).join(", ");
    const took = this.finish[i] - this.start[i];
    const expected = took + this.expected_more[i];
    const off = expected > 0 ? took / expected - 1 : 0;
    const asked = this.asked[i] > this.steps[i] ? ` of ${this.asked[i]} asked for` : "";
    return {
      title: names,
      kind: this.requests.shape(requests[0]),
      stage: this.stages[this.stage[i]] + (this.is_denoise(i) ? `, ${count(this.steps[i], "step")}${asked}` : ""),
      group: `${count(this.width_of(i), "GPU")} (${this.groups[this.group[i]].join(" ")}), ${this.layouts[this.layout[i]]}`,
      took: seconds_text(took),
      expected: `${seconds_text(expected)} (${Math.abs(off) < 5e-5 ? "exact" : `off by ${signed(percent(off, 2))}`})`,
      before: `dispatch ${seconds_text(this.dispatch[i])}, set-up ${seconds_text(this.setup[i])}, migration ${seconds_text(this.migrate[i])}`,
      decision: this.decision[i] ? `${this.decision[i]} of ${this.decisions}, at ${instant(this.start[i], 6)}` : "not recorded",
      preempted: isNaN(this.preempted[i]) ? "" : `told to stop after ${seconds_text(this.preempted[i])}`,
      failed: this.failed[i] ? "failed: a GPU broke" : "",
      fate: requests.map((request) => this.requests.fate(request)).join(", "),
    };
  }
}

// The neighbouring GPUs of a group, as GPU -> how many follow it in one block, itself included.
function blocks_of(gpus) {
  const blocks = new Map();
  const sorted = [...gpus].sort((a, b) => a - b);
  for (let i = 0; i < sorted.length;) {
    let length = 1;
    while (i + length < sorted.length && sorted[i + length] === sorted[i] + length) ++length;
    blocks.set(sorted[i], length);
    i += length;
  }
  return blocks;
}
