// The lab: numbers that can be changed, and what follows from it.

const LAB = document.getElementById("lab");
const EDITOR = document.getElementById("editor");
const byId = (ids) => Object.fromEntries(ids.map((id) => [id, document.getElementById(id)]));
const TOOLS = byId([
  ...["loss", "recorded", "back", "more", "downhill", "run", "steps", "rate"],
  ...["undo", "reset", "curve", "what"],
]);
const FIELDS = byId(["number", "drag", "nudge", "before", "told", "follows", "edited", "edited-paths"]);
const EPSILON = 0.01; // a nudge
const EDIT_MS = 12; // of a frame's 16, for what an edit shows at once
const GLOWS = 0.3; // below this zoom a card's glow is not seen
let chosen = null; // the number that is edited: {card, id, at, name, given}
let recordedLoss = 0; // L, as it was

const isLeaf = (card) => LIVE !== null && Object.hasOwn(LIVE.part.numbers, card.id);

// What goes on, or looks back, ends before something is changed.
function settleFirst() {
  stopRun();
  if (!looksBack()) return;
  lookBack(false);
  showEdit();
}

// --- what follows an edit ---

// Shows all that is different now. `flashes`: whether that glows.
function showEdit(message = "", flashes = true) {
  const start = performance.now();
  const changed = fillAll();
  followIndices();
  restate();
  findLargest();
  const lit = [];
  const isSeen = sight();
  for (const id of changed) {
    const view = VIEWS.get(id);
    view.painted = "";
    if (CAMERA.zoom >= GLOWS && DRAWN.has(id) && isSeen(view.card)) lit.push(view.button);
  }
  showCards(Math.max(2, EDIT_MS - (performance.now() - start)));
  const tokens = tokensNow();
  if (String(tokens) !== String(DATA.tokens)) {
    DATA.tokens = tokens;
    showPanel();
  }
  lit.push(...refreshTables());
  refreshGiven();
  grow();
  refreshReasons();
  refreshPaths();
  flash(flashes ? lit : []);
  showLights([]);
  const point = pointed;
  pointed = null;
  pointAt(point);
  showLoss();
  showSwitches();
  if (chosen) showChosen(false);
  FIELDS.told.textContent = message;
  remember();
}

function showLoss() {
  const now = lossNow();
  TOOLS.loss.textContent = exact(jsonOf(now));
  const same = Object.is(now, recordedLoss);
  const before = same ? "" : `was ${exact(jsonOf(recordedLoss))}`;
  TOOLS.recorded.textContent = looksBack() ? "as recorded" : before;
  TOOLS.undo.disabled = TOOLS.reset.disabled = !DONE.length;
  TOOLS.back.disabled = !DONE.length;
  TOOLS.back.setAttribute("aria-pressed", String(looksBack()));
  LAB.classList.toggle("back", looksBack());
  drawCurve();
  showPast();
  showHeads();
  showWords();
}

// The address is written now and then: browsers refuse more than 200 in half a minute.
const REST = 400; // ms
let remembered = 0;
let later = 0;

function remember() {
  clearTimeout(later);
  const wait = remembered + REST - performance.now();
  if (wait > 0) {
    later = setTimeout(remember, wait);
    return;
  }
  remembered = performance.now();
  writeAddress();
}

// --- choosing a number ---

function chooseNumber(number) {
  chosen = number;
  closePaths();
  markChosen();
  if (dtypeOf(number) === "bool") {
    edit(numberOf(number.id, number.at) ? 0 : 1);
    return;
  }
  const everywhere = "This is one number of the whole computation: it changes wherever it is used.";
  FIELDS.told.textContent = number.given && ENTIRE ? everywhere : "";
  showChosen(true);
}

// The chosen number as what can be pointed at.
function pointOfChosen() {
  const { card, at } = chosen;
  const width = card.value.shape.at(-1) ?? 1;
  return { card, which: "value", row: Math.floor(at / width), column: at % width, send: null };
}

const dtypeOf = ({ card, given }) => (given ? "float64" : card.dtype);
const most = ({ id, given }) => (given ? undefined : LIVE.switches.most[id]);

// A whole number that the chosen one may be: indices have a largest.
function within(v) {
  const end = most(chosen);
  return end === undefined ? v : Math.min(Math.max(v, 0), end);
}

function closeEditor() {
  chosen = null;
  EDITOR.hidden = true;
}

// The editor of the chosen number. While it is dragged the ends of the slider stay.
function showChosen(anew) {
  const { card, id, at, name, given } = chosen;
  const v = numberOf(id, at);
  const whole = dtypeOf(chosen) === "int64";
  const first = recordedOf(id, at);
  EDITOR.hidden = dtypeOf(chosen) === "bool";
  FIELDS.edited.textContent = name;
  if (anew || document.activeElement !== FIELDS.number) FIELDS.number.value = asTyped(v);
  const { number, drag } = FIELDS;
  number.setAttribute("aria-label", `the number ${name}`);
  if (Number.isFinite(v)) number.setAttribute("aria-valuenow", v);
  else number.removeAttribute("aria-valuenow");
  number.setAttribute("aria-valuetext", `${exact(jsonOf(v))}, ${LOSS} ${exact(jsonOf(lossNow()))}`);
  if (anew) {
    const middle = Number.isFinite(first) ? first : 0;
    const reach = whole ? 10 : Math.max(1, 2 * Math.abs(middle));
    const end = most(chosen);
    drag.step = whole ? "1" : "any";
    drag.min = whole ? 0 : middle - reach;
    drag.max = end ?? middle + reach;
    drag.setAttribute("aria-label", `drag ${name}`);
    for (const [key, limit] of [["min", end && 0], ["max", end]]) {
      if (limit === undefined) number.removeAttribute(`aria-value${key}`);
      else number.setAttribute(`aria-value${key}`, limit);
    }
  }
  drag.value = v;
  FIELDS.before.textContent = Object.is(v, first) ? "" : `before ${exact(jsonOf(first))}`;
  const [was, is] = [recordedLoss, lossNow()].map((x) => exact(jsonOf(x)));
  FIELDS.follows.textContent = was === is ? "" : `${LOSS} ${was} → ${is}`;
  FIELDS["edited-paths"].hidden = given || !hasPaths(pointOfChosen());
  FIELDS.nudge.hidden = whole || given || !card.gradient || hidesGradient(card) || !Number.isFinite(v);
}

