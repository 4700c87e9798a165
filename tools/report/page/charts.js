// Charts by Chart.js, in the page's own colours.

// Draws intervals of points: data elements with `low` and `high`. They lie along `intervals` in the
// options, "x" or "y".
const interval_plugin = {
  id: "intervals",
  afterDatasetsDraw(chart) {
    const axis = chart.options.intervals;
    if (!axis) return;
    const context = chart.ctx;
    chart.data.datasets.forEach((dataset, number) => {
      if (!chart.isDatasetVisible(number)) return;
      chart.getDatasetMeta(number).data.forEach((point, i) => {
        const value = dataset.data[i];
        if (!value || value.low === undefined || value.high === undefined) return;
        const scale = chart.scales[axis];
        const from = scale.getPixelForValue(value.low);
        const to = scale.getPixelForValue(value.high);
        context.save();
        context.strokeStyle = dataset.intervalColour || dataset.borderColor;
        context.lineWidth = 1.5;
        context.beginPath();
        if (axis === "y") {
          context.moveTo(point.x, from); context.lineTo(point.x, to);
          for (const end of [from, to]) { context.moveTo(point.x - 4, end); context.lineTo(point.x + 4, end); }
        } else {
          context.moveTo(from, point.y); context.lineTo(to, point.y);
          for (const end of [from, to]) { context.moveTo(end, point.y - 4); context.lineTo(end, point.y + 4); }
        }
        context.stroke();
        context.restore();
      });
    });
  },
};

// Draws the vertical lines of the options: [{x, colour, from, to}], the latter two shaded.
const mark_plugin = {
  id: "marks",
  beforeDatasetsDraw(chart) {
    const {top, bottom, left, right} = chart.chartArea;
    for (const mark of chart.options.marks || []) {
      const context = chart.ctx;
      const at = (value) => Math.min(right, Math.max(left, chart.scales.x.getPixelForValue(value)));
      context.save();
      if (mark.to > mark.from) {
        context.globalAlpha = 0.12;
        context.fillStyle = mark.colour;
        context.fillRect(at(mark.from), top, Math.max(1, at(mark.to) - at(mark.from)), bottom - top);
      }
      context.globalAlpha = 1;
      context.strokeStyle = mark.colour;
      context.setLineDash([5, 4]);
      context.lineWidth = 1.5;
      context.beginPath();
      context.moveTo(at(mark.x), top);
      context.lineTo(at(mark.x), bottom);
      context.stroke();
      context.restore();
    }
  },
};

// `make` gives a Chart.js configuration; it is asked again when the colours change. `label` says in
// words what the chart shows.
function chart(label, make) {
  const canvas = element("canvas", {role: "img", "aria-label": label});
  const host = element("div", {class: "chart"}, canvas);
  let drawn = null;
  theme.follow(() => {
    const configuration = make();
    if (drawn) drawn.destroy();
    const options = configuration.options;
    options.animation = false;
    options.responsive = true;
    options.maintainAspectRatio = false;
    options.plugins = {legend: {display: false}, ...options.plugins};
    for (const scale of Object.values(options.scales || {})) {
      scale.grid = {color: theme.colour("line"), borderColor: theme.colour("line"), tickLength: 4, ...scale.grid};
      scale.ticks = {color: theme.colour("quiet"), maxRotation: 0, autoSkipPadding: 14, includeBounds: false, ...scale.ticks};
      scale.title = {color: theme.colour("quiet"), ...scale.title};
    }
    configuration.plugins = [interval_plugin, mark_plugin];
    drawn = new Chart(canvas, configuration);
    charts.set(canvas, drawn);
  });
  return host;
}

// By canvas; for those who test the page.
const charts = new Map();

function axis_title(text) {
  return {display: true, text};
}

// Lines: [{name, colour, points: [{x, y}], dash, fill, step}].
function line_chart(label, lines, {x, y, x_type = "linear", x_min, x_max, y_max, y_min = 0, marks = [], text, y_text, intervals}) {
  return chart(label, () => ({
    type: "line",
    data: {
      datasets: lines.map((line) => ({
        label: line.name,
        data: line.points,
        borderColor: line.colour,
        backgroundColor: line.fill ? `${line.colour}33` : line.colour,
        fill: line.fill ? "origin" : false,
        borderWidth: line.width || 2,
        borderDash: line.dash || [],
        stepped: line.step || false,
        pointRadius: line.dots ?? (line.points.length < 3 ? 3 : 0),
        pointHitRadius: 8,
      })),
    },
    options: {
      intervals, marks,
      interaction: {mode: "nearest", axis: "x", intersect: false},
      scales: {
        x: {type: x_type, min: x_min, max: x_max, title: axis_title(x), ticks: text ? {callback: text} : {}},
        y: {title: axis_title(y), min: y_min, max: y_max, ticks: y_text ? {callback: y_text} : {}},
      },
      plugins: {tooltip: {callbacks: {
        title: (items) => (items.length ? `${digits(items[0].parsed.x, 4)} ${x.replace(/.*, /, "")}` : ""),
        label: (item) => `${item.dataset.label}: ${y_text ? y_text(item.parsed.y) : digits(item.parsed.y)}`,
      }}},
    },
  }));
}
