// Operations that open: an operation is one card, until a click opens it in place into its
// steps, such as softmax into exp, sum and a quotient. Its own card is then the last of
// them. operations.py says what the data have; widening.js makes room.
//
// A step of an operation stands between two steps of the page: of three, that before the
// last of step 7 is at 6 ⅔. It is called "7b".

const OPERATIONS = new Map(); // id of a card → its data, `steps` by kind, and its program
const OPENED = new Set(); // the ids of those that are open
let ACTIVE = STEPS.map((step, i) => [i, step]); // the steps as they are played: [position, step]
let AT = new Map(ACTIVE);

const isOpened = (id) => OPENED.has(id) && DRAWN.has(id) && !PREDICT.on;
const opensSteps = (id) => OPERATIONS.has(id) && !OPENED.has(id) && !PREDICT.on;
const stepAt = (position) => AT.get(position) ?? STEPS[Math.ceil(position)];
const stepNow = () => stepAt(STATE.step);
const firstStep = () => ACTIVE[0]?.[0] ?? 0; // below 0 where the first operation is open
const stepLabel = (position) => `${Math.ceil(position) + 1}${AT.get(position)?.letter ?? ""}`;

// Whether a link is one of those that are drawn now: of an operation the links into it,
// or while it is open those inside.
const holds = ({ of, target }) => (of === undefined ? !isOpened(target) : isOpened(of));

// --- the data, made part of the page's ---

// A grid without numbers yet: `alike` has its rows and columns.
function emptyGrid(alike, own, truth = false) {
  const { shape, rows, columns, labels } = alike;
  const numbers = rows.map(() => columns.map(() => (truth ? false : 0)));
  return { shape, rows, columns, labels, palette: "gradient", largest: 0, power: 0, least: null, ...own, numbers };
}

function addOperation(id, data) {
  const card = CARDS.get(id);
  const { formula, sentence, why, source, how } = card;
  const operation = { ...data, own: { formula, sentence, why, source, how }, base: DATA.links.length };
  for (const link of data.links) DATA.links.push({ ...link, of: id });
  for (const inner of data.cards) {
    inner.value = emptyGrid(inner.value, inner.value, inner.dtype === "bool");
    inner.gradient &&= emptyGrid(inner.value, inner.gradient);
    inner.of = id;
    inner.place = inner.at;
    inner.at = null; // its numbers are not the page's program's
    CARDS.set(inner.id, inner);
    PLACES.set(inner.id, layCard(inner));
    APPEARS.set(inner.id, -1);
    GRADIENTS.set(inner.id, []);
  }
  operation.steps = { forward: placed(id, data, "forward"), backward: placed(id, data, "backward") };
  for (const [at, step] of operation.steps.forward) if (step.card !== id) APPEARS.set(step.card, at);
  for (const [at, step] of operation.steps.backward) {
    for (const send of step.sends) {
      send.link += operation.base;
      for (const which of ["grid", "so_far"]) send[which] = emptyGrid(CARDS.get(send.to).value, send[which]);
      // After the last step inside, what the whole operation sent is there.
      if (Number.isInteger(at) && CARDS.get(send.to).at) continue;
      GRADIENTS.get(send.to).push([at, send.so_far]);
      GRADIENTS.get(send.to).sort((a, b) => a[0] - b[0]);
    }
  }
  for (const inner of data.cards) {
    const all = [...operation.steps.forward, ...operation.steps.backward];
    STEPS_OF.set(inner.id, all.filter(([, step]) => step.card === inner.id).map(([at]) => at));
  }
  OPERATIONS.set(id, operation);
}

// The steps of one kind, each at its place before the operation's own step, the last at it.
function placed(id, { steps }, kind) {
  const at = STEPS.findIndex((step) => step.card === id && step.kind === kind);
  const own = at < 0 ? [] : steps.filter((step) => step.kind === kind);
  return own.map((step, i) => {
    step.letter = String.fromCharCode(97 + Math.min(i, 25));
    return [i + 1 < own.length ? at - 1 + (i + 1) / own.length : at, step];
  });
}

