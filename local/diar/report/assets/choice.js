"use strict";
// The systems and the protocol shown. They apply to all tables, and the addresses of all links.

class Choice {
  constructor() {
    this.menu = element("protocol"); // null if nothing is scored
    this.boxes = [...document.querySelectorAll("#systems input")];
    this.menu?.addEventListener("change", () => this.changed());
    for (const box of this.boxes) {
      box.addEventListener("change", () => {
        if (!this.systems.length) box.checked = true; // a table without systems shows nothing
        this.changed();
      });
    }
    document.addEventListener("click", ({ target }) => { // a click elsewhere closes a menu
      for (const menu of document.querySelectorAll("details.menu[open]")) menu.open = menu.contains(target);
    });
    document.addEventListener("keydown", ({ key }) => {
      const menu = key === "Escape" && document.querySelector("details.menu[open]");
      if (!menu) return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  }

  get systems() { return this.boxes.filter((box) => box.checked).map((box) => box.value); }

  get query() { // differences from the default
    const query = new URLSearchParams();
    if (this.menu && this.menu.value !== known.protocol) query.set("protocol", this.menu.value);
    const { systems } = this;
    if (systems.length < this.boxes.length) systems.forEach((system) => query.append("system", system));
    return query;
  }

  read(query) { // apply an address; selections that it lacks do not change
    if (!this.menu) return;
    const protocol = query.get("protocol");
    if ([...this.menu.options].some(({ value }) => value === protocol)) this.menu.value = protocol;
    const systems = query.getAll("system").filter((system) => this.boxes.some(({ value }) => value === system));
    if (systems.length) this.boxes.forEach((box) => { box.checked = systems.includes(box.value); });
    this.apply();
  }

  changed() {
    this.apply();
    writeAddress();
  }

  apply() {
    const systems = new Set(this.systems);
    const shows = (protocol, { dataset }) => (!dataset.protocol || dataset.protocol === protocol) && (!dataset.system || systems.has(dataset.system));
    for (const table of document.querySelectorAll("#overview table")) {
      const { protocols } = known.sets[table.closest("[data-set]")?.dataset.set] ?? {};
      const protocol = protocols?.includes(this.menu.value) === false ? protocols.at(-1) : this.menu.value;
      table.hidden = !shows(protocol, table);
      const there = [...(table.tHead?.rows[0].cells ?? [])].map((heading) => shows(protocol, heading));
      for (const row of table.rows) {
        row.hidden = !shows(protocol, row);
        [...row.cells].forEach((cell, i) => { cell.hidden = !there[i]; });
      }
    }
    element("how-many").textContent = systems.size === this.boxes.length ? "all" : `${systems.size} of ${this.boxes.length}`;
    const query = this.query.toString();
    for (const link of document.querySelectorAll("a[href^='#']")) {
      const [path] = link.getAttribute("href").split("?");
      link.setAttribute("href", query ? `${path}?${query}` : path);
    }
  }
}
