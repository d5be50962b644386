"use strict";
// The page of one recording: player, timeline, speaking time, latents.

const METHODS = { pca: "PCA", tsne: "t-SNE", umap: "UMAP" };
const NONE = "";

function fill(select, options, chosen) { // options: [[value, text]]
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value, false, value === chosen)));
}

class RecordingPage {
  constructor() {
    this.audio = element("audio");
    this.timeline = new Timeline(element("timeline"), element("playhead"), new Ruler(element("ruler")), (t) => this.seek(t, true));
    this.latents = new Latents(element("latents"), (t) => { this.seek(t, true); this.timeline.reveal(t); });
    this.turns = new Turns(element("turns"), (t) => { this.seek(t, true); this.timeline.reveal(t); }, () => this.draw().catch(complain));
    this.time = 0;
    this.opening = null; // the key being loaded
    this.listen();
  }

  get key() { return `${this.set}/${this.view.recording}`; }

  get query() { // of its address
    const query = new URLSearchParams();
    if (this.first !== this.there[0]) query.set("a", this.first);
    if (this.second !== NONE) query.set("b", this.second);
    if (this.time) query.set("t", this.time.toFixed(1));
    return query;
  }

  async open(set, recording, wanted = {}) { // a promise of whether it is shown in the end
    const key = `${set}/${recording}`;
    this.opening = key;
    document.body.ariaBusy = "true";
    const view = await viewOf(key).finally(() => { if (this.opening === key) document.body.ariaBusy = null; });
    if (this.opening !== key) return false; // another one was selected meanwhile
    const names = known.sets[set].systems;
    const there = Object.keys(names).filter((key) => key in view.systems);
    const kept = (key, otherwise) => (there.includes(key) ? key : otherwise);
    const first = kept(wanted.a, kept(element("first").value, there[0]));
    const second = kept(wanted.b, kept(element("second").value, NONE));
    const same = this.view === view;
    Object.assign(this, { set, view, names, there });
    element("name").textContent = recording;
    element("overview").hidden = true;
    element("recording").hidden = false;
    window.scrollTo(0, 0);
    element("name").focus({ preventScroll: true });
    if (!same) this.load(view);
    await this.choose(first, second);
    if (this.view !== view || this.opening !== key) return false;
    if (Number(wanted.t)) this.seek(Number(wanted.t), false);
    return true;
  }

  leave() {
    this.opening = document.body.ariaBusy = null;
    this.pause();
  }

  choose(first, second) { // the systems shown
    const { names, there } = this;
    Object.assign(this, { first, second: second === first ? NONE : second });
    fill(element("first"), there.map((key) => [key, names[key]]), this.first);
    fill(element("second"), [[NONE, "none"], ...there.filter((key) => key !== this.first).map((key) => [key, names[key]])], this.second);
    return this.draw();
  }

  load(view) { // the audio
    this.pause();
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = null;
    this.time = 0;
    element("file").value = "";
    if (view.sound) this.audio.src = this.url = URL.createObjectURL(new Blob([bytesOf(view.sound)], { type: "audio/mpeg" }));
    else if (view.audio) this.audio.src = view.audio;
    else this.audio.removeAttribute("src");
    element("other").hidden = Boolean(view.sound);
    element("sound").textContent = view.sound ? "audio in this page" : view.audio ? decodeURIComponent(view.audio) : "no audio file: choose one";
    this.moved();
  }

  async draw() {
    const systems = [this.first, this.second].filter((key) => key !== NONE);
    const found = this.view.systems[this.first];
    const offered = { several: known.sets[this.set].recordings.length > 1, systems: this.there.length > 1, errors: found.errors };
    for (const [what, there] of Object.entries(offered)) { // hide controls without effect
      for (const control of document.querySelectorAll(`.of-${what}`)) control.hidden = !there;
    }
    this.turns.show(this.view, found);
    element("talking").replaceChildren(this.talking(found));
    element("figures").textContent = this.figures(systems);
    element("legend").replaceChildren(...this.legend(systems));
    const inside = Object.keys(found.projections ?? {}).length > 0;
    element("inside").hidden = !inside;
    await Promise.all([this.timeline.show(this.view, systems, this.names), inside && this.drawInside(found)]);
    this.moved();
  }

