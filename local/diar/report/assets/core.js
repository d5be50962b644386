"use strict";
// Shared by all views: compressed data in the page, colours, times.

const known = JSON.parse(document.getElementById("known").textContent);
const element = (id) => document.getElementById(id);
const waiting = new Map(); // for recordings in their own files: key -> their receiver
const last = { key: null, view: null }; // only the latest recording is kept: a long one is large
let library = null;

const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

async function unpacked(base64) {
  if (!window.DecompressionStream) throw new Error("this browser is too old: it has no DecompressionStream");
  const stream = new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

function receive(key, data) { // called by the files beside the page
  waiting.get(key)?.(data);
}

function packedOf(key) {
  const inline = element(`data:${key}`);
  if (inline) return Promise.resolve(inline.textContent);
  const script = document.createElement("script");
  return new Promise((resolve, reject) => {
    waiting.set(key, resolve);
    script.src = known.files[key];
    script.onerror = () => reject(new Error(`${known.files[key]} is missing: put it beside this page`));
    document.head.append(script);
  }).finally(() => {
    script.remove();
    waiting.delete(key);
  });
}

function viewOf(key) { // a promise of a recording
  if (last.key !== key) Object.assign(last, { key, view: packedOf(key).then(unpacked).then(JSON.parse) });
  const { view } = last;
  view.catch(() => { if (last.view === view) last.key = null; }); // so that the next attempt loads it again
  return view;
}

function plotly() { // unpacked for the first chart
  library ??= unpacked(element("plotly").textContent).then((text) => {
    const script = document.createElement("script");
    script.textContent = text;
    document.head.append(script);
    return window.Plotly;
  });
  return library;
}

function complain(error) {
  element("alert").textContent = error ? error.message : "";
  element("alert").hidden = !error;
}

const NOBODYS = { colour: "#999999", hatch: "", cycle: 0 }; // the style without a speaker

function styleOf(place) {
  const cycle = Math.floor(place / known.palette.length) % known.hatches.length;
  return { colour: known.palette[place % known.palette.length], hatch: known.hatches[cycle], cycle };
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

const percent = (share) => `${Math.round(100 * share)} %`;

function clock(seconds, decimals = 0) { // h:mm:ss, m:ss below an hour
  const scale = 10 ** decimals;
  const all = Math.round(seconds * scale);
  const [hours, minutes] = [Math.floor(all / scale / 3600), Math.floor(all / scale / 60) % 60];
  const rest = ((all % (60 * scale)) / scale).toFixed(decimals).padStart(decimals ? 3 + decimals : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

function chosenTheme() {
  try { return localStorage.getItem("theme"); } catch { return null; }
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  document.dispatchEvent(new Event("theme"));
}

const darkness = window.matchMedia("(prefers-color-scheme: dark)");
setTheme(chosenTheme() ?? (darkness.matches ? "dark" : "light"));
darkness.addEventListener("change", () => chosenTheme() ?? setTheme(darkness.matches ? "dark" : "light"));
element("theme").addEventListener("click", () => {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  try { localStorage.setItem("theme", theme); } catch { /* storage may be forbidden */ }
  setTheme(theme);
});

const baseLayout = () => ({
  paper_bgcolor: colour("ground"),
  plot_bgcolor: colour("ground"),
  font: { color: colour("ink"), size: 12 },
  hovermode: "closest",
  hoverlabel: { namelength: -1 },
  showlegend: false,
});

const escaped = (text) => text.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]); // Plotly reads tags

async function drawChart(Plotly, chart, traces, layout, config = {}) {
  await Plotly.react(chart, traces, layout, { responsive: true, displayModeBar: false, ...config });
  const drawn = chart.querySelector(".main-svg")?.getBoundingClientRect().width;
  const there = chart.clientWidth; // the window may have changed while the chart was hidden
  if (drawn && there && Math.abs(drawn - there) > 1) await Plotly.Plots.resize(chart);
}
