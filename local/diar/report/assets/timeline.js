"use strict";
// Who speaks when: a lane for each speaker of the reference and of one or two systems, below each system
// its errors, and posteriors. Only the visible part is drawn, however long the recording is.

const LANE = 20; // pixels
const POSTERIORS = 110;
const KINDS = ["miss", "false alarm", "confusion", "overlap"];

// Spans [start, end, ...] in ms within [from, to] s; those closer than a pixel are merged.
function seen(spans, from, to, pixel) {
  const found = [];
  let first = 0, last = spans.length; // sorted by start; long ones may begin before
  while (first < last) {
    const middle = (first + last) >> 1;
    if (spans[middle][0] / 1000 > to) last = middle; else first = middle + 1;
  }
  for (let i = 0; i < first; i++) {
    const [start, end] = [spans[i][0] / 1000, spans[i][1] / 1000];
    if (end < from) continue;
    const before = found.at(-1);
    if (before && start - before[1] < pixel) {
      before[1] = Math.max(before[1], end);
      before[2] += 1;
    } else found.push([start, end, 1]);
  }
  return found;
}

// Parts of a that no span of b covers; both [[start, end]], sorted, without overlap.
function without(a, b) {
  const found = [];
  let j = 0;
  for (let [start, end] of a) {
    while (j < b.length && b[j][1] <= start) j++;
    for (let k = j; k < b.length && b[k][0] < end; k++) {
      if (b[k][0] > start) found.push([start, b[k][0]]);
      start = Math.max(start, b[k][1]);
    }
    if (start < end) found.push([start, end]);
  }
  return found;
}

// All errors of a system as spans without overlap; the kind "overlap" is not an error.
function wrongs(errors) {
  const spans = KINDS.slice(0, 3).flatMap((kind) => errors[kind].map(([a, b]) => [a, b]));
  const joined = [];
  for (const [a, b] of spans.sort((x, y) => x[0] - y[0])) {
    if (joined.length && a <= joined.at(-1)[1]) joined.at(-1)[1] = Math.max(b, joined.at(-1)[1]);
    else joined.push([a, b]);
  }
  return joined;
}

function lanesOf(view, systems, names) {
  const lanes = [];
  const speakers = (side, places, prefix) => (side.names ?? side.speakers).forEach((label, i) => lanes.push({
    label, name: `${prefix}: ${label}${side.pairs?.[i] ? ` = ${side.pairs[i]}` : ""}`, size: 1,
    ...styleOf(places[i]), doubts: doubtsOf(side).filter((turn) => turn[2] === i),
    spans: side.turns.filter((turn, k) => turn[2] === i && !side.doubtful?.includes(k)),
  }));
  const head = (label) => lanes.push({ label, head: true, size: 1, spans: [] });
  if (view.reference) {
    head("reference");
    speakers(view.reference, view.reference.speakers.map((_, i) => i), "reference");
  }
  for (const key of systems) {
    const found = view.systems[key];
    head(names[key]);
    speakers(found, found.places, names[key]);
    for (const kind of found.errors ? KINDS : []) {
      lanes.push({ label: kind, name: `${names[key]}: ${kind}`, size: 0.7, error: kind, hatch: "", spans: found.errors[kind] });
    }
  }
  if (systems.length === 2 && view.reference) {
    const [a, b] = systems.map((key) => wrongs(view.systems[key].errors));
    head("only one is wrong");
    [[systems[0], without(a, b)], [systems[1], without(b, a)]].forEach(([key, spans]) => lanes.push({
      label: names[key], name: `only ${names[key]} is wrong`, size: 0.8, error: "confusion", hatch: "", spans,
    }));
  }
  let y = 0;
  for (const lane of lanes) {
    lane.y = -(y + lane.size / 2);
    y += lane.size;
  }
  return { lanes, units: y };
}

// Posteriors of a system as curves over time, 0 outside windows.
function curvesOf(found) {
  if (!found.posteriors) return null;
  const x = [], rows = [];
  const add = (time, row) => { x.push(time / 1000); rows.push(row); };
  const { windows } = found;
  windows.forEach(([start, end], i) => {
    if (!i || start > windows[i - 1][1]) { // the first of a stretch of speech
      add(start - 1, -1);
      add(start, i);
    }
    add((start + end) / 2, i);
    if (i + 1 === windows.length || windows[i + 1][0] > end) {
      add(end, i);
      add(end + 1, -1);
    }
  });
  return { x, columns: found.posteriors.map((column) => rows.map((i) => (i < 0 ? 0 : column[i]))) };
}

