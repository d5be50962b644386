"use strict";
// Latents in two dimensions before and after the refinement, and its history.

const SYMBOLS = ["circle", "square", "diamond", "cross", "x"]; // one for each hatch
const SIGNS = ["●", "■", "◆", "✚", "✖"]; // of these, in the legend
const NOBODY = "nobody";

// Who speaks in the middle of each window, by these turns: a speaker, NOBODY, or "overlap".
function heard(windows, side) {
  return windows.map(([start, end]) => {
    const middle = (start + end) / 2;
    const there = side.turns.filter(([a, b]) => a <= middle && middle < b).map((turn) => turn[2]);
    if (!there.length) return NOBODY;
    return there.length > 1 ? "overlap" : side.speakers[there[0]];
  });
}

// The label of each projected window, and the style of each label.
function labelled(view, found, by) {
  const windows = found.rows.map((i) => found.windows[i]);
  const side = by === "reference" ? view.reference : found;
  const places = by === "reference" ? side.speakers.map((_, i) => i) : found.places;
  const labels = by === "reference" ? heard(windows, side) : found.rows.map((i) => {
    const column = found.posteriors.map((c) => c[i]);
    return found.clusters[column.indexOf(Math.max(...column))];
  });
  const style = (label) => {
    const place = side.speakers.indexOf(label);
    if (place < 0) return { color: NOBODYS.colour, symbol: "circle-open", size: 5 };
    const { colour, cycle } = styleOf(places[place]);
    return { color: colour, symbol: SYMBOLS[cycle], size: 6 };
  };
  return { windows, labels, style };
}

class Latents {
  constructor(chart, seek) {
    Object.assign(this, { chart, seek, shown: null });
  }

  async show(view, found, projection, by) {
    const Plotly = await plotly();
    const { windows, labels, style } = labelled(view, found, by);
    const panels = found.projections[projection];
    const times = windows.map(([start]) => start / 1000);
    const traces = [];
    for (const label of [...new Set(labels)].sort((a, b) => a.localeCompare(b, undefined, { numeric: true }))) {
      const rows = labels.flatMap((other, i) => (other === label ? [i] : []));
      panels.forEach(([x, y], panel) => traces.push({
        type: "scatter", mode: "markers", name: escaped(label), marker: { ...style(label), opacity: 0.85, line: { width: 0.5, color: colour("ground") } },
        x: rows.map((i) => x[i]), y: rows.map((i) => y[i]), customdata: rows.map((i) => times[i]),
        text: rows.map((i) => clock(times[i], 1)), hovertemplate: "%{text}<extra>%{fullData.name}</extra>",
        xaxis: panel ? "x2" : "x", yaxis: panel ? "y2" : "y",
      }));
    }
    const ring = (panel) => ({
      type: "scatter", mode: "markers", x: [], y: [], hoverinfo: "skip", xaxis: panel ? "x2" : "x", yaxis: panel ? "y2" : "y",
      marker: { symbol: "circle-open", size: 16, color: "#dd0000", line: { width: 3 } },
    });
    this.shown = { panels, times, rings: [traces.length, traces.length + 1], row: -1 };
    await drawChart(Plotly, this.chart, [...traces, ring(0), ring(1)], this.layout());
    if (!this.listening) {
      this.listening = true;
      this.chart.on("plotly_click", ({ points }) => {
        if (points[0]?.customdata !== undefined) this.seek(points[0].customdata);
      });
    }
  }

  layout() {
    const narrow = this.chart.clientWidth < 600;
    const axis = (anchor, title, domain) => ({ domain, anchor, showticklabels: false, zeroline: false, gridcolor: colour("line"), title: { text: title, standoff: 4 } });
    const across = [[0, narrow ? 1 : 0.49], [narrow ? 0 : 0.51, 1]];
    const up = narrow ? [[0.54, 1], [0, 0.46]] : [[0, 1], [0, 1]];
    return {
      ...baseLayout(), height: narrow ? 760 : 440, margin: { l: 10, r: 10, t: 10, b: 40 },
      xaxis: axis("y", "before", across[0]), xaxis2: axis("y2", "after", across[1]),
      yaxis: { ...axis("x", "", up[0]), scaleanchor: "x" }, yaxis2: { ...axis("x2", "", up[1]), scaleanchor: "x2" },
    };
  }

  async moveTo(time) { // move the ring to the window being played
    if (!this.shown?.times.length || !this.chart._fullLayout) return;
    const { times, panels, rings } = this.shown;
    const after = times.findIndex((t) => t > time);
    const row = Math.max((after < 0 ? times.length : after) - 1, 0);
    if (row === this.shown.row) return;
    this.shown.row = row;
    const Plotly = await plotly();
    await Plotly.restyle(this.chart, { x: panels.map(([x]) => [x[row]]), y: panels.map(([, y]) => [y[row]]) }, rings);
  }
}

async function showHistory(chart, history) {
  const Plotly = await plotly();
  const steps = history.map((_, i) => i + 1);
  const line = (column, name, rest) => ({ type: "scatter", mode: "lines+markers", marker: { size: 4 }, connectgaps: false, name, x: steps, y: history.map((step) => step[column]), ...rest });
  const decided = history.map(([loss, changed]) => (loss === null ? 100 * changed : null));
  const refined = history.map(([loss, changed]) => (loss === null || changed === null ? null : 100 * changed));
  const traces = [
    line(0, "loss", { line: { color: known.palette[0] } }),
    line(1, "labels changed by a step, %", { y: refined, yaxis: "y2", line: { color: known.palette[1], dash: "dot" } }),
    line(1, "labels changed by the model of time, %", { y: decided, yaxis: "y2", mode: "markers", marker: { color: known.palette[5], symbol: "diamond", size: 10 } }),
  ].filter((trace) => trace.y.some((value) => value !== null));
  const layout = {
    ...baseLayout(), height: 280, margin: { l: 60, r: 60, t: 10, b: 40 },
    xaxis: { title: { text: "step" }, gridcolor: colour("line"), zeroline: false },
    yaxis: { title: { text: "loss (——)" }, gridcolor: colour("line"), zeroline: false },
    yaxis2: { title: { text: "labels changed, %:<br>by a step (·····), by the model of time (◆)", font: { size: 11 } }, overlaying: "y", side: "right", tickmode: "auto", nticks: 5, range: [0, Math.max(5, ...history.map(([, changed]) => 105 * (changed ?? 0)))], showgrid: false },
  };
  await drawChart(Plotly, chart, traces, layout);
}
