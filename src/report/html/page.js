"use strict";
// Everything below reads one object; see `data` in html/mod.rs for its fields.
const data = JSON.parse(document.getElementById("data").textContent);
const by = (id) => document.getElementById(id);
const colour = (method) => `var(--m${method % 6})`;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

by("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  show();
});

/* Charts: plain SVG. */

function svg(name, attributes = {}, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// A chart is as wide as its column: on a phone fewer units, or its text could not be read.
const WIDTH = matchMedia("(max-width: 760px)").matches ? 330 : 460;
const LEFT = 34, TOP = 8, PLOT = 190;

// Four steps that read as round numbers and reach the highest value.
const STEPS = [0.5, 1, 2, 2.5, 5, 10, 15, 20, 25];

// `below` is the room for labels under the axis.
function figure(caption, highest, below, draw) {
  const top = 4 * (STEPS.find((step) => 4 * step >= highest) ?? 25);
  const plot = svg("svg", { viewBox: `0 0 ${WIDTH} ${PLOT + below}`, role: "img", "aria-label": caption });
  const y = (value) => PLOT - (PLOT - TOP) * value / top;
  for (let tick = 0; tick <= 4; tick++) {
    const value = top * tick / 4;
    plot.append(svg("line", { x1: LEFT, x2: WIDTH, y1: y(value), y2: y(value), class: "axis" }));
    plot.append(svg("text", { x: LEFT - 4, y: y(value) + 4, "text-anchor": "end" }, String(value)));
  }
  draw(plot, y);
  by("figures").append(element("figure", {}, element("figcaption", {}, caption), plot));
}

function bars(caption, names, series) {
  const highest = Math.max(2, ...series.flat().filter((v) => v !== null));
  const longest = Math.max(...names.map((name) => name.length));
  figure(caption, highest, 20 + 4.5 * longest, (plot, y) => {
    const step = (WIDTH - LEFT) / names.length, width = step * 0.8 / series.length;
    names.forEach((name, at) => {
      const x = LEFT + step * at + step * 0.1;
      series.forEach((values, method) => {
        if (values[at] === null) return;
        const bar = svg("rect", { x: x + width * method, y: y(values[at]), width,
          height: y(0) - y(values[at]), style: `fill:${colour(method)}` });
        bar.append(svg("title", {}, `${data.methods[method].name}, ${name}: ${values[at].toFixed(1)}`));
        plot.append(bar);
      });
      const middle = x + step * 0.4, below = PLOT + 12;
      plot.append(svg("text", { x: middle, y: below, "text-anchor": "end",
        transform: `rotate(-40 ${middle} ${below})` }, name));
    });
  });
}

function charts() {
  data.methods.forEach((method, at) => {
    by("legend").append(element("span", {}, element("i", { style: `background:${colour(at)}` }), method.name));
  });
  const curve = data.methods.map((method) => method.curve);
  figure("PCK (%) against α", 100, 24, (plot, y) => {
    const last = data.curve_alphas[data.curve_alphas.length - 1];
    const x = (alpha) => LEFT + (WIDTH - LEFT - 12) * alpha / last;
    for (const alpha of data.curve_alphas.filter((_, at) => at % 5 === 4)) {
      plot.append(svg("text", { x: x(alpha), y: PLOT + 16, "text-anchor": "middle" }, alpha));
    }
    curve.forEach((values, method) => {
      const points = values.map((value, at) => `${x(data.curve_alphas[at])},${y(value ?? 0)}`);
      plot.append(svg("polyline", { points: points.join(" "), fill: "none", "stroke-width": 2,
        style: `stroke:${colour(method)}` }));
    });
  });
  const bins = 25, reach = 0.5;
  const shares = data.methods.map((_, method) => {
    const counts = new Array(bins + 1).fill(0);
    let all = 0;
    for (const pair of data.pairs) {
      for (const error of errors(pair, method) ?? []) {
        all += 1;
        if (error !== null) counts[Math.min(bins, Math.floor(error / reach * bins))] += 1;
      }
    }
    return counts.map((count) => all ? 100 * count / all : null);
  });
  const labels = shares[0].map((_, at) =>
    at === bins ? `≥ ${reach}` : at % 5 === 0 ? (at / bins * reach).toFixed(1) : "");
  bars("Keypoints (%) by error as a share of the threshold", labels, shares);
  bars(`PCK (%) by category, α = ${data.alpha}`, data.category_names, data.methods.map((m) => m.category));
  for (const factor of data.factors) {
    bars(`PCK (%) by ${factor.name}, α = ${data.alpha}`, factor.levels,
      data.methods.map((method) => method.factors[factor.name]));
  }
}

/* Pairs. A pair is [id, category, source, target, levels, threshold, source points, target points,
   predictions and verdicts of every method]; points are x and y by turns, null where there is none,
   and a verdict is a text with a "1" for each keypoint that is right. */

const [ID, CATEGORY, SOURCE, TARGET, LEVELS, THRESHOLD, FROM, TO, PREDICTED, VERDICTS] =
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

function errors(pair, method) {
  const predicted = pair[PREDICTED][method];
  if (!predicted) return null;
  const found = [];
  for (let at = 0; at < pair[TO].length; at += 2) {
    found.push(predicted[at] === null ? null
      : Math.hypot(predicted[at] - pair[TO][at], predicted[at + 1] - pair[TO][at + 1]) / pair[THRESHOLD]);
  }
  return found;
}

const isRight = (pair, method, keypoint) => pair[VERDICTS][method][keypoint] === "1";

const summaries = data.pairs.map((pair) => data.methods.map((_, method) => {
  const all = errors(pair, method);
  if (!all) return null;
  const reached = all.map((error) => error ?? Infinity);
  return {
    pck: 100 * all.filter((_, keypoint) => isRight(pair, method, keypoint)).length / all.length,
    worst: Math.max(...reached),
    mean: reached.reduce((sum, error) => sum + Math.min(error, 2), 0) / reached.length,
  };
}));

const filters = {};
const ROW = 44;
let shown = [], selected = 0;

function choice(name, label, options) {
  const select = element("select", { id: `filter-${name}` });
  for (const [value, text] of options) select.append(element("option", { value }, text));
  select.addEventListener("change", () => { filters[name] = select.value; filter(); });
  filters[name] = options[0][0];
  by("filters").append(element("label", {}, label, select));
}

function form() {
  const any = ["", "any"];
  choice("category", "Category", [any, ...data.category_names.map((name, at) => [String(at), name])]);
  for (const factor of data.factors) {
    choice(factor.name, factor.name, [any, ...factor.levels.map((level, at) => [String(at), level])]);
  }
  choice("method", "Sort and filter by", data.methods.map((method, at) => [String(at), method.name]));
  choice("verdict", "Keypoints", [any, ["all", "all right"], ["some", "some wrong"], ["none", "all wrong"]]);
  choice("sort", "Order", [["layout", "as listed"], ["high", "highest error first"], ["low", "lowest error first"],
    ...(data.methods.length > 1 ? [["differ", "methods differ most"]] : [])]);
  const search = element("input", { type: "search", id: "filter-search", placeholder: "part of the name" });
  search.addEventListener("input", () => { filters.search = search.value.trim(); filter(); });
  filters.search = "";
  by("filters").append(element("label", {}, "Name", search));
  by("filters").addEventListener("submit", (event) => event.preventDefault());
}

function filter() {
  const method = Number(filters.method);
  shown = data.pairs.map((_, at) => at).filter((at) => {
    const pair = data.pairs[at], summary = summaries[at][method];
    if (filters.category && pair[CATEGORY] !== Number(filters.category)) return false;
    for (const [place, factor] of data.factors.entries()) {
      if (filters[factor.name] && pair[LEVELS]?.[place] !== Number(filters[factor.name])) return false;
    }
    if (filters.search && !pair[ID].includes(filters.search)) return false;
    if (!filters.verdict) return true;
    if (!summary) return false;
    return filters.verdict === "all" ? summary.pck === 100
      : filters.verdict === "none" ? summary.pck === 0 : summary.pck < 100;
  });
  const spread = (at) => {
    const all = summaries[at].filter(Boolean).map((summary) => summary.pck);
    return all.length ? Math.max(...all) - Math.min(...all) : 0;
  };
  const mean = (at) => summaries[at][method]?.mean ?? -1;
  if (filters.sort === "high") shown.sort((a, b) => mean(b) - mean(a) || a - b);
  if (filters.sort === "low") shown.sort((a, b) => mean(a) - mean(b) || a - b);
  if (filters.sort === "differ") shown.sort((a, b) => spread(b) - spread(a) || a - b);
  by("count").textContent = `${shown.length} of ${data.pairs.length} pairs.`;
  selected = 0;
  by("list").scrollTop = 0;
  list();
  show();
}

// Only the rows in sight exist, so that the list stays quick however long it is.
function list() {
  const box = by("list"), rows = by("rows");
  box.firstElementChild.style.top = "0";
  let spacer = by("spacer");
  if (!spacer) box.append(spacer = element("div", { id: "spacer", "aria-hidden": "true" }));
  spacer.style.height = `${shown.length * ROW}px`;
  const first = Math.max(0, Math.floor(box.scrollTop / ROW) - 4);
  const last = Math.min(shown.length, first + Math.ceil(box.clientHeight / ROW) + 8);
  rows.style.top = `${first * ROW}px`;
  rows.replaceChildren(...shown.slice(first, last).map((at, place) => {
    const position = first + place;
    const row = element("div", { class: "row", role: "option", id: `row-${position}`,
      "aria-selected": String(position === selected), "aria-posinset": position + 1, "aria-setsize": shown.length },
      element("span", { title: data.pairs[at][ID] }, data.pairs[at][ID]),
      element("b", {}, summaries[at].map((one) => one ? one.pck.toFixed(0) : "–").join(" | ")));
    row.addEventListener("click", () => select(position));
    return row;
  }));
  box.setAttribute("aria-activedescendant", `row-${selected}`);
}

function select(position) {
  selected = Math.max(0, Math.min(shown.length - 1, position));
  const box = by("list");
  if (selected * ROW < box.scrollTop) box.scrollTop = selected * ROW;
  const below = (selected + 1) * ROW - box.clientHeight;
  if (below > box.scrollTop) box.scrollTop = below;
  list();
  show();
}

by("list").addEventListener("scroll", () => requestAnimationFrame(list));
by("list").addEventListener("keydown", (event) => {
  const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
  if (!(event.key in moves)) return;
  event.preventDefault();
  select(selected + moves[event.key]);
});

/* The chosen pair. */

const photographs = new Map();
function photograph(at) {
  if (!data.images[at].data) return Promise.resolve(null);
  if (!photographs.has(at)) {
    photographs.set(at, new Promise((resolve) => {
      const image = new Image();
      image.onload = () => resolve(image);
      image.onerror = () => resolve(null);
      image.src = data.images[at].data;
    }));
  }
  return photographs.get(at);
}

const hue = (at, count) => `hsl(${Math.round(360 * at / count)} 85% 55%)`;

async function show() {
  const views = by("views");
  if (!shown.length) {
    views.replaceChildren(element("p", { class: "note" }, "No pair fits the filters."));
    return;
  }
  const at = shown[selected], pair = data.pairs[at];
  const [source, target] = await Promise.all([photograph(pair[SOURCE]), photograph(pair[TARGET])]);
  if (at !== shown[selected]) return;
  const levels = data.factors.map((factor, place) =>
    pair[LEVELS] ? `${factor.name} ${factor.levels[pair[LEVELS][place]]}` : "").filter(Boolean);
  const heading = element("p", {}, element("strong", {}, pair[ID]), " ",
    element("span", { class: "soft" }, levels.join(", ")));
  views.replaceChildren(heading, ...data.methods.map((method, number) => view(pair, number, at, source, target)));
}

function view(pair, method, at, source, target) {
  const summary = summaries[at][method];
  const title = element("h3", {}, `${data.methods[method].name}: `,
    summary ? `PCK ${summary.pck.toFixed(1)} %` : "not predicted");
  const section = element("section", { class: "view" }, title);
  if (!summary) return section;
  const all = errors(pair, method);
  const pictures = element("div", { class: "pictures" },
    matches(pair, method, source, target), warped(pair, method, source, target));
  const points = element("div", { class: "points" }, ...all.map((error, keypoint) => {
    const right = isRight(pair, method, keypoint);
    return element("span", { class: right ? "right" : "wrong" },
      `${right ? "✓" : "✗"} ${keypoint + 1}: ${error === null ? "no prediction" : error.toFixed(3)}`);
  }));
  section.append(pictures, points,
    element("p", { class: "note" }, "Errors as shares of the threshold; circles are the distance that α allows."));
  return section;
}

function paper(width, height, label) {
  const canvas = element("canvas", { width, height, role: "img", "aria-label": label });
  return [canvas, canvas.getContext("2d")];
}

function photo(pen, image, size, x, scale) {
  if (image) pen.drawImage(image, x, 0, size.width * scale, size.height * scale);
  else { pen.strokeStyle = "#888"; pen.strokeRect(x, 0, size.width * scale, size.height * scale); }
}

// Source and target side by side: lines to the predictions, circles around the truth.
function matches(pair, method, source, target) {
  const from = data.images[pair[SOURCE]], to = data.images[pair[TARGET]];
  const height = 420, a = height / from.height, b = height / to.height, gap = 10;
  const start = from.width * a + gap;
  const [canvas, pen] = paper(Math.ceil(start + to.width * b), height, "Keypoints and predictions on both photographs");
  photo(pen, source, from, 0, a);
  photo(pen, target, to, start, b);
  const predicted = pair[PREDICTED][method], count = pair[FROM].length / 2, all = errors(pair, method);
  for (let keypoint = 0; keypoint < count; keypoint++) {
    const [x, y] = [pair[FROM][2 * keypoint] * a, pair[FROM][2 * keypoint + 1] * a];
    const [tx, ty] = [start + pair[TO][2 * keypoint] * b, pair[TO][2 * keypoint + 1] * b];
    pen.strokeStyle = pen.fillStyle = hue(keypoint, count);
    pen.lineWidth = 2;
    dot(pen, x, y, keypoint);
    pen.setLineDash([4, 4]);
    pen.beginPath();
    pen.arc(tx, ty, data.alpha * pair[THRESHOLD] * b, 0, 2 * Math.PI);
    pen.stroke();
    pen.setLineDash([]);
    if (all[keypoint] === null) continue;
    const [px, py] = [start + predicted[2 * keypoint] * b, predicted[2 * keypoint + 1] * b];
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(px, py);
    pen.stroke();
    if (isRight(pair, method, keypoint)) dot(pen, px, py, keypoint);
    else cross(pen, px, py);
  }
  return canvas;
}

function dot(pen, x, y, keypoint) {
  pen.beginPath();
  pen.arc(x, y, 5, 0, 2 * Math.PI);
  pen.fill();
  pen.save();
  pen.font = "bold 12px system-ui, sans-serif";
  pen.lineWidth = 3;
  pen.strokeStyle = "#000";
  pen.fillStyle = "#fff";
  pen.strokeText(keypoint + 1, x + 6, y - 6);
  pen.fillText(keypoint + 1, x + 6, y - 6);
  pen.restore();
}

function cross(pen, x, y) {
  pen.beginPath();
  for (const side of [-1, 1]) {
    pen.moveTo(x - 6, y - 6 * side);
    pen.lineTo(x + 6, y + 6 * side);
  }
  pen.lineWidth = 3;
  pen.stroke();
}

// The source bent onto the target by the thin-plate spline that takes predictions to source
// keypoints, drawn in small triangles.
function warped(pair, method, source, target) {
  const from = data.images[pair[SOURCE]], to = data.images[pair[TARGET]];
  const width = 420, scale = width / to.width, height = Math.round(to.height * scale);
  const [canvas, pen] = paper(width, height, "The source warped onto the target by thin-plate splines");
  const predicted = pair[PREDICTED][method], ends = [], starts = [];
  for (let at = 0; at < predicted.length; at += 2) {
    if (predicted[at] === null) continue;
    const same = ends.some(([x, y]) => Math.hypot(x - predicted[at], y - predicted[at + 1]) < 1);
    if (same) continue;
    ends.push([predicted[at], predicted[at + 1]]);
    starts.push([pair[FROM][at], pair[FROM][at + 1]]);
  }
  const spline = source && ends.length >= 3 ? thinPlate(ends, starts) : null;
  photo(pen, target, to, 0, scale);
  if (!spline) {
    pen.fillStyle = "#888";
    pen.fillText("too few points, or no photograph, to warp", 10, 20);
    return canvas;
  }
  pen.fillStyle = "rgba(0, 0, 0, .55)";
  pen.fillRect(0, 0, width, height);
  const cells = 24, grid = [];
  for (let row = 0; row <= cells; row++) {
    for (let column = 0; column <= cells; column++) {
      const [x, y] = [to.width * column / cells, to.height * row / cells];
      grid.push([x * scale, y * scale, ...spline(x, y)]);
    }
  }
  const sx = source.naturalWidth / from.width, sy = source.naturalHeight / from.height;
  for (let row = 0; row < cells; row++) {
    for (let column = 0; column < cells; column++) {
      const corner = row * (cells + 1) + column, below = corner + cells + 1;
      triangle(pen, source, [grid[corner], grid[corner + 1], grid[below]], sx, sy);
      triangle(pen, source, [grid[corner + 1], grid[below + 1], grid[below]], sx, sy);
    }
  }
  return canvas;
}

// Draws a triangle of the photograph: each corner is [x, y, source x, source y].
function triangle(pen, image, [a, b, c], sx, sy) {
  const [u0, v0, u1, v1, u2, v2] = [a[2] * sx, a[3] * sy, b[2] * sx, b[3] * sy, c[2] * sx, c[3] * sy];
  const area = (u1 - u0) * (v2 - v0) - (u2 - u0) * (v1 - v0);
  if (Math.abs(area) < 1e-6) return;
  const solve = (p, q, r) => [
    ((q - p) * (v2 - v0) - (r - p) * (v1 - v0)) / area,
    ((r - p) * (u1 - u0) - (q - p) * (u2 - u0)) / area,
  ];
  const [xu, xv] = solve(a[0], b[0], c[0]), [yu, yv] = solve(a[1], b[1], c[1]);
  pen.save();
  pen.beginPath();
  // A fifth larger than it is on every side, or seams show between neighbours.
  const centre = [0, 1].map((axis) => (a[axis] + b[axis] + c[axis]) / 3);
  for (const corner of [a, b, c]) {
    const out = [0, 1].map((axis) => centre[axis] + 1.2 * (corner[axis] - centre[axis]));
    pen.lineTo(out[0], out[1]);
  }
  pen.closePath();
  pen.clip();
  pen.transform(xu, yu, xv, yv, a[0] - xu * u0 - xv * v0, a[1] - yu * u0 - yv * v0);
  pen.drawImage(image, 0, 0);
  pen.restore();
}

// The thin-plate spline that takes `ends` to `starts` (Bookstein 1989), slightly smoothed; null
// where the points do not determine it.
function thinPlate(ends, starts) {
  const count = ends.length, size = count + 3;
  const kernel = (squared) => squared > 0 ? squared * Math.log(squared) : 0;
  const rows = [];
  for (let i = 0; i < size; i++) {
    rows.push(new Array(size + 2).fill(0));
  }
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) {
      rows[i][j] = kernel((ends[i][0] - ends[j][0]) ** 2 + (ends[i][1] - ends[j][1]) ** 2);
    }
    rows[i][i] += 100;
    [1, ends[i][0], ends[i][1]].forEach((value, k) => {
      rows[i][count + k] = value;
      rows[count + k][i] = value;
    });
    rows[i][size] = starts[i][0];
    rows[i][size + 1] = starts[i][1];
  }
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let row = column; row < size; row++) {
      if (Math.abs(rows[row][column]) > Math.abs(rows[pivot][column])) pivot = row;
    }
    if (Math.abs(rows[pivot][column]) < 1e-9) return null;
    [rows[column], rows[pivot]] = [rows[pivot], rows[column]];
    for (let row = 0; row < size; row++) {
      if (row === column) continue;
      const factor = rows[row][column] / rows[column][column];
      if (factor) for (let k = column; k < size + 2; k++) rows[row][k] -= factor * rows[column][k];
    }
  }
  const weight = rows.map((row, i) => [row[size] / row[i], row[size + 1] / row[i]]);
  return (x, y) => [0, 1].map((axis) => {
    let value = weight[count][axis] + weight[count + 1][axis] * x + weight[count + 2][axis] * y;
    for (let i = 0; i < count; i++) {
      value += weight[i][axis] * kernel((x - ends[i][0]) ** 2 + (y - ends[i][1]) ** 2);
    }
    return value;
  });
}

form();
charts();
filter();