// Marks of a time axis at round times, at most `most`.
function ticks(from, to, most) {
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400];
  const step = steps.find((s) => (to - from) / s <= most) ?? steps.at(-1);
  const values = [];
  for (let i = Math.ceil(from / step); i * step <= to; i++) values.push(i * step);
  return { tickvals: values, ticktext: values.map((v) => clock(v, step < 1 ? 1 : 0)) };
}

// A name of at most `most` characters; it keeps the end, which often distinguishes speakers.
function shorter(name, most) {
  const letters = [...name];
  const end = Math.floor((most - 1) / 2);
  return letters.length > most ? `${letters.slice(0, most - 1 - end).join("")}…${letters.slice(-end).join("")}` : name;
}

// The time axis, which stays in view, and above it the loudness.
class Ruler {
  constructor(box) {
    Object.assign(this, { box, canvas: box.querySelector("canvas"), marks: box.querySelector("#marks"), needle: box.querySelector("#needle") });
  }

  draw({ loudness }, [from, to], left, width, most) { // seconds; pixels of the plot below; marks at most
    Object.assign(this, { from, to, left, width });
    const { tickvals, ticktext } = ticks(from, to, most);
    this.marks.replaceChildren(...tickvals.map((value, i) => {
      const mark = document.createElement("span");
      mark.textContent = ticktext[i];
      mark.style.left = `${this.xOf(value)}px`;
      return mark;
    }));
    this.canvas.hidden = !loudness;
    if (loudness) this.strip(loudness);
  }

  xOf(time) { return this.left + ((time - this.from) / (this.to - this.from)) * this.width; }

  timeAt(clientX) {
    const share = (clientX - this.box.getBoundingClientRect().left - this.left) / this.width;
    return share < 0 || share > 1 ? null : this.from + share * (this.to - this.from);
  }

  strip({ step, levels }) { // for each pixel its highest level
    const { canvas, from, to, width } = this;
    const scale = window.devicePixelRatio || 1, height = canvas.clientHeight || 28;
    Object.assign(canvas.style, { left: `${this.left}px`, width: `${width}px` });
    Object.assign(canvas, { width: Math.round(width * scale), height: Math.round(height * scale) });
    const context = canvas.getContext("2d");
    context.fillStyle = colour("faint");
    const place = (pixel) => ((from + (pixel / canvas.width) * (to - from)) * 1000) / step;
    for (let pixel = 0; pixel < canvas.width; pixel++) {
      const first = Math.floor(place(pixel)), end = Math.max(first + 1, Math.floor(place(pixel + 1)));
      if (first >= levels.length) break;
      const high = (Math.max(0, ...levels.slice(Math.max(first, 0), end)) / 60) * canvas.height;
      context.fillRect(pixel, (canvas.height - high) / 2, 1, high);
    }
  }

  moveTo(time) {
    const x = this.xOf(time);
    this.needle.hidden = !(x >= this.left && x <= this.left + this.width);
    this.needle.style.left = `${x}px`;
  }
}

class Timeline {
  constructor(chart, head, ruler, seek) {
    Object.assign(this, { chart, head, ruler, seek, view: null, timer: null, time: 0 });
    this.listen();
  }

  show(view, systems, names) {
    const other = this.view !== view;
    Object.assign(this, { view, systems, ...lanesOf(view, systems, names) });
    if (other) this.range = [0, this.length];
    const doubtful = this.lanes.reduce((sum, { doubts }) => sum + (doubts?.length ?? 0), 0);
    this.chart.ariaLabel = doubtful ? `timeline; doubtful turns: ${doubtful}` : "timeline";
    this.curves = curvesOf(view.systems[systems[0]]);
    return this.draw();
  }

  get most() { return this.chart.clientWidth < 600 ? 5 : 12; } // marks of the time axis

  get length() { return Math.max(this.view.duration / 1000, 0.1); }

