// Columns of numbers as tools/report/columns.hpp packs them.
function unpack(text) {
  const bytes = atob(text);
  const values = [];
  let before = 0;
  for (let i = 0; i < bytes.length;) {
    let folded = 0;
    let factor = 1;
    let byte;
    do {
      byte = bytes.charCodeAt(i++);
      folded += (byte & 127) * factor;
      factor *= 128;
    } while (byte & 128);
    before += folded % 2 === 1 ? -(folded + 1) / 2 : folded / 2;
    values.push(before);
  }
  return Float64Array.from(values);
}

// The first position whose value is at least `value`; the values ascend.
function lowerBound(values, value) {
  let from = 0;
  let to = values.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (values[middle] < value) from = middle + 1;
    else to = middle;
  }
  return from;
}

// The requests of a run: one array a property, indexed by request. Times in seconds of the run.
// `end`: 0 finished in time, 1 rejected, 2 unfinished, 3 finished late.
function requestsOf(run) {
  const from = run.requests;
  const begin = run.begin_us / 1e6;
  const seconds = (column) => unpack(column).map((value) => begin + value / 1e6);
  const classes = unpack(from.class);
  const models = unpack(from.model);
  const shapes = unpack(from.shape);
  const arrival = seconds(from.arrival);
  const gone = seconds(from.gone);
  const allowed = unpack(from.allowed);
  const deadline = allowed.map((value, i) => (value < 0 ? Infinity : arrival[i] + value / 1e6));
  const end = unpack(from.end);
  return {
    count: from.ids.length,
    ids: from.ids,
    class: classes,
    steps: unpack(from.steps),
    arrival, gone, deadline, end,
    model: (i) => from.models[models[i]],
    shape: (i) => from.shapes[shapes[i]],
    late: (i) => end[i] !== 0,
    fate(i) {
      if (end[i] === 1) return "rejected";
      if (end[i] === 2) return "not finished";
      if (!isFinite(deadline[i])) return "finished";
      return this.late(i) ? `late by ${seconds_text(gone[i] - deadline[i])}`
        : `in time by ${seconds_text(deadline[i] - gone[i])}`;
    },
  };
}
