// Draws the part of a schedule that is in view. Placements wider than two pixels and a half are boxes;
// narrower ones are gathered into bins of time, shaded by how busy the GPU was. Bins begin at
// multiples of their length, so that moving the view does not make them flicker.
const kLeft = 52;   // for the names of GPUs
const kAxis = 22;   // below the rows
const kThinnest = 2.5;
const kMark = "#111111";  // on coloured boxes, in either theme
const kDetailed = 7;  // narrower boxes have one colour

function row_height(gpus) {
  return Math.max(5, Math.min(22, Math.floor(560 / gpus)));
}

class ScheduleDrawing {
  // look: {colour(request), selected: request or -1, hovered: placement or -1,
  //        alike: requests that step back (1) or null, divergence: an instant to mark or NaN}
  constructor(schedule, context, width, view, look) {
    this.schedule = schedule;
    this.context = context;
    this.width = width;
    this.view = view;
    this.look = look;
    this.row = row_height(schedule.gpus);
    this.followed = look.selected < 0 ? null : new Set(schedule.of_request[look.selected]);
    this.hatching = hatching(context);
    this.scale = (width - kLeft) / (view.to - view.from);
    this.colours = {
      page: theme.colour("page"), text: theme.colour("text"), quiet: theme.colour("quiet"),
      line: theme.colour("line"), idle: theme.colour("idle"), bad: theme.colour("bad"),
    };
  }

  static height(schedule) { return schedule.gpus * row_height(schedule.gpus) + kAxis; }

  x(time) { return kLeft + (time - this.view.from) * this.scale; }
  y(gpu) { return gpu * this.row; }

  draw() {
    const context = this.context;
    const bottom = this.y(this.schedule.gpus);
    context.clearRect(0, 0, this.width, bottom + kAxis);
    context.fillStyle = this.colours.idle;
    context.fillRect(kLeft, 0, this.width - kLeft, bottom);
    context.save();
    context.beginPath();
    context.rect(kLeft, 0, this.width - kLeft, bottom);
    context.clip();
    this.boxes = 0;
    for (let gpu = 0; gpu < this.schedule.gpus; ++gpu) this.draw_row(gpu);
    this.draw_failures();
    if (this.look.selected >= 0) this.draw_path();
    if (isFinite(this.look.divergence)) this.vertical(this.look.divergence, "decisions part", this.colours.text, [6, 4]);
    if (this.look.hovered >= 0) this.outline(this.look.hovered, this.colours.text, 2);
    context.restore();
    this.draw_names();
    this.draw_axis(bottom);
  }

  draw_row(gpu) {
    const {schedule, context, view} = this;
    const row = schedule.rows[gpu];
    const bin = Math.pow(2, Math.ceil(Math.log2(kThinnest / this.scale)));
    const is_thin = (n) => (row.finish[n] - row.start[n]) * this.scale < kThinnest;
    let n = lowerBound(row.finish, view.from);
    while (n < row.placements.length && row.start[n] < view.to) {
      const i = row.placements[n];
      if (!is_thin(n)) {
        const block = schedule.blocks[schedule.group[i]].get(gpu);
        if (block) this.draw_box(i, gpu, block);
        ++n;
        continue;
      }
      const from = Math.floor(row.start[n] / bin) * bin;
      const middle = schedule.at(gpu, from + bin / 2);
      const shown = middle >= 0 ? middle : i;
      context.globalAlpha = Math.max(0.15, schedule.busy_share(row, from, from + bin)) * this.faint(shown);
      context.fillStyle = this.look.colour(schedule.request_of(shown));
      context.fillRect(this.x(from), this.y(gpu), bin * this.scale, this.row - (this.row > 7 ? 1 : 0));
      context.globalAlpha = 1;
      do ++n; while (n < row.placements.length && row.start[n] < from + bin && is_thin(n));
    }
  }

  // While a request is followed, the others step back.
  faint(i) {
    if (this.followed) return this.followed.has(i) ? 1 : 0.22;
    return this.look.alike && this.schedule.batch_of(i).every((request) => this.look.alike[request]) ? 0.22 : 1;
  }

