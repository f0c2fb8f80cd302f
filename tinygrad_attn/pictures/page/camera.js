// Where one looks: drag, wheel, pinch, and keeping the step in sight.

const CAMERA = { x: 0, y: 0, zoom: 1, moved: false }; // screen = drawing · zoom + (x, y)
const MARGIN = 16;
const READABLE = 0.5; // below this zoom a card says nothing: follow the steps instead
const NARROW = 500; // px
const STAGE = document.getElementById("stage");
const WORLD = document.getElementById("world");
const FINGERS = new Map(); // pointers that are down
let dragged = 0; // px since the pointer went down: a drag is no click
let settling = 0;
let overview = false; // the first view shows the whole, be it too small to read

let stageAsSeen = null; // to measure it anew at each edit takes longer than all else

function stageSize() {
  stageAsSeen ??= { w: STAGE.clientWidth || 1, h: STAGE.clientHeight || 1 };
  return stageAsSeen;
}

function measureAnew() {
  stageAsSeen = null;
}

function fitZoom() {
  const { w, h } = stageSize();
  const fits = Math.min((w - 2 * MARGIN) / VIEW.width, (h - 2 * MARGIN) / VIEW.height);
  return Math.min(Math.max(fits, 0.02), 1.6);
}

function look(x, y, zoom, smooth = false) {
  const { w, h } = stageSize();
  const keep = 48; // px of the drawing always stay in sight
  CAMERA.zoom = Math.min(Math.max(zoom, Math.min(fitZoom(), 1) / 2), 8);
  CAMERA.x = Math.min(Math.max(x, keep - VIEW.width * CAMERA.zoom), w - keep);
  CAMERA.y = Math.min(Math.max(y, keep - VIEW.height * CAMERA.zoom), h - keep);
  WORLD.classList.toggle("gliding", smooth);
  WORLD.style.setProperty("--thin", String(Math.min(2, Math.max(1, 1 / CAMERA.zoom))));
  growTitles(CAMERA.zoom);
  WORLD.style.transform = `translate(${CAMERA.x}px, ${CAMERA.y}px) scale(${CAMERA.zoom})`;
  clearTimeout(settling);
  settling = setTimeout(settle, 120);
}

function settle() {
  sharpen(CAMERA.zoom, (card) => DRAWN.has(card.id) && inSight(card, 0));
  if (STEPS.length) showRules(stepNow()); // their size goes with the zoom
}

function fit() {
  const { w, h } = stageSize();
  const zoom = fitZoom();
  CAMERA.moved = false;
  look((w - VIEW.width * zoom) / 2, (h - VIEW.height * zoom) / 2, zoom, true);
}

// The whole drawing, or where it would be too small to read, its step.
function home() {
  if (overview && stageSize().w < NARROW && fitZoom() < READABLE) {
    showData();
    return;
  }
  if (overview || fitZoom() >= READABLE) {
    fit();
    return;
  }
  CAMERA.zoom = Math.max(READABLE, Math.min(0.8, stageSize().w / 450));
  follow(true);
}

// On a phone all of it is too small to read: there one begins at the data.
function showData() {
  const data = DATA.cards.find((c) => !c.how && c.kind !== "parameter" && DRAWN.has(c.id));
  const first = data ?? [...DRAWN.values()][0];
  if (!first) return;
  CAMERA.zoom = 0.8;
  showAround(first, [first]);
}

// From the first view to where the numbers can be read.
function approach() {
  if (!overview) return;
  overview = false;
  home();
}

function zoomBy(factor, at = null) {
  const { w, h } = stageSize();
  const { x, y } = at ?? { x: w / 2, y: h / 2 };
  const before = CAMERA.zoom;
  const after = Math.min(Math.max(before * factor, Math.min(fitZoom(), 1) / 2), 8);
  CAMERA.moved = true;
  overview = false;
  // The point under the pointer stays where it is.
  look(x - ((x - CAMERA.x) * after) / before, y - ((y - CAMERA.y) * after) / before, after);
}

function pan(dx, dy) {
  CAMERA.moved = true;
  overview = false;
  look(CAMERA.x + dx, CAMERA.y + dy, CAMERA.zoom);
}

// Whether a card is in sight, asked for many: the stage is measured once.
function sight() {
  const { w, h } = stageSize();
  const { x, y, zoom } = CAMERA;
  return (card) =>
    (card.x + card.w) * zoom + x > 0 && (card.y + card.h) * zoom + y > 0 &&
    card.x * zoom + x < w && card.y * zoom + y < h;
}

function inSight(card, edge) {
  const { w, h } = stageSize();
  const left = card.x * CAMERA.zoom + CAMERA.x;
  const top = card.y * CAMERA.zoom + CAMERA.y;
  const [right, bottom] = [left + card.w * CAMERA.zoom, top + card.h * CAMERA.zoom];
  if (edge === 0) return right > 0 && bottom > 0 && left < w && top < h;
  return left >= 0 && top >= 0 && right <= w && bottom <= h;
}

