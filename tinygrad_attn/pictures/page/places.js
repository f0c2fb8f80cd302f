// Where the cells of a card's two grids lie, in the units of the drawing.

const HEADER = 24;
const LABEL = 14; // the line above a grid
const PAD = 8;
const SKIP = 0.7; // of a cell, for the ⋯ of left-out numbers

// Offsets of rows or columns, in cells: a jump in the indices makes room for a ⋯.
function offsets(indices) {
  let at = 0;
  return indices.map((_, i) => {
    if (jumps(indices, i)) at += SKIP;
    return at++;
  });
}

const extent = (offs) => (offs.length ? offs.at(-1) + 1 : 1);

// A cell is never a sliver: numbers have to fit in.
function cellSize(grid, width, height) {
  const across = extent(offsets(grid.columns));
  const down = extent(offsets(grid.rows));
  const most = { w: Math.min(width / across, 34), h: Math.min(height / down, 21) };
  const w = Math.min(most.w, 1.8 * most.h);
  return { w, h: Math.min(most.h, 1.2 * w) };
}

function layGrid(grid, x, y, width, height) {
  const { w, h } = cellSize(grid, width, height);
  const columns = offsets(grid.columns).map((at) => at * w);
  const rows = offsets(grid.rows).map((at) => at * h);
  const left = x + (width - extent(offsets(grid.columns)) * w) / 2;
  const font = Math.min(0.52 * h, 0.36 * w);
  return { grid, x: left, y, w, h, columns, rows, font, labelY: y - 4, slot: { x, width } };
}

// Value and gradient stand one above the other or side by side: as the card was made for,
// or whichever leaves more room for a cell.
function layCard(card) {
  const width = card.w - 2 * PAD;
  const height = card.h - HEADER - PAD;
  const top = HEADER + LABEL;
  if (!card.gradient) {
    return { value: layGrid(card.value, PAD, top, width, height - 2 * LABEL) };
  }
  const half = (height - 2 * LABEL) / 2;
  const above = cellSize(card.value, width, half);
  const beside = cellSize(card.value, width / 2 - PAD / 2, height - LABEL);
  const side = card.beside ?? above.w * above.h < beside.w * beside.h;
  if (!side) {
    const low = layGrid(card.gradient, PAD, top + half + LABEL, width, half);
    const high = layGrid(card.value, PAD, top, width, half);
    const used = high.rows.length ? high.rows.at(-1) + high.h : 0;
    low.y = Math.min(low.y, top + used + LABEL + 2); // no hole between the two
    low.labelY = low.y - 4;
    return { value: high, gradient: low };
  }
  const each = width / 2 - PAD / 2;
  return {
    value: layGrid(card.value, PAD, top, each, height - LABEL),
    gradient: layGrid(card.gradient, PAD + each + PAD, top, each, height - LABEL),
  };
}

const PLACES = new Map(DATA.cards.map((card) => [card.id, layCard(card)]));

// The box of a cell, a row or a column within its card; null where it is left out.
function boxOf(place, { row = null, column = null }) {
  const { grid } = place;
  const i = row === null ? 0 : placeOf(grid).row.get(row);
  const j = column === null ? 0 : placeOf(grid).column.get(column);
  if (i === undefined || j === undefined || !grid.rows.length || !grid.columns.length) {
    return null;
  }
  return {
    x: place.x + place.columns[j],
    y: place.y + place.rows[i],
    w: column === null ? place.columns.at(-1) + place.w : place.w,
    h: row === null ? place.rows.at(-1) + place.h : place.h,
  };
}

// The cell under a point of a card: {which, row, column}, or null.
function cellUnder(card, x, y) {
  for (const which of GRIDS) {
    const place = PLACES.get(card.id)[which];
    if (!place) continue;
    const i = place.rows.findIndex((at) => y >= place.y + at && y < place.y + at + place.h);
    const j = place.columns.findIndex((at) => x >= place.x + at && x < place.x + at + place.w);
    if (i >= 0 && j >= 0) {
      return { which, row: place.grid.rows[i], column: place.grid.columns[j] };
    }
  }
  return null;
}
