// Grids of numbers in the panel: tables one can walk through with the arrow keys.

let TABLES = []; // those of this step: {card, which, grid, cells, send}
const CELLS = new WeakMap(); // <td> -> {table, i, j}

// A heading and the grid under it; `which` is "value", "gradient" or "send3".
function gridWithHeading(heading, card, which, grid, send = null) {
  const part = make("section", `numbers ${grid?.palette ?? ""}`);
  const title = make("h3", "", heading);
  part.append(title);
  if (!grid) {
    part.append(make("p", "none", "–"));
    return part;
  }
  const power = make("span", "power", timesTen(grid.power));
  title.append(power);
  part.append(tableOf({ card, which, grid, send, power, cells: [], label: heading }));
  return part;
}

const whereOf = (grid, i, j) => `row ${grid.rows[i]}, column ${grid.columns[j]}`;

function tableOf(table) {
  const { card, grid } = table;
  const size = (table.size = cellsFor(card, grid));
  const element = (table.element = make("table", size));
  element.setAttribute("role", "grid");
  element.setAttribute("aria-label", table.label);
  if (grid.shape.length) element.append(columnNumbers(card, grid));
  const body = make("tbody");
  const largest = largestOf(grid);
  grid.numbers.forEach((numbers, i) => {
    if (jumps(grid.rows, i)) body.append(skippedRow(grid));
    const line = make("tr");
    line.append(rowHeading(card, grid, i));
    table.cells.push(
      numbers.map((v, j) => {
        if (jumps(grid.columns, j)) line.append(make("td", "skip", "⋯"));
        const cell = cellOf(v, grid, largest, size);
        cell.tabIndex = i === 0 && j === 0 ? 0 : -1;
        cell.setAttribute("aria-label", `${whereOf(grid, i, j)}: ${exact(v)}`);
        CELLS.set(cell, { table, i, j });
        line.append(cell);
        return cell;
      }),
    );
    body.append(line);
  });
  element.append(body);
  table.shown = grid.numbers.map((line) => [...line]);
  TABLES.push(table);
  const frame = make("div", "scroll"); // a wide table scrolls, not the page
  frame.append(element);
  frame.addEventListener("scroll", () => markMore(frame));
  SCROLLING.observe(frame);
  return frame;
}

// How large the cells are: as large as the panel has room for.
function cellsFor(card, grid) {
  const room = columnWidth(EXPLANATION);
  const labels = grid.rows.map((_, i) => {
    const { token, index } = rowLabel(card, grid, i);
    return 7.3 * Array.from(token).length + 6.1 * Math.min(index.length, 16) + (token ? 8 : 0);
  });
  const skips = grid.columns.filter((_, j) => jumps(grid.columns, j)).length;
  const left = room - Math.max(0, ...labels) - 12 - 18 * skips;
  const across = grid.columns.length;
  if (across * CELL.large <= left) return "large";
  return across * CELL.middle <= left || across <= 18 ? "middle" : "small";
}

const CELL = { large: 42, middle: 30 }; // px, as in panel.css

function columnWidth(element) {
  const { paddingLeft, paddingRight, columnCount, columnGap } = getComputedStyle(element);
  const inner = element.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
  const count = Number(columnCount) || 1;
  return (inner - (count - 1) * (parseFloat(columnGap) || 0)) / count;
}

// A table that goes on to the right fades there.
function markMore(frame) {
  frame.classList.toggle("wide", frame.scrollWidth > frame.clientWidth + 1);
  frame.classList.toggle("more", frame.scrollLeft + frame.clientWidth < frame.scrollWidth - 1);
}

const SCROLLING = new ResizeObserver((frames) => {
  for (const { target } of frames) markMore(target);
});

function cellOf(v, grid, largest, size) {
  const cell = make("td", "cell");
  cell.setAttribute("role", "gridcell");
  dress(cell, v, grid, largest, size);
  return cell;
}

// A cell's text and colours.
function dress(cell, v, grid, largest, size) {
  cell.textContent = size === "small" ? "" : inCell(v, grid);
  const { fill, ink } = colourIn(grid, v, largest);
  cell.style.backgroundColor = fill;
  cell.style.color = ink;
}

