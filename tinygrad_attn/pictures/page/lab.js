// The lab: numbers that can be changed, and what follows from it.

const LAB = document.getElementById("lab");
const EDITOR = document.getElementById("editor");
const TOOLS = Object.fromEntries(
  ["loss", "recorded", "downhill", "rate", "ten", "undo", "reset", "curve", "what"].map((id) => [
    id,
    document.getElementById(id),
  ]),
);
const FIELDS = Object.fromEntries(
  ["number", "drag", "nudge", "before", "told", "edited"].map((id) => [id, document.getElementById(id)]),
);
const EPSILON = 0.01; // a nudge
let chosen = null; // the number that is edited: {card, at, name}
let losses = []; // of the steps downhill, the first before any
let recordedLoss = 0; // L, as it was

const isLeaf = (card) => LIVE !== null && Object.hasOwn(LIVE.part.numbers, card.id);

// --- what follows an edit ---

// Shows all that is different now.
function showEdit(message = "") {
  const changed = fillAll();
  findLargest();
  for (const id of changed) {
    const view = VIEWS.get(id);
    view.painted = "";
    flash(view.button);
  }
  showCards();
  refreshTables();
  grow();
  refreshReasons();
  refreshPaths();
  showLights([]);
  const point = pointed;
  pointed = null;
  pointAt(point);
  showLoss();
  if (chosen) showChosen(false);
  FIELDS.told.textContent = message;
  writeAddress();
}

function showLoss() {
  const now = lossNow();
  TOOLS.loss.textContent = exact(jsonOf(now));
  const same = now === recordedLoss;
  TOOLS.recorded.textContent = same ? "" : `recorded ${exact(jsonOf(recordedLoss))}`;
  TOOLS.undo.disabled = TOOLS.reset.disabled = !DONE.length;
  drawCurve();
  showPast();
  showHeads();
  showWords();
}

// L at each step downhill, as a line.
function drawCurve() {
  TOOLS.curve.hidden = losses.length < 2;
  if (losses.length < 2) return;
  const finite = losses.filter(Number.isFinite);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const x = (i) => 2 + (196 * i) / (losses.length - 1);
  const y = (v) => 38 - (34 * (v - low)) / (high - low || 1);
  const points = losses.map((v, i) => `${x(i).toFixed(1)},${y(Number.isFinite(v) ? v : high).toFixed(1)}`);
  TOOLS.curve.querySelector("polyline").setAttribute("points", points.join(" "));
  const steps = losses.length - 1;
  const told = `${LOSS} after ${steps} ${steps > 1 ? "steps" : "step"} downhill: ${exact(losses[0])} → ${exact(losses.at(-1))}`;
  TOOLS.curve.setAttribute("aria-label", told);
  TOOLS.what.textContent = told;
}

// --- choosing a number ---

function choose(card, row, column) {
  const width = card.value.shape.at(-1) ?? 1;
  const at = row * width + column;
  chosen = { card, at, name: element(nameOf(card), card.value, row, column) };
  if (card.dtype === "bool") {
    edit(numberOf(card.id, at) ? 0 : 1);
    return;
  }
  FIELDS.drag.step = card.dtype === "int64" ? "1" : "any";
  showChosen(true);
}

// The editor of the chosen number. While it is dragged the ends of the slider stay.
function showChosen(anew) {
  const { card, at, name } = chosen;
  const v = numberOf(card.id, at);
  const whole = card.dtype === "int64";
  const first = FIRST.get(keyOf(card.id, at)) ?? v;
  EDITOR.hidden = card.dtype === "bool";
  FIELDS.edited.textContent = name;
  if (document.activeElement !== FIELDS.number) FIELDS.number.value = asTyped(v);
  FIELDS.number.setAttribute("aria-valuenow", v);
  FIELDS.number.setAttribute("aria-label", `the number ${name}`);
  if (anew) {
    const reach = whole ? 10 : Math.max(1, 2 * Math.abs(first));
    FIELDS.drag.min = whole ? 0 : first - reach;
    FIELDS.drag.max = first + reach;
    FIELDS.drag.setAttribute("aria-label", `drag ${name}`);
  }
  FIELDS.drag.value = v;
  FIELDS.before.textContent = v === first ? "" : `before ${exact(jsonOf(first))}`;
  FIELDS.nudge.hidden = whole || !card.gradient || hidesGradient(card);
}

const asTyped = (v) => String(Number(v.toPrecision(6)));

