"use strict";
// The turns of a system as a list, editable names of its speakers, and files with both.

const UNKNOWN = "unknown";
const seconds = (ms) => (ms / 1000).toFixed(3);
const namesOf = (found) => { found.names ??= [...found.speakers]; return found.names; };
const nameOf = (found, i) => namesOf(found)[i] ?? UNKNOWN;
const listed = (found) => found.spoken ?? found.turns.map(([start, end, i]) => [start, end, i, ""]);
const doubtsOf = (found) => (found.doubtful ?? []).map((place) => [...found.turns[place], found.sure[place]]);

// The lowest confidence of the doubtful turns of a speaker within a time span, undefined if there is none.
function doubt(doubts, [start, end, speaker]) {
  const there = doubts.filter(([a, b, who]) => who === speaker && a < end && start < b);
  return there.length ? Math.min(...there.map((turn) => turn[3])) : undefined;
}

const SAVED = { // as local/export.py and local/assign_words.py write them
  rttm: (view, found) => found.turns
    .map(([start, end, i], k) => `SPEAKER ${view.recording} 1 ${seconds(start)} ${seconds(end - start)} <NA> <NA> ${nameOf(found, i).split(/\s+/).join("_")} ${found.sure?.[k]?.toFixed(3) ?? "<NA>"} <NA>\n`).join(""),
  srt: (view, found) => {
    const stamp = (ms) => [3600000, 60000, 1000].map((unit, i) => String(Math.floor(ms / unit) % (i ? 60 : Infinity)).padStart(2, "0")).join(":") + `,${String(ms % 1000).padStart(3, "0")}`;
    return listed(found).map(([start, end, i, text], k) => `${k + 1}\n${stamp(start)} --> ${stamp(end)}\n${nameOf(found, i)}${text && `: ${text}`}\n`).join("\n");
  },
  csv: (view, found) => {
    const field = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const rows = listed(found).map(([start, end, i, text]) => [view.recording, seconds(start), seconds(end), seconds(end - start), nameOf(found, i), ...(found.spoken ? [text] : [])]);
    return [["recording", "start", "end", "duration", "speaker", ...(found.spoken ? ["text"] : [])], ...rows].map((row) => `${row.map(field).join(",")}\r\n`).join("");
  },
};

function swatchOf(place) { // grey without a place
  const { colour, cycle } = place === undefined ? NOBODYS : styleOf(place);
  const swatch = document.createElement("i");
  swatch.className = `swatch hatch-${cycle}`;
  swatch.style.backgroundColor = colour;
  return swatch;
}

function doubtMark(sure) { // shown as '? 43 %', read as 'doubtful: 43 %'; in the legend, '?' alone
  const made = (properties) => Object.assign(document.createElement("span"), properties);
  const mark = made({ className: "doubt" });
  mark.append(made({ textContent: "?", ariaHidden: "true" }));
  if (sure !== undefined) mark.append(made({ className: "unseen", textContent: " doubtful:" }), ` ${percent(sure)}`);
  return mark;
}

class Turns {
  constructor(box, seek, renamed) {
    Object.assign(this, { box, seek, renamed, rows: [], row: null });
    this.names = box.querySelector("#names");
    this.list = box.querySelector("#turn-list");
    box.addEventListener("toggle", () => this.fill());
    for (const [kind, text] of Object.entries(SAVED)) {
      element(`save-${kind}`).addEventListener("click", () => this.save(kind, text(this.view, this.found)));
    }
  }

  show(view, found) {
    if (this.view !== view) this.box.open = !view.reference || Boolean(found.spoken); // then readers want the result, not its errors
    Object.assign(this, { view, found });
    this.fill();
  }

  fill() { // a long recording has many: they are drawn only if the list is open
    Object.assign(this, { rows: [], row: null });
    this.list.replaceChildren();
    this.names.replaceChildren();
    if (!this.box.open || !this.view) return;
    this.names.append(...this.found.speakers.map((_, i) => this.field(i)));
    const table = document.createElement("table");
    const head = table.createTHead().insertRow();
    for (const text of ["from", "to", "speaker", ...(this.found.spoken ? ["says"] : [])]) {
      head.append(Object.assign(document.createElement("th"), { textContent: text, scope: "col" }));
    }
    const body = table.createTBody();
    const doubts = doubtsOf(this.found);
    this.rows = listed(this.found).map((turn) => this.line(body.insertRow(), turn, doubt(doubts, turn)));
    this.list.append(table);
  }

  field(i) {
    const label = document.createElement("label"), input = document.createElement("input");
    Object.assign(input, { value: nameOf(this.found, i), ariaLabel: `name of ${this.found.speakers[i]}`, size: 14 });
    input.addEventListener("change", () => {
      const name = input.value.replace(/\s+/g, " ").trim();
      if (name) namesOf(this.found)[i] = name; // an empty one keeps the former name
      input.value = nameOf(this.found, i);
      for (const row of this.rows) row.who.data = nameOf(this.found, row.speaker);
      this.renamed();
    });
    label.append(swatchOf(this.found.places[i]), input);
    return label;
  }

  line(element, [start, end, speaker, text], sure) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: `▶ ${clock(start / 1000, 1)}` });
    button.setAttribute("aria-label", `play from ${clock(start / 1000, 1)}`);
    const who = document.createTextNode(nameOf(this.found, speaker));
    element.insertCell().append(button);
    element.insertCell().append(clock(end / 1000, 1));
    const cell = element.insertCell();
    cell.append(swatchOf(this.found.places[speaker]), who);
    if (sure !== undefined) cell.append(doubtMark(sure));
    if (this.found.spoken) element.insertCell().append(text);
    element.addEventListener("click", () => { if (!String(getSelection())) this.seek(start / 1000); }); // not while text is selected
    return { start, end, speaker, who, element };
  }

  moveTo(time) { // mark the current turn
    const row = this.rows.findLast(({ start, end }) => start <= 1000 * time && 1000 * time < end) ?? null;
    if (row === this.row) return;
    this.row?.element.removeAttribute("aria-current");
    row?.element.setAttribute("aria-current", "true");
    this.row = row;
    if (!row) return;
    const { offsetTop: top, offsetHeight: height } = row.element, { list } = this;
    if (top < list.scrollTop || top + height > list.scrollTop + list.clientHeight) list.scrollTop = top - list.clientHeight / 3;
  }

  save(kind, text) {
    const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    Object.assign(document.createElement("a"), { href: url, download: `${this.view.recording}.${kind}` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }
}