// Brings the tables of the panel to what their grids have now. Returns the cells that
// have another number.
function refreshTables() {
  const other = [];
  for (const table of TABLES) {
    const { grid, cells, size, power, shown } = table;
    const largest = largestOf(grid);
    const look = [largest, grid.power, looksBack()].join();
    const anew = look !== table.look; // then all cells look different
    table.look = look;
    power.textContent = timesTen(grid.power);
    cells.forEach((line, i) => {
      line.forEach((cell, j) => {
        const v = grid.numbers[i][j];
        const same = v === shown[i][j];
        if (same && !anew) return;
        if (!same) other.push(cell);
        shown[i][j] = v;
        dress(cell, v, grid, largest, size);
        showGhost(table, i, j);
      });
    });
  }
  return other;
}

// What changed has a mark for a moment, or if nothing is to move until the next change. (An
// animation of so many cells would take a phone's time in each frame.)
const FLASH = 700; // ms
const STILL = matchMedia("(prefers-reduced-motion: reduce)");
let flashing = 0;

function flash(elements) {
  clearTimeout(flashing);
  const marked = new Set(elements);
  for (const old of document.querySelectorAll(".changed")) {
    if (!marked.has(old)) old.classList.remove("changed");
  }
  for (const element of marked) element.classList.add("changed");
  if (marked.size && !STILL.matches) flashing = setTimeout(flash, FLASH, []);
}

// Attention has tokens on both axes.
function columnHeading(card, grid, column) {
  if (!card.keys) return make("th", "", String(column));
  const letters = 5;
  const heading = make("th", "key", inline(tokenAt(column, 0), letters));
  Object.assign(heading.dataset, { token: `${column},0`, letters });
  return heading;
}

function columnNumbers(card, grid) {
  const head = make("thead");
  const line = make("tr");
  line.append(make("td"));
  grid.columns.forEach((column, j) => {
    if (jumps(grid.columns, j)) line.append(make("td"));
    line.append(columnHeading(card, grid, column));
  });
  head.append(line);
  return head;
}

function rowHeading(card, grid, i) {
  const heading = make("th");
  heading.scope = "row";
  const { token, index, at, sample } = rowLabel(card, grid, i);
  if (token) {
    const name = make("span", "token", token);
    Object.assign(name.dataset, { token: `${at},${sample}`, letters: 12 });
    heading.append(name, " ");
  }
  heading.append(make("span", "index", clipped(index, 16)));
  return heading;
}

function skippedRow(grid) {
  const line = make("tr");
  const extra = grid.columns.filter((_, j) => jumps(grid.columns, j)).length;
  const cell = make("td", "skip", "⋮");
  cell.colSpan = grid.columns.length + extra;
  line.append(make("td"), cell);
  return line;
}

// Lights the cells that a pointed-at number was made from, wherever the panel has them.
function lightTables(lights) {
  for (const table of TABLES) {
    const hot = lights.filter((l) => l.card === table.card.id && l.which === table.which);
    table.cells.forEach((cells, i) => {
      cells.forEach((cell, j) => {
        const hits = hot.filter(
          ({ row = null, column = null }) =>
            (row === null || row === table.grid.rows[i]) &&
            (column === null || column === table.grid.columns[j]),
        );
        cell.classList.toggle("lit", hits.length > 0);
        cell.classList.toggle("own", hits.some((light) => light.own));
      });
    });
  }
}

// Arrow keys walk from cell to cell; only one cell of a grid is a stop for Tab.
function walk(event) {
  const at = CELLS.get(event.target);
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const ends = { Home: 0, End: -1 };
  if (!at || event.ctrlKey || event.metaKey || event.altKey) return;
  const { cells } = at.table;
  let next;
  if (event.key in moves) {
    const [down, right] = moves[event.key];
    next = cells[at.i + down]?.[at.j + right];
  } else if (event.key in ends) {
    next = cells[at.i].at(ends[event.key]);
  } else return;
  event.preventDefault();
  event.stopPropagation();
  if (!next) return;
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}
