// The cards: their HTML, made once, and one canvas each, painted when something changes
// (painting.js).

const MOST_PIXELS = 3e6; // of one canvas
const LABELS = 9.5; // px, above a map
const LEGIBLE = 6; // px on the screen: smaller numbers and labels are not written

// id of a card -> {card, button, canvas, painted, density, legible, told}, and what its
// canvas shows: {frame, places, cells}
const VIEWS = new Map();

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
  button.title = said.map((line) => clipped(line, 400)).join("\n");
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

// Canvases are pixels: after zooming they are painted again, as fine as the screen is.
const DENSITIES = [0.125, 0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8];

function sharpen(zoom, isInView) {
  const wanted = zoom * (onScreen ? PRINTED : window.devicePixelRatio || 1);
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
