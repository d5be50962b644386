"use strict";
// Tables sorted by a click on a heading: first ascending, then descending.

function sortTable(table, column, descending) {
  const rows = [...table.tBodies[0].rows];
  const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
  rows.sort((one, other) => {
    const [a, b] = [value(one), value(other)];
    if ((a === "-") !== (b === "-")) return a === "-" ? 1 : -1; // missing figures come last
    const number = a - b;
    const order = Number.isNaN(number) ? a.localeCompare(b, undefined, { numeric: true }) : number;
    return descending ? -order : order;
  });
  table.tBodies[0].append(...rows);
  [...table.tHead.rows[0].cells].forEach((cell, i) => {
    if (i === column) cell.setAttribute("aria-sort", descending ? "descending" : "ascending");
    else cell.removeAttribute("aria-sort");
  });
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((cell, column) => {
    cell.querySelector("button").addEventListener("click", () => {
      sortTable(table, column, cell.getAttribute("aria-sort") === "ascending");
    });
  });
}

// A table of text, numbers and bars: header [text], rows [[text, or {bar: percent, colour, cycle, text}]].
function tableOf(header, rows) {
  const table = document.createElement("table");
  const add = (row, tag, content) => {
    const cell = document.createElement(tag);
    if (content?.bar === undefined) cell.textContent = content;
    else {
      const bar = document.createElement("span");
      const inner = document.createElement("i");
      bar.className = "bar";
      inner.className = `hatch-${content.cycle}`;
      inner.style.cssText = `width:${content.bar}%;background-color:${content.colour}`;
      bar.append(inner);
      const amount = document.createElement("span");
      amount.className = "amount";
      amount.textContent = content.text;
      cell.append(bar, amount);
    }
    row.append(cell);
  };
  const head = table.createTHead().insertRow();
  header.forEach((text) => add(head, "th", text));
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    row.forEach((content, i) => add(line, i ? "td" : "th", content));
  }
  return table;
}
