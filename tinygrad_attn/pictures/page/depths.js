// Depths: a closed module is one card with the map of its result. A click opens it in
// place, a click on its name closes it again.
//
// Playing goes through a closed module in one step, as through an operation; who wants to
// see how its result came about opens it. So a view has stops: the steps of the cards that
// it draws, and of those inside a closed module the last one, forward and backward.

const CLOSED = new Map(); // id of a frame → its card, which has its result's numbers

function buildClosed() {
  for (const [id, { shows: result }] of Object.entries(DATA.frames ?? {})) {
    const card = { ...CARDS.get(result), id, kind: "closed" };
    CLOSED.set(id, card);
    APPEARS.set(id, APPEARS.get(result));
    GRADIENTS.set(id, GRADIENTS.get(result));
    const { button } = buildCard(card);
    delete button.dataset.card;
    button.dataset.closed = id;
    button.setAttribute("aria-expanded", "false");
  }
}

// A closed module's card, as large as this view has it.
function placeClosed(box, title) {
  const card = Object.assign(CLOSED.get(box.id), box, { formula: title });
  const view = VIEWS.get(box.id);
  view.painted = "";
  PLACES.set(box.id, layCard(card));
  sizeCard(view);
  entitle(view.button, title, card.w);
  return card;
}

// The closed module around a card, or undefined.
const closedAround = (id) => CLOSED.get(HOLDER.get(id));

// --- the view for a step ---

const HOLDS = new Map(); // number of a view → (id of a hidden card → the closed one)

function holdersIn(number) {
  if (!HOLDS.has(number)) {
    const { closed = [], places } = DATA.views[number];
    const pairs = closed.flatMap(({ id }) => DATA.frames[id].cards.map((card) => [card, id]));
    HOLDS.set(number, new Map(pairs.filter(([card]) => !(card in places))));
  }
  return HOLDS.get(number);
}

const draws = (number, id) => id in DATA.views[number].places;
const hasCard = (number, id) => draws(number, id) || holdersIn(number).has(id);

// Of the views that will do, the one in which most of what is open now is open, and little
// else: a module that is open in one turn of a loop is open in the next.
function nearest(from, willDo) {
  const alike = DATA.views[from].alike ?? [];
  let best = WHOLE;
  let most = -Infinity;
  for (let i = 0; i < WHOLE; i++) {
    if (!willDo(i)) continue;
    const own = DATA.views[i].alike;
    let same = 0;
    while (same < own.length && own[same] === alike[same]) same++;
    const worth = 100 * same - own.length;
    if (worth > most) [best, most] = [i, worth];
  }
  return best;
}

// The number of the view at hand; while all is open, of that with which the page begins.
const viewNumber = () => (viewAt === WHOLE ? 0 : viewAt);

// The view for a step: that at hand, if it has the step's card, be it inside a closed one.
function viewFor(step, from = viewNumber()) {
  if (STATE.open || !step) return WHOLE;
  if (hasCard(from, step.card)) return from;
  return nearest(from, (i) => hasCard(i, step.card));
}

// Opens what is closed around a card; true if that was needed.
function openAround(id) {
  const from = viewNumber();
  if (STATE.open || !CARDS.has(id) || draws(from, id)) return false;
  return drawView(nearest(from, (i) => draws(i, id)));
}

// --- stops ---

// Whether there is a stop at a step, or it is only passed inside a closed module.
function isStop(i) {
  if (STATE.open) return true;
  if (!Number.isInteger(i)) return draws(viewFor(STEPS[Math.ceil(i)]), STEPS[Math.ceil(i)].card);
  const holders = holdersIn(viewFor(STEPS[i]));
  const around = holders.get(STEPS[i].card);
  if (around === undefined) return true;
  return !STEPS.some((step, n) => n > i && step.kind === STEPS[i].kind && holders.get(step.card) === around);
}

// The first stop from a step on, forward (1) or back (-1).
function atStop(from, by) {
  const there = ACTIVE.map(([at]) => at).filter((at) => (at - from) * by >= 0);
  if (by < 0) there.reverse();
  return there.find(isStop) ?? STATE.step;
}

const BESIDE = 1e-6; // less than from one step to the next
const stopBeside = (by) => atStop(STATE.step + by * BESIDE, by);

// The steps that the one at hand stands for: those inside a closed module, or it alone.
function stepsAtHand() {
  const around = HOLDER.get(stepNow()?.card);
  if (around === undefined) return STEPS.length ? [STATE.step] : [];
  const { kind } = stepNow();
  const inside = ({ kind: other, card }) => other === kind && HOLDER.get(card) === around;
  return [...STEPS.keys()].filter((n) => inside(STEPS[n]));
}