  draw_box(i, gpu, block) {
    ++this.boxes;
    const {schedule, context} = this;
    const left = Math.max(this.x(schedule.start[i]), kLeft - 4);
    const right = Math.min(this.x(schedule.finish[i]), this.width + 4);
    const width = right - left;
    const top = this.y(gpu);
    const height = block * this.row - (this.row > 7 ? 1 : 0);
    const request = schedule.request_of(i);
    const faint = this.faint(i);
    context.globalAlpha = faint * (schedule.is_denoise(i) ? 1 : 0.6);
    context.fillStyle = this.look.colour(request);
    context.fillRect(left, top, Math.max(width - 0.6, 0.6), height);
    context.globalAlpha = faint;
    if (width >= kDetailed) this.draw_parts(i, left, right, top, height, faint);
    if (schedule.requests.late(request)) this.hatch(left, top, width - 0.6, height, faint);
    if (schedule.failed[i]) this.cross(left, top, width, height);
    if (width > 56 && height >= 11) this.draw_label(i, left, width, top, height);
    context.globalAlpha = 1;
  }

  // Overheads at the front, boundaries of steps, the edge of a preempted run.
  draw_parts(i, left, right, top, height, faint) {
    const {schedule, context} = this;
    const overhead = schedule.dispatch[i] + schedule.setup[i] + schedule.migrate[i];
    const begin = this.x(schedule.start[i] + overhead);
    if (begin - this.x(schedule.start[i]) >= 1) {
      context.fillStyle = kMark;
      context.globalAlpha = 0.55 * faint;
      context.fillRect(left, top, Math.min(begin, right) - left, height);
    }
    const step = (this.x(schedule.finish[i]) - begin) / Math.max(schedule.steps[i], 1);
    if (schedule.is_denoise(i) && step >= 6) {
      context.fillStyle = "#ffffff";
      context.globalAlpha = 0.7 * faint;
      const first = Math.max(1, Math.floor((left - begin) / step));
      for (let n = first; n < schedule.steps[i] && begin + n * step < right; ++n)
        context.fillRect(begin + n * step - 0.5, top, 1, height);
    }
    context.globalAlpha = faint;
    context.fillStyle = kMark;
    if (!isNaN(schedule.preempted[i])) context.fillRect(right - 2.2, top, 1.6, height);
    if (schedule.migrate[i] > 0 && this.row > 9) {
      context.beginPath();
      context.moveTo(left, top);
      context.lineTo(left + 6, top);
      context.lineTo(left, top + 6);
      context.fill();
    }
  }

  // Where there is no room for lines, as dark as they would be together.
  hatch(left, top, width, height, faint) {
    const context = this.context;
    context.globalAlpha = faint * (width < kDetailed ? 0.18 : 0.45);
    context.fillStyle = width < kDetailed ? "#000000" : this.hatching;
    context.fillRect(left, top, width, height);
    context.globalAlpha = faint;
  }

  cross(left, top, width, height) {
    const context = this.context;
    context.strokeStyle = this.colours.bad;
    context.lineWidth = 2;
    context.strokeRect(left + 1, top + 1, width - 2, height - 2);
    context.beginPath();
    context.moveTo(left + width - 9, top + 1);
    context.lineTo(left + width - 1, top + Math.min(height, 9));
    context.moveTo(left + width - 1, top + 1);
    context.lineTo(left + width - 9, top + Math.min(height, 9));
    context.stroke();
  }

  draw_label(i, left, width, top, height) {
    const {schedule, context} = this;
    const more = schedule.first[i + 1] - schedule.first[i] - 1;
    const text = `${schedule.requests.ids[schedule.request_of(i)]}${more > 0 ? ` +${more}` : ""} ×${schedule.width_of(i)}`;
    context.font = "11px system-ui, sans-serif";
    if (context.measureText(text).width > width - 10) return;
    const from = Math.max(left, kLeft) + 8;
    const size = context.measureText(text).width;
    if (from + size > left + width) return;
    context.fillStyle = "rgba(255, 255, 255, 0.86)";
    context.fillRect(from - 3, top + height / 2 - 7, size + 6, 14);
    context.fillStyle = "#111111";
    context.textBaseline = "middle";
    context.textAlign = "left";
    context.fillText(text, from, top + height / 2 + 0.5);
  }

  draw_failures() {
    const context = this.context;
    for (const failure of this.schedule.failures) {
      const left = this.x(failure.from);
      const right = this.x(failure.to);
      if (right < kLeft || left > this.width) continue;
      const width = Math.max(right - left, 2);
      context.fillStyle = this.colours.bad;
      context.globalAlpha = 0.28;
      context.fillRect(left, this.y(failure.gpu), width, this.row - 1);
      context.globalAlpha = 1;
      if (width > 60 && this.row > 11) {
        context.fillStyle = this.colours.text;
        context.font = "11px system-ui, sans-serif";
        context.textBaseline = "middle";
        context.textAlign = "left";
        context.fillText("failed", Math.max(left, kLeft) + 6, this.y(failure.gpu) + this.row / 2);
      }
    }
  }