// Of an open operation what its card says is what the last of its steps does.
function dressOperations() {
  for (const [id, { own, last }] of OPERATIONS) {
    const words = isOpened(id) ? last : own;
    const card = CARDS.get(id);
    if (card.how === words.how) continue;
    Object.assign(card, words);
    entitle(VIEWS.get(id).button, card.formula, card.w);
    VIEWS.get(id).painted = "";
  }
}

// A card's steps as they are played now.
function stepsOfCard(id) {
  const own = () => ACTIVE.filter(([, step]) => step.card === id).map(([at]) => at);
  return isOpened(id) ? own() : (STEPS_OF.get(id) ?? []);
}

// Finds the steps as they are played now, and counts the paths by which gradients come.
function findSteps() {
  ACTIVE = STEPS.flatMap((step, i) => {
    const inside = isOpened(step.card) ? (OPERATIONS.get(step.card).steps[step.kind] ?? []) : [];
    return inside.length ? inside : [[i, step]];
  });
  AT = new Map(ACTIVE);
  if (!AT.has(STATE.step)) STATE.step = Math.ceil(STATE.step);
  const arrived = new Map();
  const count = (id) => arrived.set(id, (arrived.get(id) ?? 0) + 1).get(id);
  for (const [, step] of ACTIVE) {
    if (step.kind === "seed" && step.grid) count(step.card);
    for (const send of step.sends ?? []) send.path = count(send.to);
  }
  for (const [, step] of ACTIVE) {
    if (step.kind === "seed" && step.grid) step.paths = arrived.get(step.card);
    for (const send of step.sends ?? []) send.paths = arrived.get(send.to);
  }
}

// All cards as they are drawn now, each after those that it is made from.
const cardsNow = () => DATA.cards.flatMap((card) => (isOpened(card.id) ? [...OPERATIONS.get(card.id).cards, card] : [card]));

// --- its numbers ---

// The program that computes what a card sends back, the card's name in it, and where it
// takes the gradient that has arrived.
function senderOf(id) {
  if (isOpened(id)) {
    const { program, root } = OPERATIONS.get(id);
    return { program, name: root.name, place: root.gradient };
  }
  const { of, place, at } = CARDS.get(id);
  if (of === undefined) return { program: PROGRAM, name: id, place: at.gradient };
  return { program: OPERATIONS.get(of).program, name: id.slice(of.length + 1), place: place.gradient };
}

// Where the gradient of a card lies.
function arrivedIn({ of, at, place }) {
  return of === undefined ? numbersAt(PROGRAM, at.gradient) : numbersAt(OPERATIONS.get(of).program, place.gradient);
}

function runOperation({ program, inputs, seed }, id) {
  const { arrays } = program;
  for (const [own, outer] of Object.entries(inputs)) {
    const numbers = numbersAt(PROGRAM, CARDS.get(outer).at.value);
    for (let i = 0; i < numbers.length; i++) arrays[own][i] = numbers[i];
  }
  if (seed) numbersAt(PROGRAM, CARDS.get(id).at.gradient).forEach((v, i) => (arrays[seed][i] = v));
  program.run();
}

// Brings the grids inside to what its program computes; `before`: a card → what it had
// received before this operation; `put` takes (id, grid, numbers).
function fillOperation(id, before, put) {
  const operation = OPERATIONS.get(id);
  const { program, cards, steps } = operation;
  runOperation(operation, id);
  for (const card of cards) {
    put(card.id, card.value, numbersAt(program, card.place.value));
    if (card.place.gradient) put(card.id, card.gradient, numbersAt(program, card.place.gradient));
  }
  const so_far = new Map();
  for (const send of steps.backward.flatMap(([, step]) => step.sends)) {
    const share = numbersAt(program, send.at);
    const sum = so_far.get(send.to) ?? before.get(send.to);
    so_far.set(send.to, sum ? share.map((v, i) => v + sum[i]) : share);
    put(send.to, send.grid, share);
    put(send.to, send.so_far, so_far.get(send.to));
  }
}

