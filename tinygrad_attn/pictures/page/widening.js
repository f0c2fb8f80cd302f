// Room for an operation that opens: it becomes a frame where its card stood. What is to
// the right of it moves to the right, what is above or below it moves up or down, and the
// lines go along.

const EDGE = 24; // px around the drawing
const NEAR = 8; // px between a frame and what is around it

// A view of the data with the operations in it that are open.
function widened(view) {
  const open = PREDICT.on ? [] : [...OPENED].filter((id) => id in view.places);
  return { ...open.reduce(widen, view), opened: open };
}

function widen(view, id) {
  const { room } = OPERATIONS.get(id);
  const boxes = boxesIn(view);
  const old = boxes.get(id);
  const [left, top] = room.places[id];
  const frame = { x: old.x, y: old.y - top, w: room.w, h: room.h };
  const band = view.rows > 1 ? stretch(boxes, old, "y", "h") : { from: -Infinity, to: Infinity };
  const inRow = new Map([...boxes].filter(([, box]) => box.y >= band.from && box.y < band.to));
  const column = stretch(inRow, old, "x", "w");
  const low = frame.y + frame.h - old.y - old.h;
  // How far what stands at a point of the row moves; `end` is where it ends below.
  const along = (x, y, end) => {
    if (x >= column.to - 1) return [room.w - old.w, 0];
    if (x < column.from) return [0, 0];
    return [left, end <= old.y ? -top : y >= old.y + old.h ? low : 0];
  };
  const after = [...inRow.values()].map((box) => ({ ...box, y: box.y + along(box.x, box.y, box.y + box.h)[1] }));
  const row = edgesOf([...after, frame]);
  // And of the whole view: other rows make room for this one.
  const shift = (x, y, end = y) => {
    if (y < band.from) return [0, Math.min(0, row.y - band.from)];
    if (y >= band.to) return [0, Math.max(0, row.bottom - band.to)];
    return along(x, y, end);
  };
  const moves = new Map();
  for (const [key, { x, y, h }] of boxes) moves.set(key, key === id ? [left, 0] : shift(x, y, y + h));
  const moved = (box) => {
    const [dx, dy] = moves.get(box.id);
    return { ...box, x: box.x + dx, y: box.y + dy };
  };
  const ends = ({ source, target }) => [moves.get(source) ?? [0, 0], moves.get(target) ?? [0, 0]];
  const carried = (line) => {
    const [first, last] = ends(line);
    const back = line.back && bent(line.back, last, first, shift);
    return { ...line, path: bent(line.path, first, last, shift), back };
  };
  const into = view.lines.filter((line) => line.target === id);
  const others = view.lines.filter((line) => line.target !== id).map(carried);
  const outside = into.map((line) => {
    const [first] = ends(line);
    const back = line.back && bent(line.back, [0, 0], first, shift);
    return { ...line, path: bent(line.path, first, [0, 0], shift), back };
  });
  const places = {};
  for (const key of Object.keys(view.places)) {
    const { x, y } = moved(boxes.get(key));
    places[key] = [x, y];
  }
  for (const [key, [x, y]] of Object.entries(room.places)) places[key] = [frame.x + x, frame.y + y];
  const around = (cluster) => outlined(cluster, boxes, moves, holdsBox(cluster, old) ? frame : null);
  const name = OPERATIONS.get(id).title;
  return atOrigin({
    ...view,
    places,
    closed: (view.closed ?? []).map(moved),
    folded: view.folded.map(moved),
    clusters: [...view.clusters.map(around), { name, frame: id, ...frame }],
    lines: [...others, ...linesInside(id, frame, outside)],
  });
}

// All cards of a view: id → {id, x, y, w, h}.
function boxesIn(view) {
  const cards = Object.entries(view.places).map(([id, [x, y]]) => ({ id, x, y, w: CARDS.get(id).w, h: CARDS.get(id).h }));
  return new Map([...cards, ...(view.closed ?? []), ...view.folded].map((box) => [box.id, box]));
}

// From where to where a card's column reaches (or its row), with all that stand in it.
function stretch(boxes, card, axis, size) {
  let [from, to] = [card[axis], card[axis] + card[size]];
  for (let grew = true; grew; ) {
    grew = false;
    for (const box of boxes.values()) {
      const [first, end] = [box[axis], box[axis] + box[size]];
      if (first >= to || end <= from || (first >= from && end <= to)) continue;
      [from, to, grew] = [Math.min(from, first), Math.max(to, end), true];
    }
  }
  return { from, to };
}

