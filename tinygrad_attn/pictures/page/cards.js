// The cards: their HTML, made once, and one canvas each, painted when something changes.

const ROUNDED = 700; // a card with more cells has square ones, which are quicker
const MOST_PIXELS = 3e6; // of one canvas
const LABELS = 9.5; // px, above a map
const LEGIBLE = 6; // px on the screen: smaller numbers and labels are not written

const VIEWS = new Map(); // id of a card -> {card, button, canvas, painted, density, legible, told}

// Colours that differ between light and dark are told by the style sheet.
let THEME = readTheme();

function readTheme() {
  const style = getComputedStyle(document.documentElement);
  const told = (name) => style.getPropertyValue(name).trim();
  return { empty: told("--empty"), mute: told("--mute"), backward: told("--backward") };
}

function buildCards() {
  for (const card of DATA.cards) titled(buildCard(card));
}

function titled({ card, button }) {
  const said = [card.formula || card.name, card.sentence, card.source].filter(Boolean);
  button.title = clipped(said.join("\n"), 1000);
}

function buildCard(card) {
  const button = make("button", `card kind-${String(card.kind).replace(/\W/g, "")}`);
  button.type = "button";
  button.dataset.card = card.id;
  button.append(make("span", "card-title"));
  entitle(button, card.formula || card.name, card.w);
  const canvas = make("canvas");
  canvas.setAttribute("aria-hidden", "true");
  button.append(canvas);
  document.getElementById("cards").append(button);
  const view = { card, button, canvas, painted: "", density: 1, legible: false, told: true };
  VIEWS.set(card.id, view);
  sizeCard(view);
  return view;
}

function sizeCard({ card, button, canvas }) {
  Object.assign(button.style, { width: `${card.w}px`, height: `${card.h}px` });
  Object.assign(canvas.style, { width: `${card.w}px`, height: `${card.h - HEADER}px` });
}

// Brings every card to the state of a step, and paints those that look different now.
// `ms`: for those in sight; the others follow.
function showCards(ms = Infinity) {
  const step = stepNow();
  const receivers = receiversDrawn();
  const around = HOLDER.get(step.card);
  paintSoon([...VIEWS.values()].filter(({ card }) => DRAWN.has(card.id)), ms);
  for (const view of VIEWS.values()) {
    const { card, button } = view;
    const current = card.id === (around ?? step.card);
    button.classList.toggle("chosen", card.id === STATE.leaf);
    button.classList.toggle("current", current);
    button.classList.toggle("receives", receivers.has(card.id));
    button.classList.toggle("later", !hasValue(card, STATE.step));
    if (current) button.setAttribute("aria-current", "step");
    else button.removeAttribute("aria-current");
  }
  markCards();
  // A small card receives for those that it stands for.
  for (const button of document.querySelectorAll(".folded")) {
    button.classList.toggle("receives", receivers.has(button.dataset.folded));
  }
  showStrips();
}

let unpainted = []; // views that are painted in the frames to come, the last one first
let unseen = 0; // how many of them, the first ones, are out of sight
let calm = 0; // when these are painted: while a number is dragged they would cost frames
let painter = 0;
const CALM = 150; // ms

// Paints what is in sight at once, or as much of it as there is time for.
function paintSoon(views, ms) {
  const isSeen = sight();
  const end = performance.now() + ms;
  const seen = views.filter(({ card }) => isSeen(card)).reverse();
  while (seen.length && performance.now() < end) paintIfChanged(seen.pop());
  const hidden = views.filter(({ card }) => !isSeen(card));
  unpainted = [...hidden, ...seen];
  unseen = hidden.length;
  calm = performance.now() + CALM;
  painter ||= requestAnimationFrame(paintRest);
}

function paintRest() {
  const end = performance.now() + 6; // ms of this frame
  const waits = () => unpainted.length <= unseen && performance.now() < calm;
  while (unpainted.length && !waits() && performance.now() < end) paintIfChanged(unpainted.pop());
  if (!unpainted.length) painter = 0;
  else if (waits()) painter = setTimeout(paintRest, calm - performance.now());
  else painter = requestAnimationFrame(paintRest);
}

