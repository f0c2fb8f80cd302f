// What is on a card's canvas: labels, and cells with a colour and, where it can be read, a
// number. Only what looks different than before is painted: of an edit these are some of
// the cells.

function paint(view, shown, gradient) {
  const { card, canvas, density, legible, told } = view;
  const brush = canvas.getContext("2d");
  if (!brush) return;
  const places = PLACES.get(card.id);
  const [width, height] = [card.w, card.h - HEADER].map((size) => Math.round(size * density));
  const labels = told ? labelsOf(card, shown, gradient) : [];
  const frame = [width, height, density, legible, THEME.empty, ...labels.map(({ text }) => text)].join();
  brush.setTransform(density, 0, 0, density, 0, -HEADER * density);
  if (frame !== view.frame || places !== view.places) {
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    brush.setTransform(1, 0, 0, 1, 0, 0);
    brush.clearRect(0, 0, width, height);
    brush.setTransform(density, 0, 0, density, 0, -HEADER * density);
    for (const { place, text, ink } of labels) label(brush, place, text, ink);
    for (const place of Object.values(places)) paintSkips(brush, place);
    Object.assign(view, { frame, places, cells: { value: null, gradient: null } });
  }
  const grids = { value: shown ? card.value : null, gradient };
  for (const [which, place] of Object.entries(places)) {
    view.cells[which] = paintGrid(brush, place, grids[which], legible, density, view.cells[which]);
  }
}

// --- labels ---

function labelsOf(card, shown, gradient) {
  const { value, gradient: low } = PLACES.get(card.id);
  const first = { place: value, text: card.shape + (shown ? timesTen(card.value.power) : ""), ink: THEME.mute };
  if (low) {
    const text = derivative(card) + (gradient ? timesTen(gradient.power) : "");
    return [first, { place: low, text, ink: THEME.backward }];
  }
  const under = value.y + (value.rows.at(-1) ?? 0) + value.h + 11;
  return [first, { place: { ...value, labelY: under }, text: "no gradient: a constant", ink: THEME.mute }];
}

function label(brush, place, text, ink) {
  brush.fillStyle = ink;
  brush.font = `${LABELS}px Helvetica, Arial, sans-serif`;
  brush.textAlign = "left";
  brush.textBaseline = "alphabetic";
  // Above its grid, or where that is narrow, from the edge of what room there is.
  const { x, width } = place.slot;
  const fits = brush.measureText(text).width <= x + width - place.x - 1;
  brush.fillText(text, fits ? place.x + 1 : x, place.labelY, width);
}

// The dots where rows or columns are left out.
function paintSkips(brush, place) {
  const { grid, w, h } = place;
  if (!grid.rows.some((_, i) => jumps(grid.rows, i)) && !grid.columns.some((_, j) => jumps(grid.columns, j))) return;
  brush.fillStyle = THEME.mute;
  brush.font = `${Math.min(12, 1.2 * Math.min(w, h))}px Helvetica, Arial, sans-serif`;
  brush.textAlign = "center";
  brush.textBaseline = "middle";
  const middleX = place.x + (place.columns.at(-1) + w) / 2;
  const middleY = place.y + (place.rows.at(-1) + h) / 2;
  grid.rows.forEach((_, i) => {
    if (jumps(grid.rows, i)) brush.fillText("⋮", middleX, place.y + place.rows[i] - (SKIP * h) / 2);
  });
  grid.columns.forEach((_, j) => {
    if (jumps(grid.columns, j)) brush.fillText("⋯", place.x + place.columns[j] - (SKIP * w) / 2, middleY);
  });
}

// --- cells ---

// Paints the cells that look different than `before`, and returns how all look. `grid` is
// null while nothing has been computed: the cells are empty then.
function paintGrid(brush, place, grid, legible, density, before) {
  const [largest, power] = grid ? [largestOf(grid), grid.power] : [0, 0];
  const now = { grid, largest, power, numbers: [], looks: [] };
  const alike = before && before.grid === grid && Object.is(before.largest, largest) && before.power === power;
  const boxes = legible ? roundBoxes(place, density) : snappedBoxes(place, density);
  brush.font = `${place.font}px Helvetica, Arial, sans-serif`;
  brush.textAlign = "center";
  brush.textBaseline = "middle";
  for (let i = 0, n = 0; i < place.rows.length; i++) {
    const line = grid?.numbers[i];
    for (let j = 0; j < place.columns.length; j++, n++) {
      const v = line?.[j];
      now.numbers.push(v);
      if (alike && before.numbers[n] === v) {
        now.looks.push(before.looks[n]);
        continue;
      }
      const { fill, ink } = grid ? colourIn(grid, v, largest) : { fill: THEME.empty, ink: "" };
      const text = grid && legible ? inCell(v, grid) : "";
      now.looks.push(fill + text);
      if (before?.looks[n] === fill + text) continue;
      brush.fillStyle = fill;
      boxes(brush, i, j);
      if (text) writeNumber(brush, place, i, j, text, ink);
    }
  }
  return now;
}

// A cell's number; one that could be wider than its cell is squeezed, which takes longer.
function writeNumber(brush, place, i, j, text, ink) {
  const { w, h, font } = place;
  const at = [place.x + place.columns[j] + w / 2, place.y + place.rows[i] + h / 2 + 0.3];
  brush.fillStyle = ink;
  if (text.length * 0.6 * font < w) brush.fillText(text, ...at);
  else brush.fillText(text, ...at, w);
}

// Boxes with a number in them. What was there is cleared first, up to the pixels of the
// next boxes: edges that were painted twice would be darker.
function roundBoxes({ x, y, w, h, rows, columns }, density) {
  const gap = Math.min(1, 0.08 * Math.min(w, h));
  const round = Math.min(2, w / 5, h / 5);
  const snap = (at) => Math.round(at * density) / density;
  return (brush, i, j) => {
    const [left, top] = [x + columns[j], y + rows[i]];
    brush.clearRect(snap(left), snap(top), snap(left + w) - snap(left), snap(top + h) - snap(top));
    const box = [left + gap / 2, top + gap / 2, w - gap, h - gap];
    if (!brush.roundRect) {
      brush.fillRect(...box);
      return;
    }
    brush.beginPath();
    brush.roundRect(...box, round);
    brush.fill();
  };
}

// Boxes on the pixels of the canvas: all gaps between them look alike.
function snappedBoxes({ x, y, w, h, rows, columns }, density) {
  const gap = Math.min(1, 0.08 * Math.min(w, h));
  const line = Math.min(w, h) * density < 4 ? 0 : Math.max(1, Math.round(gap * density)) / density;
  const snap = (at) => Math.round(at * density) / density;
  const edges = (places, from, size) =>
    places.map((at, i) => {
      const next = places[i + 1] - at < 1.01 * size; // without a gap
      return [snap(from + at), snap(from + at + size) - (next ? line : 0)];
    });
  const [across, down] = [edges(columns, x, w), edges(rows, y, h)];
  return (brush, i, j) => {
    const [left, right] = across[j];
    const [top, bottom] = down[i];
    brush.fillRect(left, top, right - left, bottom - top);
  };
}
