// Switches: a mask off, attention without √d_k, two tokens in each other's place. Each is
// one thing done, and has a way back.

const SWITCHES = document.getElementById("switches");
let picking = null; // the label that was clicked first: {id, at}; {} while none was
const TOKENS = DATA.tokens; // as recorded

// What a switch changes: [[id, at, number when it is thrown]].
function cellsOfSwitch(id) {
  const { masks, scales } = LIVE.switches;
  if (scales.includes(id)) return scales.map((name) => [name, 0, 1]);
  const [, ids, off] = masks.find(([, leaves]) => leaves[0] === id) ?? [null, []];
  return ids.flatMap((leaf) => numbersAt(PROGRAM, CARDS.get(leaf).at.value).map((_, at) => [leaf, at, off]));
}

const isThrown = (id) => cellsOfSwitch(id).every(([leaf, at, v]) => numberOf(leaf, at) === v);
const wasThrown = (id) => cellsOfSwitch(id).every(([leaf, at, v]) => recordedOf(leaf, at) === v);

// Throws a switch, or puts back what was recorded.
function throwSwitch(id, off) {
  const cells = cellsOfSwitch(id);
  if (!cells.length) return "";
  const numbers = cells.map(([leaf, at, v]) => [...homeOf(leaf, at), off ? v : recordedOf(leaf, at)]);
  return changeNumbers(`${off ? "off" : "on"}=${id}`, numbers);
}

function flip(id, label) {
  settleFirst();
  const before = lossNow();
  const off = !isThrown(id);
  const last = lastDone() === `off=${id}`;
  const refused = last ? "" : throwSwitch(id, off);
  if (last) undo();
  losses = [];
  showEdit();
  const what = off ? label : `${label}, taken back`;
  TOOLS.what.textContent = refused || `${what}: ${lossFrom(before)}`;
}

// What became of the loss, in words.
function lossFrom(before) {
  const [was, is] = [before, lossNow()].map((v) => exact(jsonOf(v)));
  return was === is ? `${LOSS} stays ${is}.` : `${LOSS} ${was} → ${is}.`;
}

// --- two tokens in each other's place ---

// The rows or columns of a leaf that may change places: {id, axis, word}, or undefined.
function exchange(id) {
  const found = LIVE.switches.tokens.find(([leaf]) => leaf === id);
  return found && { id, axis: found[1], word: found[2] };
}

// Exchanges two rows, or two columns in all rows.
function swap({ id, axis }, first, second) {
  const { shape } = CARDS.get(id).value;
  const width = shape.at(-1);
  const height = product(shape) / width;
  const pairs =
    axis === "row"
      ? Array.from({ length: width }, (_, j) => [first * width + j, second * width + j])
      : Array.from({ length: height }, (_, i) => [i * width + first, i * width + second]);
  const numbers = pairs.flatMap(([p, q]) => [
    [...homeOf(id, p), numberOf(id, q)],
    [...homeOf(id, q), numberOf(id, p)],
  ]);
  return changeNumbers(`swap=${id}:${first}:${second}`, numbers);
}

function swapAgain(id, ...places) {
  const found = exchange(id);
  const [first, second] = places.map(Number);
  const { shape } = found ? CARDS.get(id).value : { shape: [] };
  const end = found?.axis === "row" ? product(shape.slice(0, -1)) : shape.at(-1);
  const fits = (at) => Number.isInteger(at) && at >= 0 && at < end;
  if (found && places.length === 2 && fits(first) && fits(second)) swap(found, first, second);
}

function pickLabel(id, at) {
  const found = exchange(id);
  if (picking?.id !== id) picking = { id, at };
  else if (picking.at === at) picking = { id: null };
  else {
    settleFirst();
    const before = lossNow();
    const said = swap(found, picking.at, at);
    const names = [picking.at, at].join(" and ");
    picking = null;
    losses = [];
    showEdit();
    TOOLS.what.textContent = said || `${found.word}s ${names} changed places: ${lossFrom(before)}`;
  }
  offerLabels();
}

function startSwap() {
  picking = picking ? null : { id: null };
  const [id, , word] = LIVE.switches.tokens[0];
  if (picking && !exchange(STATE.leaf)) showLeaf(id);
  offerLabels();
  TOOLS.what.textContent = picking ? `Choose two ${word}s: click one label, then another.` : "";
}

// While two are to be chosen, the labels of a leaf's rows or columns are buttons.
function offerLabels() {
  document.getElementById("swap")?.setAttribute("aria-pressed", String(picking !== null));
  const found = picking && STATE.leaf && exchange(STATE.leaf);
  if (!found) {
    for (const old of EXPLANATION.querySelectorAll("button.pick")) old.replaceWith(...old.childNodes);
    return;
  }
  const { grid, element: table } = TABLES[0]; // the leaf's value
  const [labels, places] =
    found.axis === "column" ? ["thead th", grid.columns] : ["tbody th", grid.rows];
  table.querySelectorAll(labels).forEach((label, i) => labelAsButton(label, places[i], found));
}

function labelAsButton(label, at, found) {
  const old = label.querySelector("button");
  const button = old ?? make("button", "pick");
  if (!old) {
    button.type = "button";
    button.append(...label.childNodes);
    button.addEventListener("click", () => pickLabel(found.id, at));
    label.append(button);
  }
  button.setAttribute("aria-pressed", String(picking.id === found.id && picking.at === at));
}

// Labels stand beside the rows of every card: what they name moves with the rows of a
// leaf. (Of indices words.js knows the names.) With several sequences they cannot tell
// which one has changed, and say so.
function tokensNow() {
  if (!TOKENS) return TOKENS;
  const tokens = [...TOKENS];
  for (const { op } of looksBack() ? [] : DONE) {
    const [, id, first, second] = /^swap=(\w+):(\d+):(\d+)$/.exec(op) ?? [];
    const { shape } = id ? CARDS.get(id).value : { shape: [] };
    if (!id || exchange(id)?.axis !== "row" || shape.at(-2) !== TOKENS.length) continue;
    if (product(shape) !== TOKENS.length * shape.at(-1)) return TOKENS.map(() => "?");
    [tokens[first], tokens[second]] = [tokens[second], tokens[first]];
  }
  return tokens;
}

// --- the buttons ---

function addSwitch(label, title, flipped) {
  const button = make("button", "", label);
  button.type = "button";
  button.title = title;
  button.addEventListener("click", () => flipped());
  SWITCHES.querySelector("p").append(button);
  return button;
}

function buildSwitches() {
  const { masks, computed, scales, tokens } = LIVE.switches;
  for (const [name, [id]] of masks) {
    const label = `${inline(name)} off`;
    if (!wasThrown(id)) addSwitch(label, "Every query may attend to every key", () => flip(id, label)).dataset.id = id;
  }
  if (scales.length && !wasThrown(scales[0])) {
    const label = "without √d_k";
    addSwitch(label, "The scores of all heads keep the size of their products", () => flip(scales[0], label)).dataset.id = scales[0];
  }
  if (tokens.length) {
    addSwitch(`swap two ${tokens[0][2]}s`, "Two of them change places", startSwap).id = "swap";
  }
  for (const name of computed) {
    const told = `${inline(name)} is computed here: it follows the numbers that it is made from, and has no switch of its own.`;
    SWITCHES.append(make("p", "note", told));
  }
  SWITCHES.hidden = !SWITCHES.querySelector("button, .note");
}

function showSwitches() {
  for (const button of SWITCHES.querySelectorAll("[data-id]")) {
    button.setAttribute("aria-pressed", String(isThrown(button.dataset.id)));
  }
}