  // The way of the selected request: from run to run, its arrival and its deadline.
  draw_path() {
    const {schedule, context, look} = this;
    const requests = schedule.requests;
    const middle = (i) => {
      const gpus = schedule.groups[schedule.group[i]];
      return this.y(gpus.reduce((sum, gpu) => sum + gpu, 0) / gpus.length + 0.5);
    };
    context.strokeStyle = this.colours.text;
    context.lineWidth = 1.6;
    context.beginPath();
    let before = -1;
    for (const i of schedule.of_request[look.selected]) {
      if (before >= 0) {
        context.moveTo(this.x(schedule.finish[before]), middle(before));
        context.lineTo(this.x(schedule.start[i]), middle(i));
      }
      before = i;
    }
    context.stroke();
    for (const i of schedule.of_request[look.selected]) this.outline(i, this.colours.text, 1.4);
    this.vertical(requests.arrival[look.selected], "arrives", this.colours.text, []);
    if (isFinite(requests.deadline[look.selected]))
      this.vertical(requests.deadline[look.selected], "deadline", this.colours.bad, [6, 4]);
  }

  vertical(time, text, colour, dash) {
    const x = this.x(time);
    if (x < kLeft || x > this.width) return;
    const context = this.context;
    const bottom = this.y(this.schedule.gpus);
    context.strokeStyle = colour;
    context.setLineDash(dash);
    context.lineWidth = 1.6;
    context.beginPath();
    context.moveTo(x, 0);
    context.lineTo(x, bottom);
    context.stroke();
    context.setLineDash([]);
    context.font = "11px system-ui, sans-serif";
    const size = context.measureText(text).width;
    const from = x + size + 10 > this.width ? x - size - 6 : x + 4;
    context.fillStyle = this.colours.page;
    context.fillRect(from - 2, 1, size + 4, 14);
    context.fillStyle = colour;
    context.textBaseline = "middle";
    context.textAlign = "left";
    context.fillText(text, from, 8.5);
  }

  outline(i, colour, width) {
    const {schedule, context} = this;
    context.strokeStyle = colour;
    context.lineWidth = width;
    for (const [gpu, block] of schedule.blocks[schedule.group[i]])
      context.strokeRect(this.x(schedule.start[i]), this.y(gpu),
        Math.max((schedule.finish[i] - schedule.start[i]) * this.scale, 2), block * this.row - 1);
  }

  draw_names() {
    const {schedule, context} = this;
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    context.textAlign = "right";
    const every = Math.max(1, Math.ceil(13 / this.row));
    for (let gpu = 0; gpu < schedule.gpus; gpu += every) {
      context.fillStyle = this.colours.quiet;
      context.fillText(`GPU ${gpu}`, kLeft - 6, this.y(gpu) + Math.max(this.row, 11) / 2);
    }
    context.fillStyle = this.colours.text;
    const node = schedule.gpus_per_node;
    if (node > 0 && node < schedule.gpus)
      for (let gpu = node; gpu < schedule.gpus; gpu += node)
        context.fillRect(kLeft, this.y(gpu) - 1, this.width - kLeft, 1);
  }

  draw_axis(bottom) {
    const {context, view} = this;
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "top";
    context.textAlign = "center";
    for (const {time, text} of ticks(view.from, view.to, (this.width - kLeft) / 90)) {
      const x = this.x(time);
      context.fillStyle = this.colours.line;
      context.fillRect(x - 0.5, bottom, 1, 5);
      context.fillStyle = this.colours.quiet;
      const half = context.measureText(text).width / 2;
      if (x - half > kLeft - 20 && x + half <= this.width) context.fillText(text, x, bottom + 7);
    }
  }
}

// Diagonal lines, as what areas are filled with.
function hatching(context) {
  const kPeriod = 7;
  const tile = document.createElement("canvas");
  tile.width = tile.height = kPeriod;
  const lines = tile.getContext("2d");
  lines.lineWidth = 1.6;
  for (const shift of [-kPeriod, 0, kPeriod]) {
    lines.moveTo(shift - 1, kPeriod + 1);
    lines.lineTo(shift + kPeriod + 1, -1);
  }
  lines.stroke();
  return context.createPattern(tile, "repeat");
}

// Instants at 1, 2 or 5 times a power of ten seconds, at most about `most` of them.
function ticks(from, to, most) {
  const rough = (to - from) / Math.max(most, 1);
  const power = Math.pow(10, Math.floor(Math.log10(rough)));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((value) => value >= rough);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const found = [];
  for (let n = Math.ceil(from / step); n * step <= to; ++n)
    found.push({time: n * step, text: `${(n * step).toFixed(decimals)} s`});
  return found;
}
