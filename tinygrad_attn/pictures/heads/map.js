// A head as a heat map, on a canvas: row = query, column = key.

const MAP = document.getElementById("map");
const FONT = "Helvetica, Arial, sans-serif";
const LETTERS = 12; // of a label
const [CELL, SIDE] = [40, 480]; // px: the largest cell, and how large a map may always be
const NUMBERS_UP_TO = 12; // tokens
let MEASURES = null; // of the map: {cell, left, top, size, width, height}

const labelOf = (token) => clipped(visible(token), LETTERS);

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
  return Math.max(...tokens.map((token) => brush.measureText(labelOf(token)).width));
}

// Where names do not fit, each second, fifth or tenth token has one.
const EVERY = [1, 2, 5, 10, 20, 50, 100];
const everyFor = (share) => EVERY.find((n) => n >= share) ?? 200;
const SLANT = 1.42; // a slanted line of text needs more room than a level one

// As large as there is room for: `room` px from side to side.
function measure(head, room) {
  const brush = MAP.getContext("2d");
  const [down, across] = [head.rows.length, head.rows[0].length];
  let size = 13;
  // The lines stand beside it, and the readout below it.
  const most = Math.max(SIDE, Math.min(0.5 * room, window.innerHeight - 260));
  const fit = () => {
    const left = widest(brush, DATA.queries, size, true) + 10;
    const slanted = widest(brush, DATA.keys, size, true) * 0.71 + 4;
    const cell = Math.min(CELL, most / Math.max(down, across), (room - left - slanted) / across);
    return { left, slanted, cell: Math.max(cell, 1) };
  };
  let { left, slanted, cell } = fit();
  if (cell < 18) {
    size = 10;
    ({ left, slanted, cell } = fit());
  }
  const top = slanted + size + 8;
  const [width, height] = [left + across * cell + slanted, top + down * cell + 2];
  const every = { query: everyFor((size + 1) / cell), key: everyFor((SLANT * size) / cell) };
  return { cell, left, top, size, width, height, every };
}

const ordinal = (n) => (n === 2 ? "2nd" : `${n}th`);

// Which tokens have names, if not all of them have.
function namedStory({ every: { query, key } }) {
  const some = [];
  if (query > 1) some.push(`${ordinal(query)} query`);
  if (key > 1) some.push(`${ordinal(key)} key`);
  if (query === key && query > 1) return `every ${ordinal(query)} token is named`;
  return some.length ? `every ${some.join(" and ")} is named` : "";
}

function paintMap(head) {
  const { cell, left, top, size, width, height, every } = MEASURES;
  const brush = brushOf(MAP, width, height);
  paintCells(brush, head, left, top, cell, cell);
  const [down, across] = [head.rows.length, head.rows[0].length];
  if (Math.max(down, across) <= NUMBERS_UP_TO && cell >= 24) paintNumbers(brush, head);
  const ink = theme("ink");
  const write = (text, on) => {
    brush.font = `${on ? "bold " : ""}${size}px ${FONT}`;
    brush.fillStyle = ink;
    brush.fillText(text, 0, 0);
  };
  brush.textBaseline = "middle";
  for (let i = 0; i < down; i++) {
    if (i % every.query && i !== STATE.query) continue;
    brush.save();
    brush.translate(left - 8, top + (i + 0.5) * cell);
    brush.textAlign = "right";
    if (!nearPointed(i, STATE.query, (size + 1) / cell)) {
      write(labelOf(DATA.queries[i * head.block]), i === STATE.query);
    }
    brush.restore();
  }
  for (let j = 0; j < across; j++) {
    if (j % every.key && j !== STATE.key) continue;
    brush.save();
    brush.translate(left + (j + 0.5) * cell + 2, top - 8);
    brush.rotate(-Math.PI / 4);
    brush.textAlign = "left";
    if (!nearPointed(j, STATE.key, (SLANT * size) / cell)) {
      write(labelOf(DATA.keys[j * head.block]), j === STATE.key);
    }
    brush.restore();
  }
  paintRing(brush, head);
}

// Where labels are left out, the one that is pointed at takes its neighbours' place.
const nearPointed = (i, pointed, needs) =>
  pointed !== null && i !== pointed && Math.abs(i - pointed) < needs;

function paintCells(brush, head, left, top, w, h) {
  const gap = w >= 12 ? 0.75 : w >= 5 ? 0.3 : 0;
  const empty = theme("empty");
  head.rows.forEach((row, i) => {
    row.forEach((weight, j) => {
      brush.fillStyle = grey(head, i, j) ? empty : colour(weight, "probability", 1).fill;
      // Cells without a gap overlap a little, or the ground shines through.
      const more = gap ? -2 * gap : 1;
      brush.fillRect(left + j * w + gap, top + i * h + gap, w + more, h + more);
    });
  });
}

function paintNumbers(brush, head) {
  const { cell, left, top } = MEASURES;
  brush.font = `11px ${FONT}`;
  brush.textAlign = "center";
  brush.textBaseline = "middle";
  head.rows.forEach((row, i) => {
    row.forEach((weight, j) => {
      if (grey(head, i, j)) return;
      brush.fillStyle = colour(weight, "probability", 1).ink;
      brush.fillText(short(weight), left + (j + 0.5) * cell, top + (i + 0.5) * cell + 0.5);
    });
  });
}

// Around each leak, and the cell that is pointed at.
function paintRing(brush, head) {
  const { cell, left, top } = MEASURES;
  const around = (i, j, stroke, width) => {
    brush.strokeStyle = stroke;
    brush.lineWidth = width;
    brush.strokeRect(left + j * cell, top + i * cell, cell, cell);
  };
  head.rows.forEach((row, i) => {
    row.forEach((_, j) => {
      if (hides(head, i, j) && !grey(head, i, j)) around(i, j, NAN.fill, 2);
    });
  });
  if (STATE.query !== null && STATE.key !== null) {
    around(STATE.query, STATE.key, theme("ink"), 3);
    around(STATE.query, STATE.key, theme("current"), 2);
  }
}

// The cell under a pointer, or null.
function cellUnder(event) {
  const { cell, left, top, width } = MEASURES;
  const box = MAP.getBoundingClientRect();
  const scale = width / (box.width || 1);
  const j = Math.floor(((event.clientX - box.left) * scale - left) / cell);
  const i = Math.floor(((event.clientY - box.top) * scale - top) / cell);
  const { rows } = chosen();
  return rows[i]?.[j] === undefined ? null : { i, j };
}

// --- a small map ---

function paintSmall(canvas, head) {
  const [down, across] = [head.rows.length, head.rows[0].length];
  const side = 66;
  const pitch = side / Math.max(down, across);
  const brush = brushOf(canvas, side, side);
  canvas.style.width = "";
  brush.clearRect(0, 0, side, side);
  paintCells(brush, head, 0, 0, pitch, pitch);
}
