// What is drawn: a view of the data. Steps that repeat, such as the turns of a loop, are
// folded: one turn has its cards, and a small card stands for the others. What a module
// holds is closed: one card stands for it, until a click opens it (depths.js). The last
// view draws everything.

const DRAWN = new Map(); // id of a card, closed or small one too → where it stands now
const LINE_OF = new Map(); // number of a link → the line that is drawn for it
const HOLDER = new Map(); // id of a hidden card → that of the closed one around it
const WHOLE = DATA.views.length - 1;
let VIEW = null; // with what was opened in it (widening.js)
let viewAt = 0; // its number
let viewKey = null;

// Draws a view; true if that is another one than before.
function drawView(number) {
  const key = [number, PREDICT.on, ...OPENED].join();
  if (key === viewKey) return false;
  [viewKey, viewAt] = [key, number];
  VIEW = widened(DATA.views[number]);
  for (const map of [DRAWN, LINE_OF, HOLDER]) map.clear();
  for (const [id, [x, y]] of Object.entries(VIEW.places)) {
    DRAWN.set(id, Object.assign(CARDS.get(id), { x, y }));
  }
  for (const { title, ...box } of VIEW.closed ?? []) {
    DRAWN.set(box.id, placeClosed(box, title));
    for (const id of DATA.frames[box.id].cards) if (!DRAWN.has(id)) HOLDER.set(id, box.id);
  }
  for (const small of VIEW.folded) DRAWN.set(small.id, small);
  for (const line of VIEW.lines) for (const link of line.links) LINE_OF.set(link, line);
  findSteps();
  dressOperations();
  placeCards();
  buildOpeners();
  buildFolded();
  buildStrips();
  buildClosers();
  buildLinks();
  sizeWorld();
  return true;
}

// Draws the view for the step.
const showView = () => drawView(viewFor(STEPS[Math.ceil(STATE.step)]));

// The cards at the two ends of a link, be they small or closed ones.
function endsOf(link) {
  const { source, target } = LINE_OF.get(link) ?? DATA.links[link] ?? {};
  return [DRAWN.get(source), DRAWN.get(target)];
}

function placeCards() {
  for (const [id, { button }] of VIEWS) {
    const at = DRAWN.get(id);
    button.hidden = !at;
    if (at) Object.assign(button.style, { left: `${at.x}px`, top: `${at.y}px` });
  }
  orderCards();
}

// Tab, and a screen reader, go through the cards in the order of computing; a leaf stands
// before the first that takes it.
function orderCards() {
  const when = new Map(APPEARS);
  for (const { source, target } of DATA.links) {
    if (APPEARS.get(source) >= 0 || !APPEARS.has(target)) continue;
    const before = APPEARS.get(target) - BESIDE;
    if (when.get(source) === -1 || before < when.get(source)) when.set(source, before);
  }
  const drawn = [...VIEWS].filter(([id]) => DRAWN.has(id)).sort(([a], [b]) => when.get(a) - when.get(b));
  const focused = document.activeElement;
  document.getElementById("cards").append(...drawn.map(([, { button }]) => button));
  if (focused !== document.activeElement) focused.focus({ preventScroll: true });
}

// The small cards.
function buildFolded() {
  const parent = document.getElementById("cards");
  for (const old of parent.querySelectorAll(".folded")) old.remove();
  for (const { id, x, y, w, h, title, lines } of VIEW.folded) {
    const button = make("button", "card folded");
    button.type = "button";
    button.dataset.folded = id;
    Object.assign(button.style, { left: `${x}px`, top: `${y}px`, width: `${w}px`, height: `${h}px` });
    button.append(make("span", "card-title"));
    entitle(button, title, w);
    for (const line of lines) button.append(write(make("span", "card-line"), line, 80));
    parent.append(button);
  }
}

// Draws everything, or closes it again.
function unfold(open) {
  STATE.open = open;
  const button = document.getElementById("unfold");
  button.hidden = !WHOLE;
  button.setAttribute("aria-pressed", String(open));
  button.textContent = open ? "close all" : "open all";
  button.title = open ? "Draw a module, or steps that repeat, as one card" : "Draw every card";
}

// Leads to a turn: to the first stop in it, forward or backward as one is going.
function openTurn(card) {
  const back = isBackward(stepNow());
  const steps = STEPS_OF.get(card) ?? [];
  const step = steps.find((i) => isBackward(STEPS[i]) === back) ?? steps[0];
  if (step === undefined) return;
  stop();
  go(atStop(step, 1));
}

function buildFolding() {
  unfold(false);
  document.getElementById("unfold").addEventListener("click", () => {
    unfold(!STATE.open);
    overview = false; // all of it is too small to read: what is near the step
    if (!STATE.open) closeAll();
    showStep();
    CAMERA.moved = false;
    home();
  });
  document.getElementById("cards").addEventListener("click", (event) => {
    const small = event.target.closest(".folded");
    if (small && (dragged < 5 || event.detail === 0)) openTurn(DRAWN.get(small.dataset.folded).opens);
  });
}
