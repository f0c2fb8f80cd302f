// Where each head looks: a matrix of small maps, layer by layer, and one of them in full;
// or the difference of two.

const READS = DATA.reads ?? {}; // attending.py says what it has
const HEADS = []; // {name, layer, h, count, at, canvas, button}
const EYE = Object.fromEntries(
  ["heads", "matrix", "which", "compare", "sequence", "map", "weight"].map((id) => [id, document.getElementById(id)]),
);
// Which head is shown, with which it is compared, of which sequence, and what of it is
// pointed at.
const SEEN = { head: 0, other: null, sample: 0, query: null, key: null };
const LARGEST_MAP = 250; // px
let mapMeasures = null;

// --- their numbers ---

// Of shape (T, S), (sequences, T, S) or (sequences, heads, T, S).
const headsIn = ({ at: [, , shape] }) => (shape.length === 4 ? shape[1] : 1);
const samplesIn = ({ at: [, , shape] }) => (shape.length > 2 ? shape[0] : 1);

// A head's weights for the sequence, row by row.
function weightsOf({ at, h, layer }) {
  const [down, across] = at[2].slice(-2);
  const all = numbersAt(ENTIRE ?? PROGRAM, at);
  const sample = Math.min(SEEN.sample, samplesIn(layer) - 1);
  const first = (sample * headsIn(layer) + h) * down * across;
  return Array.from({ length: down }, (_, i) => all.slice(first + i * across, first + (i + 1) * across));
}

const sameSize = (a, b) => a.at[2].slice(-2).join() === b.at[2].slice(-2).join();

// Later tokens are masked if nothing looks at them.
const isCausal = (rows) => rows.length === rows[0].length && rows.length > 1 &&
  rows.every((row, i) => row.every((w, j) => j <= i || w === 0));

// What the large map shows: rows, and of each cell its colour and text.
function picture(rows, other) {
  const empty = themed("empty");
  if (!other) {
    const causal = isCausal(rows);
    const hidden = (i, j) => causal && j > i;
    const shade = (i, j) => colour(jsonOf(rows[i][j]), "probability", 1);
    return {
      rows,
      fillOf: (i, j) => (hidden(i, j) ? empty : shade(i, j).fill),
      tell: (i, j) => (hidden(i, j) ? null : { text: short(jsonOf(rows[i][j])), ink: shade(i, j).ink }),
    };
  }
  const apart = rows.map((row, i) => row.map((w, j) => w - other[i][j]));
  const shade = (i, j) => colour(jsonOf(apart[i][j]), "value", 1);
  return {
    rows: apart,
    fillOf: (i, j) => shade(i, j).fill,
    tell: (i, j) => ({ text: short(jsonOf(apart[i][j])), ink: shade(i, j).ink }),
  };
}

// --- what is shown ---

const headName = ({ layer, h }) => (headsIn(layer) > 1 ? `${inline(layer.name, 30)}, head ${h}` : inline(layer.name, 30));

function storyOfWeight(i, j) {
  const head = HEADS[SEEN.head];
  const [queries, keys] = axesOf(head);
  const arrow = `${inline(queries[i], 16)} → ${inline(keys[j], 16)}`;
  const w = weightsOf(head)[i][j];
  if (SEEN.other === null) return `${arrow}: ${exact(jsonOf(w))}`;
  const v = weightsOf(HEADS[SEEN.other])[i][j];
  return `${arrow}: ${exact(jsonOf(w))} − ${exact(jsonOf(v))} = ${exact(jsonOf(w - v))}`;
}

function axesOf({ at }) {
  return at[2].slice(-2).map((length) => namesFor(length, SEEN.sample));
}

function showHeads() {
  if (!HEADS.length || !isOpen("heads")) return;
  for (const head of HEADS) {
    const rows = weightsOf(head);
    paintSmall(head.canvas, rows, picture(rows).fillOf);
  }
  HEADS.forEach(({ button }, i) => {
    button.setAttribute("aria-pressed", String(i === SEEN.head || i === SEEN.other));
    button.classList.toggle("other", i === SEEN.other);
  });
  showMap();
}