function edit(v) {
  const said = setNumber(chosen.card.id, chosen.at, v);
  losses = [];
  showEdit(said);
}

// ε more: what the gradient says, and what is so.
function nudge() {
  const { card, at, name } = chosen;
  const before = lossNow();
  const v = numberOf(card.id, at);
  const [own, all] = gradientsOf(card.id, at);
  const after = lossIf(card.id, at, v + EPSILON);
  fillAll();
  const part = own === all ? "" : ` (${exact(jsonOf(own))} of it through what is shown here)`;
  FIELDS.told.textContent =
    `${name} + .01: the gradient ${exact(jsonOf(all))}${part} says that ${LOSS} changes by ` +
    `${signed(all * EPSILON)}; it changes by ${signed(after - before)}.`;
}

const signed = (v) => (v > 0 ? "+" : "") + digits(v, 3);

// --- steps downhill ---

function goDownhill(steps) {
  const rate = Number(TOOLS.rate.value);
  if (!(rate > 0)) {
    TOOLS.what.textContent = "The learning rate must be a number above 0.";
    return;
  }
  if (!losses.length) losses = [lossNow()];
  for (let i = 0; i < steps; i++) {
    downhill(rate);
    losses.push(lossNow());
  }
  showEdit();
}

// --- the start ---

function buildLab() {
  const only = document.getElementById("only-plays");
  only.hidden = !DATA.only_plays;
  write(only, DATA.only_plays ?? "", 400);
  if (!LIVE) return;
  document.getElementById("of").textContent = LOSS;
  compute();
  fillAll();
  recordedLoss = lossNow();
  buildPast();
  buildHeads();
  buildWords();
  buildTabs();
  LAB.hidden = false;
  for (const { card, button } of VIEWS.values()) button.classList.toggle("editable", Boolean(isLeaf(card)));
  TOOLS.downhill.addEventListener("click", () => goDownhill(1));
  TOOLS.ten.addEventListener("click", () => goDownhill(10));
  TOOLS.undo.addEventListener("click", () => {
    undo();
    losses = [];
    showEdit();
  });
  TOOLS.reset.addEventListener("click", () => {
    reset();
    losses = [];
    showEdit();
  });
  FIELDS.drag.addEventListener("input", () => edit(Number(FIELDS.drag.value)));
  FIELDS.number.addEventListener("change", () => typed());
  FIELDS.number.addEventListener("keydown", stepByKey);
  FIELDS.nudge.addEventListener("click", nudge);
  const panel = document.getElementById("panel");
  panel.addEventListener("click", (event) => chooseCell(event.target.closest?.("td")));
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !CELLS.has(event.target)) return;
    event.preventDefault();
    chooseCell(event.target);
    if (!EDITOR.hidden) FIELDS.number.focus();
  });
  doAgain(editsOf(location.hash));
  showLoss();
  if (DONE.length) showEdit();
}

// What an address says was done: "#step=3&edit=n3:5=.25,down=.1".
function editsOf(address) {
  const found = /(?:^#|&)edit=([^&]*)/.exec(address);
  return found ? decodeURIComponent(found[1]).split(",").slice(0, 1000) : [];
}

function chooseCell(cell) {
  const point = cell && pointOfCell(cell);
  if (!point || point.which !== "value" || !isLeaf(point.card)) return;
  const { i, j } = CELLS.get(cell);
  if (STATE.step !== LAST) {
    moveTo(LAST); // where everything can follow
    showLeaf(point.card.id);
  }
  TABLES[0].cells[i][j].focus({ preventScroll: true });
  choose(point.card, point.row, point.column);
}

function typed() {
  const v = Number(FIELDS.number.value.replace("−", "-").replace(",", "."));
  if (FIELDS.number.value.trim() === "" || !Number.isFinite(v)) {
    FIELDS.told.textContent = `${FIELDS.number.value || "nothing"} given; it must be a number`;
    FIELDS.number.value = asTyped(numberOf(chosen.card.id, chosen.at));
    return;
  }
  edit(v);
}

function stepByKey(event) {
  const moves = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 };
  if (!(event.key in moves)) return;
  event.preventDefault();
  event.stopPropagation();
  const size = chosen.card.dtype === "int64" ? 1 : EPSILON;
  const v = numberOf(chosen.card.id, chosen.at) + moves[event.key] * size;
  FIELDS.number.value = asTyped(v);
  edit(v);
}