// --- lines ---

const pointsOf = (path) => path.match(/-?[\d.]+/g).map(Number);
const written = (points) =>
  points.map((v, i) => `${i === 0 ? "M " : i % 6 === 2 ? "C " : ""}${v.toFixed(1)}`).join(" ");

// A path whose ends move with their cards, and what is in between as `shift` says. The
// two control points of each curve move with its ends.
function bent(path, first, last, shift) {
  const points = pointsOf(path);
  const knots = (points.length - 2) / 6;
  const by = Array.from({ length: knots + 1 }, (_, k) => {
    if (k === 0) return first;
    return k === knots ? last : shift(points[6 * k], points[6 * k + 1]);
  });
  return written(
    points.map((v, i) => {
      const at = Math.floor(i / 2); // number of the point
      return v + by[at === 0 ? 0 : Math.floor((at + 1) / 3)][i % 2];
    }),
  );
}

const movedBy = (path, { x, y }) => written(pointsOf(path).map((v, i) => v + (i % 2 ? y : x)));

// Two paths one after the other, and a curve between them.
function joined(one, other) {
  const [a, b] = [pointsOf(one), pointsOf(other)];
  const [x, y] = a.slice(-2);
  const middle = (x + b[0]) / 2;
  return written([...a, middle, y, middle, b[1], ...b]);
}

// The lines in an open operation. One that begins outside of it goes on there.
function linesInside(id, frame, outside) {
  const { links, base, room } = OPERATIONS.get(id);
  return links.map(({ source, target }, i) => {
    const [path, back] = [room.ways[i].path, room.ways[i].back].map((way) => way && movedBy(way, frame));
    const line = { source, target, links: [base + i], of: id, path, back };
    const before = outside.find((one) => one.links.some((link) => DATA.links[link].source === source));
    if (!before) return line;
    line.source = before.source;
    line.path = joined(before.path, path);
    if (back) line.back = before.back ? joined(back, before.back) : null;
    return line;
  });
}

// --- frames ---

const holdsBox = (outer, { x, y, w, h }) =>
  x >= outer.x && y >= outer.y && x + w <= outer.x + outer.w && y + h <= outer.y + outer.h;

const edgesOf = (boxes) => ({
  x: Math.min(...boxes.map((b) => b.x)),
  y: Math.min(...boxes.map((b) => b.y)),
  right: Math.max(...boxes.map((b) => b.x + b.w)),
  bottom: Math.max(...boxes.map((b) => b.y + b.h)),
});

// A frame of the view, around what it held and the one that was opened.
function outlined(cluster, boxes, moves, opened) {
  const held = [...boxes.values()].filter((box) => holdsBox(cluster, box));
  if (!held.length) return cluster;
  const after = held.map((box) => {
    const [dx, dy] = moves.get(box.id);
    return { ...box, x: box.x + dx, y: box.y + dy };
  });
  const [old, now] = [edgesOf(held), edgesOf(after)];
  let [x, y] = [now.x - old.x + cluster.x, now.y - old.y + cluster.y];
  let right = now.right - old.right + cluster.x + cluster.w;
  let bottom = now.bottom - old.bottom + cluster.y + cluster.h;
  if (opened) {
    x = Math.min(x, opened.x - NEAR);
    y = Math.min(y, opened.y - NEAR - HEADER);
    right = Math.max(right, opened.x + opened.w + NEAR);
    bottom = Math.max(bottom, opened.y + opened.h + NEAR);
  }
  return { ...cluster, x, y, w: right - x, h: bottom - y };
}

// The view, moved so that it begins at its edge, and as large as it is.
function atOrigin(view) {
  const all = [...boxesIn(view).values(), ...view.clusters];
  const { x, y, right, bottom } = edgesOf(all);
  const by = { x: Math.max(0, EDGE - x), y: Math.max(0, EDGE - y) };
  const moved = (box) => ({ ...box, x: box.x + by.x, y: box.y + by.y });
  const places = Object.entries(view.places).map(([id, [left, top]]) => [id, [left + by.x, top + by.y]]);
  return {
    ...view,
    width: Math.max(view.width, right + EDGE) + by.x,
    height: Math.max(view.height, bottom + EDGE) + by.y,
    places: Object.fromEntries(places),
    closed: view.closed.map(moved),
    folded: view.folded.map(moved),
    clusters: view.clusters.map(moved),
    lines: view.lines.map((line) => ({
      ...line,
      path: movedBy(line.path, by),
      back: line.back && movedBy(line.back, by),
    })),
  };
}