function showMap() {
  const head = HEADS[SEEN.head];
  const other = SEEN.other === null ? null : HEADS[SEEN.other];
  EYE.which.textContent = other ? `${headName(head)} − ${headName(other)}` : headName(head);
  const shown = picture(weightsOf(head), other && weightsOf(other));
  const [queries, keys] = axesOf(head);
  const size = { queries, keys, down: shown.rows.length, across: shown.rows[0].length };
  mapMeasures = measureMap(EYE.map, size, columnWidth(EYE.heads), LARGEST_MAP);
  const { cell, left, top, width, height } = mapMeasures;
  const brush = brushOf(EYE.map, width, height);
  paintCells(brush, shown.rows, shown.fillOf, { left, top, w: cell, h: cell });
  paintNumbers(brush, shown.rows, shown.tell, mapMeasures);
  paintNames(brush, queries, keys, SEEN, mapMeasures);
  ringPointed(brush, SEEN, mapMeasures);
  const pointedAt = SEEN.query !== null && SEEN.key !== null;
  const told = pointedAt ? storyOfWeight(SEEN.query, SEEN.key) : "Row: who looks. Column: at whom.";
  EYE.weight.textContent = told;
  EYE.map.setAttribute("aria-label", `Attention of ${EYE.which.textContent}. Arrow keys walk through it. ${told}`);
}

// Points at a weight, in the map and on the page's cards.
function pointAtWeight(query, key) {
  if (SEEN.query === query && SEEN.key === key) return;
  Object.assign(SEEN, { query, key });
  showMap();
  const { layer, h, at } = HEADS[SEEN.head];
  const card = CARDS.get(layer.id);
  if (!card || ENTIRE || !hasValue(card, STATE.step)) return;
  const row = (SEEN.sample * headsIn(layer) + h) * at[2].at(-2) + query;
  pointAt(query === null ? null : { card, which: "value", row, column: key });
}

// Chooses a head, or one to compare it with.
function chooseHead(i, compares) {
  const able = compares && i !== SEEN.head && sameSize(HEADS[i], HEADS[SEEN.head]);
  if (able) SEEN.other = i === SEEN.other ? null : i;
  else Object.assign(SEEN, { head: i, other: null });
  Object.assign(SEEN, { query: null, key: null });
  EYE.compare.setAttribute("aria-pressed", "false");
  showHeads();
  lightHead();
}

// Frames the chosen head's rows on its card.
function lightHead() {
  const { layer, h, at } = HEADS[SEEN.head];
  if (ENTIRE || !CARDS.has(layer.id)) return;
  const first = (SEEN.sample * headsIn(layer) + h) * at[2].at(-2);
  const rows = Array.from({ length: at[2].at(-2) }, (_, i) => first + i);
  const lights = rows.map((row) => ({ card: layer.id, which: "value", row }));
  showLights(lights);
  lightTables(lights);
}

// --- the start ---

function buildMatrix() {
  for (const layer of READS.heads) {
    EYE.matrix.append(write(make("p", "layer"), layer.name, 40));
    const line = make("div", "maps");
    for (let h = 0; h < headsIn(layer); h++) {
      const button = make("button");
      button.type = "button";
      const head = { ...layer, layer, h, button, canvas: make("canvas") };
      const i = HEADS.push(head) - 1;
      button.append(head.canvas, make("span", "", `head ${h}`));
      button.setAttribute("aria-label", headName(head));
      button.addEventListener("click", (event) => chooseHead(i, event.shiftKey || comparing()));
      line.append(button);
    }
    EYE.matrix.append(line);
  }
}

const comparing = () => EYE.compare.getAttribute("aria-pressed") === "true";

function buildSequences() {
  const count = Math.max(...READS.heads.map(samplesIn));
  EYE.sequence.parentElement.hidden = count < 2;
  for (let i = 0; i < count; i++) EYE.sequence.append(make("option", "", String(i)));
  EYE.sequence.addEventListener("change", () => {
    SEEN.sample = Number(EYE.sequence.value);
    showHeads();
    lightHead();
  });
}

function buildHeads() {
  if (!LIVE || !READS.heads?.length) return;
  buildMatrix();
  buildSequences();
  const { layer, head, sample } = READS.shown ?? {};
  SEEN.head = Math.max(0, HEADS.findIndex((one) => one.layer.name === layer && one.h === head));
  SEEN.sample = sample ?? 0;
  EYE.sequence.value = String(SEEN.sample);
  EYE.compare.hidden = HEADS.length < 2;
  EYE.compare.addEventListener("click", () => EYE.compare.setAttribute("aria-pressed", String(!comparing())));
  const point = (event) => {
    const found = cellOfMap(event, EYE.map, weightsOf(HEADS[SEEN.head]), mapMeasures);
    pointAtWeight(found?.i ?? null, found?.j ?? null);
  };
  EYE.map.addEventListener("pointermove", point);
  EYE.map.addEventListener("pointerdown", point);
  EYE.map.addEventListener("blur", () => pointAtWeight(null, null));
  EYE.map.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse") pointAtWeight(null, null);
  });
  EYE.map.addEventListener("keydown", (event) => {
    const next = stepOnMap(event, SEEN, weightsOf(HEADS[SEEN.head]));
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    pointAtWeight(next.i, next.j);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showHeads);
}