  traces() {
    const [from, to] = this.range;
    const margin = (to - from) / 2; // so that small moves show no edge
    const pixel = (to - from) / Math.max(this.chart.clientWidth, 300);
    const [a, b] = [from - margin, to + margin];
    const bars = this.lanes.filter((lane) => !lane.head).map((lane) => {
      const spans = seen(lane.spans, a, b, pixel);
      return {
        type: "bar", orientation: "h", xaxis: "x", yaxis: "y", width: lane.size * 0.8,
        base: spans.map((s) => s[0]), x: spans.map((s) => Math.max(s[1] - s[0], pixel)), y: spans.map(() => lane.y),
        marker: { color: lane.error ? colour(lane.error.replace(" ", "-")) : lane.colour, line: { width: 0 }, pattern: { shape: lane.hatch, fgcolor: colour("ink"), fillmode: "overlay", size: 6 } },
        text: spans.map((s) => `${escaped(lane.name)}<br>${clock(s[0], 2)} – ${clock(s[1], 2)}${s[2] > 1 ? ` (${s[2]} turns: zoom in)` : ""}`),
        textposition: "none", hovertemplate: "%{text}<extra></extra>",
      };
    });
    return [...bars, ...this.doubtTraces(a, b, pixel), ...this.posteriorTraces(a, b)];
  }

  doubtTraces(from, to, pixel) { // hollow, with a question mark, which is visible even for short turns
    return this.lanes.filter((lane) => lane.doubts?.length).flatMap((lane) => {
      const spans = lane.doubts.filter((s) => s[1] / 1000 >= from && s[0] / 1000 <= to).map(([a, b, , sure]) => [a / 1000, b / 1000, sure]);
      const marks = seen(lane.doubts, from, to, 9 * pixel);
      const axes = { xaxis: "x", yaxis: "y" };
      return [{
        type: "bar", orientation: "h", ...axes, width: lane.size * 0.7, base: spans.map((s) => s[0]), x: spans.map((s) => Math.max(s[1] - s[0], pixel)), y: spans.map(() => lane.y),
        marker: { color: colour("ground"), line: { width: 1.5, color: lane.colour }, pattern: { shape: lane.hatch, fgcolor: colour("ink"), fillmode: "overlay", size: 6 } },
        text: spans.map(([a, b, sure]) => `${escaped(lane.name)}<br>${clock(a, 2)} – ${clock(b, 2)}<br>doubtful: ${percent(sure)}`), textposition: "none", hovertemplate: "%{text}<extra></extra>",
      }, {
        type: "scatter", mode: "text", ...axes, name: "doubtful", x: marks.map((s) => (s[0] + s[1]) / 2), y: marks.map(() => lane.y), text: marks.map(() => "<b>?</b>"),
        textfont: { size: 13, color: colour("ink") }, hoverinfo: "skip",
      }];
    });
  }

  posteriorTraces(from, to) {
    if (!this.curves) return [];
    const { x, columns } = this.curves;
    const first = x.findIndex((t) => t >= from), end = x.findLastIndex((t) => t <= to) + 1;
    const stride = Math.max(1, Math.ceil((end - first) / 2000));
    const rows = [];
    for (let i = Math.max(first, 0); i < end; i += stride) rows.push(i);
    const found = this.view.systems[this.systems[0]];
    return columns.map((column, k) => {
      const place = found.speakers.indexOf(found.clusters[k]);
      const style = place < 0 ? NOBODYS : styleOf(found.places[place]);
      return {
        type: "scatter", mode: "lines", stackgroup: "p", name: escaped(found.clusters[k]), xaxis: "x", yaxis: "y2", line: { width: 0 },
        fillcolor: style.colour,
        ...(style.hatch && { fillpattern: { shape: style.hatch, bgcolor: style.colour, fgcolor: colour("ink"), fillmode: "replace", size: 6 } }),
        x: rows.map((i) => x[i]), y: rows.map((i) => column[i]), hovertemplate: "%{fullData.name}: %{y} %<extra></extra>",
      };
    });
  }

