"use strict";
// The address selects the view, and selections are written into it:
// #<set>/<recording>?a=<system>&b=<system>&t=<seconds>&protocol=<protocol>&system=<system>&system=<another>

const choice = new Choice();
const page = new RecordingPage();
const KEYS = {
  " ": () => page.toggle(),
  ArrowLeft: () => page.seek(page.time - 5, false),
  ArrowRight: () => page.seek(page.time + 5, false),
  "+": () => element("in").click(),
  "=": () => element("in").click(),
  "-": () => element("out").click(),
  0: () => element("whole").click(),
  e: () => page.nextError(),
  n: () => page.beside(1),
  p: () => page.beside(-1),
  Escape: () => { location.hash = hashOf(encodeURIComponent(page.set), choice.query); },
};

const hashOf = (path, query) => (query.size ? `#${path}?${query}` : `#${path}`);

function writeAddress() { // of the current view, so that links can share it
  const there = !element("recording").hidden;
  const path = there ? encodeURIComponent(page.key) : location.hash.slice(1).split("?")[0];
  const query = there ? page.query : new URLSearchParams();
  for (const [key, value] of choice.query) query.append(key, value);
  const hash = hashOf(path, query);
  if (hash !== (location.hash || "#")) history.replaceState(history.state, "", hash);
}

async function route() {
  const [path, text] = location.hash.slice(1).split("?");
  const query = new URLSearchParams(text);
  const name = decodeURIComponent(path);
  const set = Object.keys(known.sets).find((s) => name.startsWith(`${s}/`) && known.sets[s].recordings.includes(name.slice(s.length + 1)));
  const all = Object.entries(known.sets).flatMap(([s, { recordings }]) => recordings.map((r) => `${s}/${r}`));
  if (!name && all.length === 1) return location.replace(`#${encodeURIComponent(all[0])}`); // nothing to choose
  complain(null);
  choice.read(query);
  if (!set) overview(name);
  else if (!await page.open(set, name.slice(set.length + 1), Object.fromEntries(query))) return; // another one is being opened
  writeAddress();
}

function overview(name) { // all sets, at the recording last viewed, or else at the set
  page.leave();
  const link = element("recording").hidden ? null : [...document.querySelectorAll("#overview tbody a")].find((a) => decodeURIComponent(a.hash.slice(1).split("?")[0]) === page.key);
  element("overview").hidden = false;
  element("recording").hidden = true;
  if (link && (!name || name === page.set)) link.focus();
  else element(`set:${name}`)?.scrollIntoView();
  if (name && !(name in known.sets)) complain(new Error(`${name}: there is no such set or recording in this page`));
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  if (event.key === "d") element("theme").click();
  const pressed = event.key === " " && event.target.tagName === "BUTTON";
  const action = KEYS[event.key];
  if (!action || pressed || element("recording").hidden) return;
  event.preventDefault();
  action();
});
window.addEventListener("hashchange", () => route().catch(complain));
route().catch(complain);