  drawInside(found) {
    const kept = (select, options) => (options.includes(select.value) ? select.value : options[0]);
    const projections = Object.keys(found.projections);
    const sides = this.view.reference ? ["hypothesis", "reference"] : ["hypothesis"];
    fill(element("projection"), projections.map((key) => [key, METHODS[key]]), kept(element("projection"), projections));
    fill(element("colour"), sides.map((side) => [side, side]), kept(element("colour"), sides));
    element("steps").hidden = !found.history.length; // with one speaker there is no refinement
    return Promise.all([
      this.latents.show(this.view, found, element("projection").value, element("colour").value),
      found.history.length && showHistory(element("history"), found.history),
    ]);
  }

  figures(systems) { // without collar, with overlap
    const total = clock(this.view.duration / 1000);
    if (!this.view.reference) return total;
    const regions = this.view.regions ?? [[0, this.view.duration]];
    const inside = ([a, b]) => regions.reduce((sum, [c, d]) => sum + Math.max(0, Math.min(b, d) - Math.max(a, c)), 0);
    const speech = this.view.reference.turns.reduce((sum, turn) => sum + inside(turn), 0);
    const part = (key, kind) => this.view.systems[key].errors[kind].reduce((sum, [a, b, n]) => sum + (b - a) * n, 0);
    const percent = (x) => (speech ? `${((100 * x) / speech).toFixed(2)} %` : "-");
    const lines = systems.map((key) => {
      const parts = KINDS.slice(0, 3).map((kind) => [kind, part(key, kind)]);
      return `${this.names[key]}: DER ${percent(parts.reduce((sum, [, x]) => sum + x, 0))} (${parts.map(([kind, x]) => `${kind} ${percent(x)}`).join(", ")})`;
    });
    return [total, ...lines, "no collar, overlap scored"].join(" · ");
  }

  legend(systems) { // shared by all charts; lanes and bars have their names beside them
    const sides = systems.map((key) => this.view.systems[key]);
    const entries = [];
    const entry = (mark, text) => {
      const span = document.createElement("span");
      span.append(mark, text);
      entries.push(span);
    };
    if (sides[0].posteriors) {
      const names = []; // by place
      const add = (name, place) => { (names[place] ??= new Set()).add(name); };
      this.view.reference?.speakers.forEach(add);
      for (const side of sides) namesOf(side).forEach((name, i) => add(name, side.places[i]));
      names.forEach((there, place) => {
        const { cycle } = styleOf(place);
        entry(swatchOf(place), `${cycle ? `${SIGNS[cycle]} ` : ""}${[...there].join(" = ")}`);
      });
      entry(swatchOf(), "none of these, or several at once");
    }
    if (sides.some((side) => side.doubtful?.length)) {
      entry(doubtMark(), ` doubtful: the speaker is right with a probability below ${percent(this.view.doubtful)}`);
    }
    return entries;
  }

  talking(found) { // seconds of each speaker, the reference beside the speaker paired with it
    const seconds = (side, i) => side.turns.reduce((sum, [a, b, k]) => (k === i ? sum + b - a : sum), 0) / 1000;
    const times = found.speakers.map((_, i) => seconds(found, i));
    const there = this.view.reference;
    const expected = there ? there.speakers.map((_, i) => seconds(there, i)) : [];
    const longest = Math.max(...times, ...expected, 1e-3);
    const cell = (value, place) => ({ bar: (100 * value) / longest, ...styleOf(place), text: `${value.toFixed(1)} s` });
    if (!there) return tableOf(["speaker", "speaks"], namesOf(found).map((name, i) => [name, cell(times[i], found.places[i])]));
    const rows = there.speakers.map((name, i) => {
      const k = found.pairs.indexOf(name);
      return [name, cell(expected[i], i), k < 0 ? "-" : nameOf(found, k), k < 0 ? "-" : cell(times[k], found.places[k])];
    });
    namesOf(found).forEach((name, k) => {
      if (found.pairs[k] === null) rows.push(["-", "-", name, cell(times[k], found.places[k])]);
    });
    return tableOf(["reference", "speaks", this.names[this.first], "speaks"], rows);
  }

