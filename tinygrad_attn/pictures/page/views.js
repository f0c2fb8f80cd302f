// What is drawn. Steps that repeat, such as the turns of a loop, are folded: one turn has
// its cards, and a small card stands for the others, to which a click leads. Each view of
// the data draws another turn, the last one everything.

const DRAWN = new Map(); // id of a card, or of a small one → where it stands now
const LINE_OF = new Map(); // number of a link → the line that is drawn for it
const WHOLE = DATA.views.length - 1;
let VIEW = null;

// The view for a step: the one at hand, if it draws the step's card.
function viewFor(step) {
  if (STATE.open || !step) return WHOLE;
  if (VIEW && VIEW !== DATA.views[WHOLE] && step.card in VIEW.places) return DATA.views.indexOf(VIEW);
  return CARDS.get(step.card)?.view ?? WHOLE;
}

// Draws the view for the step; true if that is another one than before.
function showView() {
  const next = DATA.views[viewFor(STEPS[STATE.step])];
  if (next === VIEW) return false;
  VIEW = next;
  DRAWN.clear();
  LINE_OF.clear();
  for (const [id, [x, y]] of Object.entries(VIEW.places)) {
    DRAWN.set(id, Object.assign(CARDS.get(id), { x, y }));
  }
  for (const small of VIEW.folded) DRAWN.set(small.id, small);
  for (const line of VIEW.lines) for (const link of line.links) LINE_OF.set(link, line);
  placeCards();
  buildFolded();
  buildLinks();
  sizeWorld();
  return true;
}

// The cards at the two ends of a link, be they small ones.
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
    button.append(write(make("span", "card-title"), title, 60));
    for (const line of lines) button.append(write(make("span", "card-line"), line, 80));
    parent.append(button);
  }
}

// Draws everything, or folds it again.
function unfold(open) {
  STATE.open = open;
  const button = document.getElementById("unfold");
  button.hidden = !WHOLE;
  button.setAttribute("aria-pressed", String(open));
  button.textContent = open ? "fold" : "unfold";
  button.title = open ? "Draw steps that repeat once" : "Draw steps that repeat one by one";
}

// A click on a small card leads to the turn next to the one that is drawn, forward or
// backward as one is going.
function openTurn({ opens }) {
  const back = isBackward(STEPS[STATE.step]);
  const steps = STEPS_OF.get(opens) ?? [];
  const step = steps.find((i) => isBackward(STEPS[i]) === back) ?? steps[0];
  if (step !== undefined) jump(step);
}

function buildFolding() {
  unfold(false);
  document.getElementById("unfold").addEventListener("click", () => {
    unfold(!STATE.open);
    overview = false; // all of it is too small to read: what is near the step
    showStep();
    CAMERA.moved = false;
    home();
  });
  document.getElementById("cards").addEventListener("click", (event) => {
    const small = event.target.closest(".folded");
    if (small && (dragged < 5 || event.detail === 0)) openTurn(DRAWN.get(small.dataset.folded));
  });
}