function paintIfChanged(view) {
  const { card } = view;
  const shown = hasValue(card, STATE.step);
  const gradient = gradientAt(card, STATE.step);
  const stage = GRADIENTS.get(card.id).findIndex(([, grid]) => grid === gradient);
  const look = [shown, stage, STATE.shared, view.density, view.legible, view.told, THEME.empty].join();
  if (look === view.painted) return;
  view.painted = look;
  paint(view, shown, gradient);
  const [first, second] = [
    shown ? "value computed" : "value not computed yet",
    card.gradient ? (gradient ? "gradient arrived" : "no gradient yet") : "a constant",
  ];
  const what = clipped(String(card.formula || card.name), 100);
  const label = `${what}, ${card.shape}: ${first}, ${second}`;
  if (label === view.label) return; // an attribute that is set makes the next text wait for a layout
  view.label = label;
  view.button.setAttribute("aria-label", label);
}

function paint(view, shown, gradient) {
  const { card, canvas, density, legible, told } = view;
  const [width, height] = [card.w, card.h - HEADER].map((size) => Math.round(size * density));
  const brush = canvas.getContext("2d");
  if (!brush) return;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  brush.setTransform(1, 0, 0, 1, 0, 0);
  brush.clearRect(0, 0, width, height);
  brush.setTransform(density, 0, 0, density, 0, -HEADER * density);
  const { value, gradient: low } = PLACES.get(card.id);
  const power = shown ? timesTen(card.value.power) : "";
  const tell = told ? label : () => {};
  tell(brush, value, card.shape + power, THEME.mute);
  paintGrid(brush, value, shown ? card.value : null, legible);
  if (!low) {
    const under = value.y + (value.rows.at(-1) ?? 0) + value.h + 11;
    tell(brush, { ...value, labelY: under }, "no gradient: a constant", THEME.mute);
    return;
  }
  const what = derivative(card) + (gradient ? timesTen(gradient.power) : "");
  tell(brush, low, what, THEME.backward);
  paintGrid(brush, low, gradient, legible);
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

// `grid` is null while nothing has been computed: the cells are empty then.
function paintGrid(brush, place, grid, legible) {
  const { w, h } = place;
  const gap = Math.min(1, 0.08 * Math.min(w, h));
  if (!legible) {
    paintDots(brush, place, grid, gap);
    paintSkips(brush, place);
    return;
  }
  const cells = place.rows.length * place.columns.length;
  const largest = grid ? largestOf(grid) : 0;
  brush.font = `${place.font}px Helvetica, Arial, sans-serif`;
  brush.textAlign = "center";
  brush.textBaseline = "middle";
  place.rows.forEach((down, i) => {
    place.columns.forEach((across, j) => {
      const v = grid?.numbers[i]?.[j];
      const { fill, ink } = grid
        ? colourIn(grid, v, largest)
        : { fill: THEME.empty, ink: "" };
      const [x, y] = [place.x + across, place.y + down];
      brush.fillStyle = fill;
      box(brush, x + gap / 2, y + gap / 2, w - gap, h - gap, cells < ROUNDED);
      if (grid) {
        brush.fillStyle = ink;
        brush.fillText(inCell(v, grid), x + w / 2, y + h / 2 + 0.3, w);
      }
    });
  });
  paintSkips(brush, place);
}

// Cells without numbers: a picture with a pixel for each, made larger, and cut apart.
function paintDots(brush, place, grid, gap) {
  const { x, y, w, h, rows, columns } = place;
  if (!rows.length || !columns.length) return;
  brush.imageSmoothingEnabled = false;
  DOTS.width = columns.length;
  DOTS.height = rows.length;
  const picture = new ImageData(DOTS.width, DOTS.height);
  const pixels = new Uint32Array(picture.data.buffer);
  const largest = grid ? largestOf(grid) : 0;
  rows.forEach((_, i) => {
    columns.forEach((__, j) => {
      const fill = grid ? colourIn(grid, grid.numbers[i]?.[j], largest).fill : THEME.empty;
      pixels[i * DOTS.width + j] = pixelOf(fill);
    });
  });
  DOTS.getContext("2d").putImageData(picture, 0, 0);
  const [across, down] = [pieces(columns, w), pieces(rows, h)];
  for (const [top, bottom] of down) {
    for (const [left, right] of across) {
      const [from, size] = [[left, top], [right - left, bottom - top]];
      const at = [x + columns[left], y + rows[top]];
      brush.drawImage(DOTS, ...from, ...size, ...at, size[0] * w, size[1] * h);
    }
  }
  cutApart(brush, place, gap);
}

// Lines between the cells, on the pixels of the canvas: all of them look alike.
function cutApart(brush, { x, y, w, h, rows, columns }, gap) {
  const density = brush.getTransform().a;
  if (Math.min(w, h) * density < 4) return;
  const line = Math.max(1, Math.round(gap * density)) / density;
  const snap = (at) => Math.round(at * density) / density;
  const [right, bottom] = [columns.at(-1) + w, rows.at(-1) + h];
  for (const at of rows.slice(1)) brush.clearRect(x - 1, snap(y + at) - line, right + 2, line);
  for (const at of columns.slice(1)) brush.clearRect(snap(x + at) - line, y - 1, line, bottom + 2);
}

const DOTS = document.createElement("canvas");
const PIXELS = new Map(); // "rgb(33,102,172)" -> a pixel, as a canvas keeps it

function pixelOf(fill) {
  if (!PIXELS.has(fill)) {
    const one = document.createElement("canvas").getContext("2d");
    one.fillStyle = fill;
    one.fillRect(0, 0, 1, 1);
    PIXELS.set(fill, new Uint32Array(one.getImageData(0, 0, 1, 1).data.buffer)[0]);
  }
  return PIXELS.get(fill);
}

// Where rows or columns follow each other without a gap: [first, end].
function pieces(places, size) {
  const found = [];
  places.forEach((at, i) => {
    if (i && at - places[i - 1] < size * 1.01) found.at(-1)[1] = i + 1;
    else found.push([i, i + 1]);
  });
  return found;
}

function box(brush, x, y, w, h, rounded) {
  if (!rounded || !brush.roundRect) {
    brush.fillRect(x, y, w, h);
    return;
  }
  brush.beginPath();
  brush.roundRect(x, y, w, h, Math.min(2, w / 5, h / 5));
  brush.fill();
}

function paintSkips(brush, place) {
  const { grid, w, h } = place;
  brush.fillStyle = THEME.mute;
  brush.font = `${Math.min(12, 1.2 * Math.min(w, h))}px Helvetica, Arial, sans-serif`;
  const middleX = place.x + (place.columns.at(-1) + w) / 2;
  const middleY = place.y + (place.rows.at(-1) + h) / 2;
  grid.rows.forEach((_, i) => {
    if (jumps(grid.rows, i)) brush.fillText("⋮", middleX, place.y + place.rows[i] - (SKIP * h) / 2);
  });
  grid.columns.forEach((_, j) => {
    if (jumps(grid.columns, j)) brush.fillText("⋯", place.x + place.columns[j] - (SKIP * w) / 2, middleY);
  });
}

// Canvases are pixels: after zooming they are painted again, as fine as the screen is.
const DENSITIES = [0.125, 0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8];

function sharpen(zoom, isInView) {
  const wanted = zoom * (window.devicePixelRatio || 1);
  const fine = DENSITIES.find((density) => density >= wanted - 0.01) ?? DENSITIES.at(-1);
  for (const view of VIEWS.values()) {
    if (!isInView(view.card)) continue;
    const most = Math.sqrt(MOST_PIXELS / (view.card.w * view.card.h));
    view.density = Math.min(fine, most);
    view.legible = PLACES.get(view.card.id).value.font * zoom >= LEGIBLE;
    view.told = LABELS * zoom >= LEGIBLE;
    paintIfChanged(view);
  }
}