  layout() {
    const narrow = this.chart.clientWidth < 600;
    const lanes = this.units * LANE, below = this.curves ? POSTERIORS : 0;
    const margin = { l: narrow ? 90 : 150, r: 18, t: 6, b: 8 };
    const most = narrow ? 11 : 20;
    const label = ({ label, head }) => (head ? `<b>${escaped(shorter(label, most))}</b>` : escaped(shorter(label, most)));
    const part = below / (lanes + below);
    return {
      ...baseLayout(), barmode: "overlay", bargap: 0, margin, height: lanes + below + margin.t + margin.b,
      dragmode: "pan",
      xaxis: { range: [...this.range], tickvals: ticks(...this.range, this.most).tickvals, showticklabels: false, anchor: below ? "y2" : "y", gridcolor: colour("line"), zeroline: false },
      yaxis: { range: [-this.units, 0], domain: [part, 1], fixedrange: true, zeroline: false, showgrid: false, tickvals: this.lanes.map((lane) => lane.y), ticktext: this.lanes.map(label) },
      yaxis2: { domain: [0, Math.max(part - LANE / 2 / (lanes + below), 0)], range: [0, 100], fixedrange: true, zeroline: false, showgrid: false, tickvals: below ? [0, 100] : [], ticksuffix: " %", title: { text: below ? "posteriors" : "", font: { size: 11 }, standoff: 2 } },
    };
  }

  async draw() {
    const Plotly = await plotly();
    await drawChart(Plotly, this.chart, this.traces(), this.layout(), { doubleClick: false });
    if (!this.listening) {
      this.listening = true;
      this.chart.on("plotly_relayout", (change) => {
        if (change["xaxis.range[0]"] !== undefined) this.zoom(change["xaxis.range[0]"], change["xaxis.range[1]"]);
        else if (change.autosize) this.later();
      });
      this.chart.on("plotly_relayouting", () => this.place()); // while dragging
    }
    this.place();
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.draw().catch(complain), 60);
  }

  zoom(from, to) { // kept within the recording
    const span = Math.min(Math.max(to - from, 0.5), this.length);
    const start = Math.min(Math.max(from, 0), this.length - span);
    this.range = [start, start + span];
    this.later();
  }

  scale(factor, around = null) {
    const [from, to] = this.range;
    const inside = this.time >= from && this.time <= to;
    const fixed = around ?? (inside ? this.time : (from + to) / 2);
    this.zoom(fixed - (fixed - from) * factor, fixed + (to - fixed) * factor);
  }

  reveal(time) {
    const [from, to] = this.range, span = to - from;
    if (time < from || time > to) this.zoom(time - span * 0.1, time + span * 0.9);
  }

  moveTo(time) {
    this.time = time;
    this.placeHead();
  }

  place() {
    const { _fullLayout: layout } = this.chart;
    if (!layout) return;
    const { l, w } = layout._size;
    this.ruler.draw(this.view, layout.xaxis.range, l, w, this.most);
    this.placeHead();
  }

  placeHead() { // the playhead lies over the chart: moving it redraws nothing
    const { _fullLayout: layout } = this.chart;
    if (!layout) return;
    const { l, t, h, w } = layout._size;
    this.ruler.moveTo(this.time);
    const left = layout.xaxis.l2p(this.time);
    this.head.hidden = left < 0 || left > w;
    Object.assign(this.head.style, { left: `${l + left}px`, top: `${t}px`, height: `${h}px` });
  }

  timeAt(event) { // seconds below the pointer, null outside the chart
    const { _fullLayout: layout } = this.chart;
    if (!layout) return null;
    const box = this.chart.getBoundingClientRect(), { l, t, w, h } = layout._size;
    const [x, y] = [event.clientX - box.left - l, event.clientY - box.top - t];
    return x < 0 || x > w || y < 0 || y > h ? null : layout.xaxis.p2l(x);
  }

  listen() {
    let down = null;
    this.chart.addEventListener("pointerdown", (event) => { down = [event.clientX, event.clientY]; }, true);
    window.addEventListener("pointerup", (event) => {
      const still = down && Math.hypot(event.clientX - down[0], event.clientY - down[1]) < 4;
      const time = still && event.button === 0 ? this.timeAt(event) : null;
      down = null;
      if (time !== null) this.seek(Math.min(Math.max(time, 0), this.length));
    }, true);
    this.ruler.box.addEventListener("click", ({ clientX }) => {
      const time = this.ruler.timeAt(clientX);
      if (time !== null) this.seek(Math.min(Math.max(time, 0), this.length), true);
    });
    this.chart.addEventListener("wheel", (event) => {
      const time = event.ctrlKey ? this.timeAt(event) : null;
      if (time === null) return;
      event.preventDefault();
      this.scale(Math.exp(event.deltaY / 300), time);
    }, { passive: false });
  }
}
