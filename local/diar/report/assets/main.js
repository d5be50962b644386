"use strict";
// Which view is shown follows the address: #<set>/<recording>?a=<system>&b=<system>&t=<seconds>

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
  Escape: () => { location.hash = `#${encodeURIComponent(page.set)}`; },
};

async function route() {
  const [path, query] = location.hash.slice(1).split("?");
  const name = decodeURIComponent(path);
  const set = Object.keys(known.sets).find((s) => name.startsWith(`${s}/`) && known.sets[s].recordings.includes(name.slice(s.length + 1)));
  const all = Object.entries(known.sets).flatMap(([s, { recordings }]) => recordings.map((r) => `${s}/${r}`));
  if (!name && all.length === 1) return location.replace(`#${encodeURIComponent(all[0])}`); // nothing to choose
  complain(null);
  if (!set) return overview(name);
  await page.open(set, name.slice(set.length + 1), Object.fromEntries(new URLSearchParams(query)));
}

function overview(name) { // all sets, at the recording that was looked at, or else at the set
  page.leave();
  const link = element("recording").hidden ? null : [...document.querySelectorAll("#overview tbody a")].find((a) => decodeURIComponent(a.hash.slice(1)) === page.key);
  element("overview").hidden = false;
  element("recording").hidden = true;
  if (link && (!name || name === page.set)) link.focus();
  else element(`set:${name}`)?.scrollIntoView();
  if (name && !(name in known.sets)) complain(new Error(`${name}: there is nothing of this name in the page`));
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
