// Numbers as people read them, always with their unit.
function digits(value, significant = 3) {
  if (value === null || value === undefined || !isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.floor(Math.log10(Math.abs(value)));
  const decimals = Math.max(0, Math.min(6, significant - 1 - size));
  return value.toFixed(decimals).replace("-", "−");
}

function seconds_text(value, significant = 3) {
  if (value === null || value === undefined || !isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && size < 0.9995e-3) return `${digits(value * 1e6, significant)} µs`;
  if (size !== 0 && size < 0.9995) return `${digits(value * 1e3, significant)} ms`;
  return `${digits(value, significant)} s`;
}

// To the millisecond, for instants; to the microsecond where that is asked.
function instant(value, decimals = 3) {
  return `${value.toFixed(decimals)} s`;
}

function percent(share, decimals = 1) {
  if (share === null || share === undefined || !isFinite(share)) return "–";
  const text = (100 * share).toFixed(decimals);
  return `${Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−")} %`;
}

// "93.1 to 97.4 %"
function percent_range(low, high) {
  return `${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)} %`;
}

function count(value, one, many = `${one}s`) {
  return `${value.toLocaleString("en")} ${value === 1 ? one : many}`;
}

function signed(text) {
  return /^(−|–|0$|0 |0\.0+ )/.test(text) ? text : `+${text}`;
}

// Names come from traces and may be of any length.
function shortened(name, most = 22) {
  return name.length > most ? `${name.slice(0, most - 1)}…` : name;
}

function whole(value) {
  return value.toLocaleString("en").replace("-", "−");
}
