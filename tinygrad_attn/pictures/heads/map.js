// The heat map of the chosen head.

const MAP = document.getElementById("map");
const SIDE = 480; // px: how large a map may always be
let MEASURES = null; // of the map: {cell, left, top, size, width, height, every}

function measure(head, room) {
  const [down, across] = [head.rows.length, head.rows[0].length];
  // The lines stand beside it, and the readout below it.
  const most = Math.max(SIDE, Math.min(0.5 * room, window.innerHeight - 260));
  return measureMap(MAP, { queries: DATA.queries, keys: DATA.keys, down, across }, room, most);
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

// The colours of a head's cells.
function fillsOf(head) {
  const empty = themed("empty");
  return (i, j) => (grey(head, i, j) ? empty : colour(head.rows[i][j], "probability", 1).fill);
}

function numberOfCell(head, i, j) {
  if (grey(head, i, j)) return null;
  const weight = head.rows[i][j];
  return { text: short(weight), ink: colour(weight, "probability", 1).ink };
}

function paintMap(head) {
  const { cell, left, top, width, height } = MEASURES;
  const brush = brushOf(MAP, width, height);
  paintCells(brush, head.rows, fillsOf(head), { left, top, w: cell, h: cell });
  paintNumbers(brush, head.rows, (i, j) => numberOfCell(head, i, j), MEASURES);
  const queries = head.rows.map((_, i) => DATA.queries[i * head.block]);
  const keys = head.rows[0].map((_, j) => DATA.keys[j * head.block]);
  paintNames(brush, queries, keys, STATE, MEASURES);
  head.rows.forEach((row, i) => {
    row.forEach((_, j) => {
      const leak = hides(head, i, j) && !grey(head, i, j);
      if (leak) ringAround(brush, i, j, MEASURES, NAN.fill, 2);
    });
  });
  ringPointed(brush, STATE, MEASURES);
}

const cellUnder = (event) => cellOfMap(event, MAP, chosen().rows, MEASURES);