function* gridsInside({ cards, steps }) {
  for (const card of cards) yield* [card.value, card.gradient];
  for (const [, step] of steps.backward) for (const send of step.sends) yield* [send.grid, send.so_far];
}

// Its cards and its program, at the first opening; and what its numbers were, as recorded.
function startOperation(id) {
  const operation = OPERATIONS.get(id);
  if (typeof operation.program !== "number") return;
  for (const card of operation.cards) titled(buildCard(card));
  const numbers = { ...operation.numbers };
  for (const [own, outer] of Object.entries(operation.inputs)) {
    numbers[own] = numbersAt(PROGRAM, CARDS.get(outer).at.value);
  }
  const { seed } = operation;
  if (seed) numbers[seed] = numbersAt(PROGRAM, CARDS.get(id).at.gradient);
  operation.program = running(createInside[operation.program], { numbers });
  const back = looksBack();
  lookBack(true);
  fillAll();
  for (const grid of gridsInside(operation)) if (grid) keepGrid(grid);
  lookBack(back);
}

// --- opening and closing ---

function openOperation(id) {
  settleFirst();
  closePaths();
  stop();
  OPENED.add(id);
  startOperation(id);
  const { card, kind } = STEPS[Math.ceil(STATE.step)];
  if (card === id) STATE.step = OPERATIONS.get(id).steps[kind]?.[0]?.[0] ?? STATE.step; // its first
  showOperation(id);
  document.querySelector(`.closer[data-frame="${id}"]`)?.focus({ preventScroll: true });
  showFrame(id);
  tell(`${OPERATIONS.get(id).title} is open: ${inFrame(id).length} cards.`);
}

function closeOperation(id) {
  closePaths();
  OPENED.delete(id);
  STATE.step = Math.ceil(STATE.step);
  showOperation(id);
  VIEWS.get(id).button.focus({ preventScroll: true });
  tell(`${OPERATIONS.get(id).title} is closed.`);
}

function showOperation(id) {
  overview = false;
  fillAll();
  findLargest();
  for (const card of OPERATIONS.get(id).cards) VIEWS.get(card.id).painted = "";
  showStep(true);
  writeAddress();
}

// Beside the name of a card that opens: a button for it.
function buildOpeners() {
  const parent = document.getElementById("cards");
  for (const old of parent.querySelectorAll(".opener")) old.remove();
  for (const id of OPERATIONS.keys()) {
    VIEWS.get(id).button.classList.toggle("opens", opensSteps(id));
    if (!DRAWN.has(id) || !opensSteps(id)) continue;
    const { x, y, w } = DRAWN.get(id);
    const button = make("button", "opener", "+");
    button.type = "button";
    button.dataset.frame = id;
    button.setAttribute("aria-expanded", "false");
    button.setAttribute("aria-label", `open ${inline(OPERATIONS.get(id).title, 40)}, which makes ${nameOf(CARDS.get(id))}`);
    button.title = "Open it: draw its steps";
    Object.assign(button.style, { left: `${x + w - 24}px`, top: `${y}px` });
    VIEWS.get(id).button.after(button);
  }
}

function openerInPanel(id) {
  const button = make("button", "to-inside", `open ${inline(OPERATIONS.get(id).title, 40)}`);
  button.type = "button";
  button.dataset.opens = id;
  return button;
}

// Opens what an address says is open, and goes to the step that it names: "step=7b".
function openNamed(address) {
  const ids = /(?:^#|&)ops=([^&]*)/.exec(address)?.[1].split(",") ?? [];
  for (const id of ids) {
    if (!OPERATIONS.has(id) || OPENED.has(id)) continue;
    OPENED.add(id);
    startOperation(id);
  }
  if (!OPENED.size) return;
  fillAll();
  findLargest();
  showStep(true);
  const label = /(?:^#|&)step=(\d+[a-z])(?:&|$)/.exec(address)?.[1];
  const found = ACTIVE.find(([at]) => stepLabel(at) === label);
  if (found) go(found[0]);
}

function buildOperations() {
  if (!LIVE) return;
  for (const [id, data] of Object.entries(DATA.operations ?? {})) addOperation(id, data);
}