  seek(time, play) {
    this.time = Math.min(Math.max(time, 0), this.timeline.length);
    if (this.audio.src) this.audio.currentTime = this.time;
    this.moved();
    if (play && this.audio.src) this.play();
  }

  play() {
    if (!this.audio.src) return complain(new Error("no audio: choose the file of this recording"));
    if (this.time > this.audio.duration + 0.1) { // played from its end, it would start over
      this.pause();
      return complain(new Error(`the audio ends at ${clock(this.audio.duration, 1)}`));
    }
    this.audio.play().catch((error) => {
      if (error.name !== "AbortError") complain(new Error(`the browser cannot play ${element("sound").textContent}: choose another file`));
    });
  }

  pause() { this.audio.pause(); }

  toggle() { if (this.audio.paused) this.play(); else this.pause(); }

  moved() { // update everything that shows the position
    element("clock").textContent = clock(this.time, 1);
    this.timeline.moveTo(this.time);
    this.turns.moveTo(this.time);
    this.latents.moveTo(this.time).catch(complain);
  }

  tick() {
    if (this.audio.paused) return;
    this.time = this.audio.currentTime;
    this.timeline.reveal(this.time);
    this.moved();
    requestAnimationFrame(() => this.tick());
  }

  nextError() { // the next one of at least half a second, long enough to hear
    const errors = this.view.systems[this.first].errors;
    const found = errors && wrongs(errors).find(([a, b]) => b - a >= 500 && a / 1000 > this.time + 0.6);
    if (!found) return complain(new Error(errors ? "no later error of at least half a second" : "no reference: errors are unknown"));
    complain(null);
    this.seek(found[0] / 1000 - 0.5, false);
    this.timeline.reveal(this.time);
  }

  beside(step) { // the recording before or after this one
    const names = known.sets[this.set].recordings;
    const name = names[names.indexOf(this.view.recording) + step];
    if (name !== undefined) location.hash = `#${encodeURIComponent(`${this.set}/${name}`)}`;
  }

  listen() {
    const playing = (on) => {
      element("play").textContent = on ? "❚❚ pause" : "▶ play";
      element("play").setAttribute("aria-pressed", String(on));
    };
    this.audio.addEventListener("play", () => { playing(true); complain(null); this.tick(); });
    this.audio.addEventListener("pause", () => playing(false));
    this.audio.addEventListener("emptied", () => playing(false)); // another file: the first sends no 'pause'
    this.audio.addEventListener("loadedmetadata", () => { this.audio.currentTime = this.time; });
    element("file").addEventListener("change", ({ target }) => {
      if (!target.files.length) return;
      if (this.url) URL.revokeObjectURL(this.url);
      this.url = URL.createObjectURL(target.files[0]);
      this.audio.src = this.url;
      element("sound").textContent = target.files[0].name;
      complain(null);
    });
    const redraw = () => { if (this.view && !element("recording").hidden) this.draw().catch(complain); };
    for (const id of ["first", "second"]) {
      element(id).addEventListener("change", () => {
        this.choose(element("first").value, element("second").value).catch(complain);
        writeAddress();
      });
    }
    element("projection").addEventListener("change", redraw);
    element("colour").addEventListener("change", redraw);
    document.addEventListener("theme", redraw);
    let resizing = null; // narrow screens have panels below each other
    window.addEventListener("resize", () => {
      clearTimeout(resizing);
      resizing = setTimeout(redraw, 150);
    });
    element("play").addEventListener("click", () => this.toggle());
    element("in").addEventListener("click", () => this.timeline.scale(0.5));
    element("out").addEventListener("click", () => this.timeline.scale(2));
    element("whole").addEventListener("click", () => this.timeline.zoom(0, this.timeline.length));
    element("error").addEventListener("click", () => this.nextError());
    element("previous").addEventListener("click", () => this.beside(-1));
    element("next").addEventListener("click", () => this.beside(1));
  }
}