// Moves to the step's card if it is not in sight; with it, to where its gradient goes.
function follow(always = false) {
  const step = stepNow();
  const card = step && (DRAWN.get(step.card) ?? closedAround(step.card));
  if (!card) return;
  const wanted = [card, ...linksAtWork().flatMap(endsOf)].filter(Boolean);
  if (!always && wanted.every((c) => inSight(c, 1))) return;
  if (!always && CAMERA.moved && inSight(card, 1)) return;
  showAround(card, wanted);
}

function showAround(card, others) {
  const { w, h } = stageSize();
  const box = (cards) => ({
    left: Math.min(...cards.map((c) => c.x)),
    top: Math.min(...cards.map((c) => c.y)),
    right: Math.max(...cards.map((c) => c.x + c.w)),
    bottom: Math.max(...cards.map((c) => c.y + c.h)),
  });
  const zoom = CAMERA.zoom;
  const whole = box(others);
  // On each axis: the middle of all if they fit, otherwise of the card alone.
  const alone = box([card]);
  const fitsX = (whole.right - whole.left) * zoom <= w;
  const fitsY = (whole.bottom - whole.top) * zoom <= h;
  const { left, right } = fitsX ? whole : alone;
  const { top, bottom } = fitsY ? whole : alone;
  look(w / 2 - ((left + right) / 2) * zoom, h / 2 - ((top + bottom) / 2) * zoom, zoom, true);
}

// --- pointers ---

function fromStage(event) {
  const box = STAGE.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
}

function onDown(event) {
  if (event.button > 0) return;
  if (!FINGERS.size) dragged = 0;
  FINGERS.set(event.pointerId, fromStage(event));
}

function onMove(event) {
  const before = FINGERS.get(event.pointerId);
  if (!before) return;
  const now = fromStage(event);
  const [dx, dy] = [now.x - before.x, now.y - before.y];
  dragged += Math.abs(dx) + Math.abs(dy);
  if (dragged < 5) return;
  // Captured only now: a captured pointer's click would miss the card under it.
  if (!STAGE.hasPointerCapture(event.pointerId)) STAGE.setPointerCapture(event.pointerId);
  STAGE.classList.add("dragging");
  FINGERS.set(event.pointerId, now);
  if (FINGERS.size === 1) {
    pan(dx, dy);
    return;
  }
  const other = [...FINGERS.entries()].find(([id]) => id !== event.pointerId)[1];
  const distance = (p) => Math.hypot(p.x - other.x, p.y - other.y) || 1;
  pan(dx / 2, dy / 2);
  zoomBy(distance(now) / distance(before), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
}

function onUp(event) {
  FINGERS.delete(event.pointerId);
  if (!FINGERS.size) STAGE.classList.remove("dragging");
}

function onWheel(event) {
  event.preventDefault();
  const lines = event.deltaMode === 1 ? 16 : 1;
  const speed = event.ctrlKey ? 0.01 : 0.0015; // a pinch on a trackpad comes as ctrl
  const delta = Math.min(Math.max(event.deltaY * lines, -400), 400);
  zoomBy(Math.exp(-delta * speed), fromStage(event));
}

function sizeWorld() {
  WORLD.style.width = `${VIEW.width}px`;
  WORLD.style.height = `${VIEW.height}px`;
}

function buildCamera() {
  STAGE.addEventListener("wheel", onWheel, { passive: false });
  STAGE.addEventListener("pointerdown", onDown);
  STAGE.addEventListener("pointermove", onMove);
  STAGE.addEventListener("pointerup", onUp);
  STAGE.addEventListener("pointercancel", onUp);
  // A browser scrolls to what gets the focus; here the camera moves instead.
  STAGE.addEventListener("scroll", () => STAGE.scrollTo(0, 0));
  STAGE.addEventListener("focusin", (event) => {
    const button = event.target.closest(".card, .opener, .closer");
    const { card: id, folded, closed, frame } = button?.dataset ?? {};
    const card = button?.matches(".closer") ? boxOfCloser(button) : DRAWN.get(id ?? closed ?? folded ?? frame);
    if (card && !inSight(card, 1) && !FINGERS.size) showAround(card, [card]);
  });
  document.getElementById("closer").addEventListener("click", () => zoomBy(1.4));
  document.getElementById("farther").addEventListener("click", () => zoomBy(1 / 1.4));
  document.getElementById("fit").addEventListener("click", fit);
  window.addEventListener("resize", measureAnew);
  new ResizeObserver(() => {
    if (onScreen) return; // it is being printed
    measureAnew();
    if (!CAMERA.moved) home();
  }).observe(STAGE);
}