const asTyped = (v) => (Number.isFinite(v) ? String(Number(v.toPrecision(6))) : String(jsonOf(v)));

function edit(v) {
  settleFirst();
  const said = setNumber(chosen.id, chosen.at, v);
  if (!said) losses = [];
  TOOLS.what.textContent = "";
  showEdit(said);
}

// ε more: what the gradient says, and what is so.
function nudge() {
  settleFirst();
  const { id, at, name } = chosen;
  const before = lossNow();
  const v = numberOf(id, at);
  const [own, all] = gradientsOf(id, at);
  const after = lossIf(id, at, v + EPSILON);
  fillAll();
  const part = own === all ? "" : ` (${exact(jsonOf(own))} of it through what is shown here)`;
  FIELDS.told.textContent =
    `${name} + .01: the gradient ${exact(jsonOf(all))}${part} says that ${LOSS} changes by ` +
    `${signed(all * EPSILON)}; it changes by ${signed(after - before)}.`;
}

const signed = (v) => (Number.isFinite(v) ? (v > 0 ? "+" : "") + digits(v, 3) : exact(jsonOf(v)));

function typed() {
  const text = FIELDS.number.value.trim();
  const v = Number(text.replace("−", "-").replace(",", "."));
  if (text === asTyped(numberOf(chosen.id, chosen.at))) return;
  if (text === "" || !Number.isFinite(v)) {
    FIELDS.told.textContent = `${clipped(text, 40) || "nothing"} given; it must be a number`;
    FIELDS.number.value = asTyped(numberOf(chosen.id, chosen.at));
    return;
  }
  edit(v);
  FIELDS.number.value = asTyped(numberOf(chosen.id, chosen.at));
}

function stepByKey(event) {
  const moves = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 };
  if (!(event.key in moves)) return;
  event.preventDefault();
  event.stopPropagation();
  const v = numberOf(chosen.id, chosen.at);
  const by = moves[event.key];
  edit(dtypeOf(chosen) === "int64" ? within(v + by) : Number((v + by * EPSILON).toPrecision(12)));
  FIELDS.number.value = asTyped(numberOf(chosen.id, chosen.at));
}

// --- the start ---

function takeBack(all) {
  settleFirst();
  const last = all ? reset() : undo();
  losses = last?.losses ?? [];
  TOOLS.what.textContent = "";
  showEdit();
}

// Of a part whose whole is not there L is not known, only what its results add to it.
const lossName = () =>
  ENTIRE || !Object.keys(LIVE.part.numbers).some((id) => id.startsWith("seed_"))
    ? LOSS
    : `what this part adds to ${LOSS}`;

function buildLab() {
  const only = document.getElementById("only-plays");
  only.hidden = !DATA.only_plays;
  write(only, DATA.only_plays ?? "", 400);
  if (!LIVE) return;
  document.getElementById("of").textContent = lossName();
  compute();
  keepRecorded();
  fillAll();
  keepGrids();
  keepSaid();
  recordedLoss = lossNow();
  buildPast();
  buildHeads();
  buildWords();
  buildTabs();
  LAB.hidden = false;
  for (const { card, button } of VIEWS.values()) button.classList.toggle("editable", Boolean(isLeaf(card)));
  buildSwitches();
  buildHandles();
  TOOLS.more.addEventListener("click", () => {
    TOOLS.more.setAttribute("aria-expanded", String(LAB.classList.toggle("open")));
  });
  TOOLS.downhill.addEventListener("click", () => goDownhill(1));
  TOOLS.run.addEventListener("click", () => (run ? stopRun() : goDownhill(Number(TOOLS.steps.value))));
  TOOLS.undo.addEventListener("click", () => takeBack(false));
  TOOLS.reset.addEventListener("click", () => takeBack(true));
  TOOLS.back.addEventListener("click", () => {
    stopRun();
    lookBack(!looksBack());
    showEdit("", false);
  });
  FIELDS.drag.addEventListener("input", () => edit(Number(FIELDS.drag.value)));
  FIELDS.number.addEventListener("change", () => typed());
  FIELDS.number.addEventListener("keydown", stepByKey);
  FIELDS.nudge.addEventListener("click", nudge);
  window.addEventListener("hashchange", () => beginAgain());
  window.addEventListener("pagehide", () => later && writeAddress());
  doAgain(editsOf(location.hash));
  showLoss();
  warmUp(6);
  if (DONE.length) showEdit("", false);
}

// Another address has come, with other edits.
function beginAgain() {
  const wanted = editsOf(location.hash);
  if (wanted.join() === DONE.map(({ op }) => op).join()) return;
  stopRun();
  reset();
  doAgain(wanted);
  losses = [];
  showEdit();
}

// What an address says was done: "#step=3&edit=n3:5=.25,down=.1x20".
function editsOf(address) {
  const found = /(?:^#|&)edit=([^&]*)/.exec(address);
  if (!found) return [];
  try {
    return decodeURIComponent(found[1]).split(",").slice(0, 1000);
  } catch {
    return []; // it was cut off in the middle of a letter
  }
}
