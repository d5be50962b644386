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
  element("overview").hidden = Boolean(set);
  element("recording").hidden = !set;
  if (!set) {
    page.pause();
    element(`set:${name}`)?.scrollIntoView();
    return;
  }
  window.scrollTo(0, 0);
  await page.open(set, name.slice(set.length + 1), Object.fromEntries(new URLSearchParams(query)));
  element("name").focus({ preventScroll: true });
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
