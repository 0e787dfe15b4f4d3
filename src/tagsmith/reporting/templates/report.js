// A click on a column's head sorts its table; without this script it stays as sent.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sort(table, heads, column));
  });
}

function sort(table, heads, column) {
  const wasDescending = heads[column].ariaSort === "descending";
  // A body is sorted by itself; the row that names it has one cell, and stays.
  const bodies = [...table.tBodies].map((body) => {
    return [...body.rows].filter((row) => row.cells.length === heads.length);
  });
  const words = bodies.flat()[0]?.cells[column].dataset.value === undefined;
  const descending = heads[column].ariaSort ? !wasDescending : !words;
  const key = (row) => {
    const cell = row.cells[column];
    return words ? cell.textContent.trim() : parseFloat(cell.dataset.value);
  };
  const order = (a, b) => {
    const [x, y] = [key(a), key(b)];
    if (words) return x.localeCompare(y) * (descending ? -1 : 1);
    if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y); // no figure: last
    return (x - y) * (descending ? -1 : 1);
  };
  bodies.forEach((rows, body) => table.tBodies[body].append(...rows.sort(order)));
  heads.forEach((head) => head.removeAttribute("aria-sort"));
  heads[column].ariaSort = descending ? "descending" : "ascending";
}
