// A map of attention on a canvas, as every page draws it: row = query, column = key.

const FONT = "Helvetica, Arial, sans-serif";
const LETTERS = 12; // of a token's name
const LARGEST_CELL = 40; // px
const NUMBERS_UP_TO = 12; // tokens

const labelOf = (token) => clipped(visible(token), LETTERS);

// A colour of the style sheet.
const themed = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// A canvas as sharp as the screen; `brush` then draws in CSS's px.
function brushOf(canvas, width, height) {
  const density = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  canvas.style.width = `${width}px`;
  const brush = canvas.getContext("2d");
  brush.setTransform(density, 0, 0, density, 0, 0);
  return brush;
}

function widest(brush, tokens, size, bold) {
  brush.font = `${bold ? "bold " : ""}${size}px ${FONT}`;
  return Math.max(0, ...tokens.map((token) => brush.measureText(labelOf(token)).width));
}

// Where names do not fit, each second, fifth or tenth token has one.
const EVERY = [1, 2, 5, 10, 20, 50, 100];
const everyFor = (share) => EVERY.find((n) => n >= share) ?? 200;
const SLANT = 1.42; // a slanted line of text needs more room than a level one

// As large as there is room for: `room` px from side to side, and `most` px of cells.
function measureMap(canvas, { queries, keys, down, across }, room, most) {
  const brush = canvas.getContext("2d");
  let size = 13;
  const fits = () => {
    const left = widest(brush, queries, size, true) + 10;
    const slanted = widest(brush, keys, size, true) * 0.71 + 4;
    const cell = Math.min(LARGEST_CELL, most / Math.max(down, across), (room - left - slanted) / across);
    return { left, slanted, cell: Math.max(cell, 1) };
  };
  let { left, slanted, cell } = fits();
  if (cell < 18) {
    size = 10;
    ({ left, slanted, cell } = fits());
  }
  const top = slanted + size + 8;
  const [width, height] = [left + across * cell + slanted, top + down * cell + 2];
  const every = { query: everyFor((size + 1) / cell), key: everyFor((SLANT * size) / cell) };
  return { cell, left, top, size, width, height, every };
}

// Cells of `rows`, whose colours `fillOf(i, j)` says.
function paintCells(brush, rows, fillOf, { left, top, w, h }) {
  const gap = w >= 12 ? 0.75 : w >= 5 ? 0.3 : 0;
  // Cells without a gap overlap a little, or the ground shines through.
  const more = gap ? -2 * gap : 1;
  rows.forEach((row, i) => {
    row.forEach((_, j) => {
      brush.fillStyle = fillOf(i, j);
      brush.fillRect(left + j * w + gap, top + i * h + gap, w + more, h + more);
    });
  });
}

// Numbers in the cells, where there is room; `tell(i, j)` is {text, ink}, or null.
function paintNumbers(brush, rows, tell, { cell, left, top }) {
  if (Math.max(rows.length, rows[0].length) > NUMBERS_UP_TO || cell < 24) return;
  brush.font = `11px ${FONT}`;
  brush.textAlign = "center";
  brush.textBaseline = "middle";
  rows.forEach((row, i) => {
    row.forEach((_, j) => {
      const told = tell(i, j);
      if (!told) return;
      brush.fillStyle = told.ink;
      brush.fillText(told.text, left + (j + 0.5) * cell, top + (i + 0.5) * cell + 0.5);
    });
  });
}

// Where labels are left out, the one that is pointed at takes its neighbours' place.
const nearPointed = (i, at, needs) => at !== null && i !== at && Math.abs(i - at) < needs;

// The names of the queries beside the rows, those of the keys above the columns; those
// of the query and key pointed at are bold.
function paintNames(brush, queries, keys, { query, key }, { cell, left, top, size, every }) {
  const ink = themed("ink");
  const name = (text, on, align) => {
    brush.font = `${on ? "bold " : ""}${size}px ${FONT}`;
    brush.fillStyle = ink;
    brush.textAlign = align;
    brush.fillText(text, 0, 0);
    brush.restore();
  };
  brush.textBaseline = "middle";
  queries.forEach((token, i) => {
    if ((i % every.query && i !== query) || nearPointed(i, query, (size + 1) / cell)) return;
    brush.save();
    brush.translate(left - 8, top + (i + 0.5) * cell);
    name(labelOf(token), i === query, "right");
  });
  keys.forEach((token, j) => {
    if ((j % every.key && j !== key) || nearPointed(j, key, (SLANT * size) / cell)) return;
    brush.save();
    brush.translate(left + (j + 0.5) * cell + 2, top - 8);
    brush.rotate(-Math.PI / 4);
    name(labelOf(token), j === key, "left");
  });
}

function ringAround(brush, i, j, { cell, left, top }, stroke, width) {
  brush.strokeStyle = stroke;
  brush.lineWidth = width;
  brush.strokeRect(left + j * cell, top + i * cell, cell, cell);
}

function ringPointed(brush, { query, key }, measures) {
  if (query === null || key === null) return;
  ringAround(brush, query, key, measures, themed("ink"), 3);
  ringAround(brush, query, key, measures, themed("current"), 2);
}

// A map as large as a thumbnail, without names.
const SMALL = 66; // px

function paintSmall(canvas, rows, fillOf) {
  const pitch = SMALL / Math.max(rows.length, rows[0].length);
  const brush = brushOf(canvas, SMALL, SMALL);
  canvas.style.width = "";
  brush.clearRect(0, 0, SMALL, SMALL);
  paintCells(brush, rows, fillOf, { left: 0, top: 0, w: pitch, h: pitch });
}

// The cell of a map under a pointer, or null.
function cellOfMap(event, canvas, rows, { cell, left, top, width }) {
  const box = canvas.getBoundingClientRect();
  const scale = width / (box.width || 1);
  const j = Math.floor(((event.clientX - box.left) * scale - left) / cell);
  const i = Math.floor(((event.clientY - box.top) * scale - top) / cell);
  return rows[i]?.[j] === undefined ? null : { i, j };
}

// The cell to which an arrow key leads from {query, key}; null for another key.
function stepOnMap(event, { query, key }, rows) {
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const move = moves[event.key];
  if (!move || event.ctrlKey || event.metaKey || event.altKey) return null;
  const next = (at, step, count) => (at === null ? 0 : Math.min(Math.max(at + step, 0), count - 1));
  const [down, right] = query === null || key === null ? [0, 0] : move;
  return { i: next(query, down, rows.length), j: next(key, right, rows[0].length) };
}