// The links that they use, as far as they are drawn.
function linksAtWork() {
  const links = stepsAtHand().flatMap((i) => linksOf(stepAt(i)));
  return links.filter((link) => LINE_OF.has(link));
}

// The ids of the drawn cards that a gradient arrives at.
function receiversDrawn() {
  if (!STEPS.length || !isBackward(stepNow())) return new Set();
  return new Set(linksAtWork().map((link) => LINE_OF.get(link).source));
}

// --- opening and closing ---

// Opens a closed module where it stands; what is open beside it closes.
function openFrame(id) {
  if (OPERATIONS.has(id)) {
    openOperation(id);
    return;
  }
  const next = nearest(viewNumber(), (i) => DATA.views[i].open.at(-1) === id);
  if (next === WHOLE) return;
  change(next);
  document.querySelector(`.closer[data-frame="${id}"]`)?.focus({ preventScroll: true });
  showFrame(id);
  tell(`${frameName(id)} is open: ${inFrame(id).length} cards.`);
}

function closeFrame(id) {
  if (OPERATIONS.has(id)) {
    closeOperation(id);
    return;
  }
  const outer = VIEW.open.slice(0, VIEW.open.indexOf(id)).join();
  const shut = ({ closed = [], open }) => open?.join() === outer && closed.some((box) => box.id === id);
  const found = DATA.views.findIndex(shut);
  if (found < 0) return;
  change(found);
  VIEWS.get(id).button.focus({ preventScroll: true });
  home();
  tell(`${frameName(id)} is closed.`);
}

// Closes all that was closed when the page began.
function closeAll() {
  drawView(viewFor(STEPS[Math.ceil(STATE.step)], 0));
  STATE.step = atStop(STATE.step, 1);
}

// Another view, at the step at hand; if a closed module hides that, at the module's.
function change(number) {
  overview = false;
  CAMERA.moved = false;
  drawView(number);
  STATE.step = atStop(STATE.step, 1);
  showStep();
  writeAddress();
}

const tell = (text) => (document.getElementById("announcement").textContent = text);
const clusterOf = (id) => VIEW.clusters.find((c) => c.frame === id && c.name);
const frameName = (id) => inline(clusterOf(id)?.name ?? CLOSED.get(id)?.formula ?? "", 60);

function inFrame(id) {
  const held = new Set(OPERATIONS.has(id) ? OPERATIONS.get(id).cards.map((card) => card.id) : DATA.frames[id].cards);
  if (OPERATIONS.has(id)) held.add(id);
  const inside = (card) => held.has(card.id) || (CLOSED.has(card.id) && held.has(DATA.frames[card.id].shows));
  return [...DRAWN.values()].filter(inside);
}

// Moves to what was opened: to all of it, or where that does not fit, its beginning.
function showFrame(id) {
  const inside = inFrame(id);
  if (!inside.length || fitZoom() >= READABLE) return;
  showAround(inside.reduce((a, b) => (b.x + b.y < a.x + a.y ? b : a)), inside);
}

// The name of an open module closes it.
function buildClosers() {
  const parent = document.getElementById("cards");
  for (const old of parent.querySelectorAll(".closer")) old.remove();
  for (const id of [...(VIEW.open ?? []), ...VIEW.opened].reverse()) {
    const cluster = clusterOf(id);
    if (!cluster) continue;
    const button = make("button", "closer");
    button.type = "button";
    button.dataset.frame = id;
    button.setAttribute("aria-expanded", "true");
    button.title = "Close it: draw it as one card";
    write(button, cluster.name, 60);
    Object.assign(button.style, { left: `${cluster.x + 6}px`, top: `${cluster.y + 3}px` });
    parent.prepend(button);
  }
}

// Where the name of an open module stands in the drawing.
const boxOfCloser = ({ offsetLeft: x, offsetTop: y, offsetWidth: w, offsetHeight: h }) => ({ x, y, w, h });

function buildDepths() {
  document.getElementById("cards").addEventListener("click", (event) => {
    if (dragged >= 5 && event.detail !== 0) return;
    const closed = event.target.closest("[data-closed]");
    const open = event.target.closest(".closer");
    const opener = event.target.closest(".opener");
    if (closed || open || opener) stop();
    if (opener) openFrame(opener.dataset.frame);
    if (closed) openFrame(closed.dataset.closed);
    if (open) closeFrame(open.dataset.frame);
  });
}
