// The player: buttons, keys, the scrubber, the address, and the order in which a step is
// shown.

const CONTROLS = Object.fromEntries(
  ["first", "previous", "play", "next", "last", "scrubber", "count", "speed", "shared"].map(
    (id) => [id, document.getElementById(id)],
  ),
);
const PAUSE = 1600; // ms per step at speed 1
const LAST = Math.max(STEPS.length - 1, 0);
let timer = 0;

function showStep(anew = false) {
  STATE.leaf = null;
  const changed = showView() || anew;
  document.body.classList.toggle("begun", stepsAtHand()[0] > 0);
  pointAt(null);
  plant(null);
  showPanel();
  showCards();
  showLinks();
  follow(changed && !overview);
  document.getElementById("panel").scrollTop = 0;
  showQuestion();
  const { scrubber, count, first, previous, next, last } = CONTROLS;
  const text = STEPS.length ? `${stepNumbers()} / ${STEPS.length}` : "0 / 0";
  count.textContent = text;
  scrubber.value = String(Math.ceil(STATE.step));
  scrubber.setAttribute("aria-valuetext", `step ${text.replace("/", "of")}`);
  // Disabled buttons would lose the focus, and with it the place of a keyboard's user.
  for (const button of [first, previous]) button.setAttribute("aria-disabled", stepsAtHand()[0] === firstStep());
  for (const button of [next, last]) button.setAttribute("aria-disabled", STATE.step === LAST);
  document.getElementById("announcement").textContent = announcement();
}

function go(step, anew = false) {
  const target = Math.min(step, openQuestion());
  if (isHidden(target) && openAround(STEPS[Math.ceil(target)].card)) anew = true;
  if (target === STATE.step && !anew) return;
  STATE.step = target;
  closePaths();
  approach();
  showStep(anew);
  writeAddress();
}

// To a step of the user's choice: it ends playing, and opens what hides the step.
function jump(step) {
  stop();
  openTab("step");
  const target = Math.min(Math.max(step, firstStep()), LAST);
  go(target, openAround(STEPS[Math.ceil(target)]?.card));
}

// To a step, or where a closed module hides it, to the module's: it ends playing.
function moveTo(step) {
  stop();
  openTab("step");
  go(atStop(step, 1));
}

// To the next step, forward (1) or back (-1), through what is closed.
function move(by) {
  stop();
  openTab("step");
  go(stopBeside(by));
}

// --- playing ---

function play() {
  if (STATE.step === LAST) go(atStop(firstStep(), 1));
  STATE.playing = true;
  showPlaying();
  wait();
}

function wait() {
  clearTimeout(timer);
  timer = setTimeout(tick, PAUSE / Number(CONTROLS.speed.value));
}

function tick() {
  go(stopBeside(1));
  if (STATE.step === LAST || isHidden(STATE.step)) stop();
  else wait();
}

function stop() {
  clearTimeout(timer);
  STATE.playing = false;
  showPlaying();
}

function showPlaying() {
  CONTROLS.play.textContent = STATE.playing ? "Pause" : "Play";
  CONTROLS.play.title = STATE.playing ? "Pause (space)" : "Play (space)";
}

const toggle = () => (STATE.playing ? stop() : play());

// --- the address: #step=12 is the step that the page calls 12 ---

function readAddress() {
  const found = /(?:^#|&)step=(\d{1,9})[a-z]?(?:&|$)/.exec(location.hash);
  return found ? Math.min(Math.max(Number(found[1]) - 1, 0), LAST) : null;
}

function writeAddress() {
  try {
    const edits = DONE.length ? `&edit=${DONE.map(({ op }) => op).join(",")}` : "";
    const closed = HOLDER.has(stepNow()?.card) ? `&view=${viewNumber()}` : "";
    const opened = OPENED.size ? `&ops=${[...OPENED].join(",")}` : "";
    const predict = PREDICT.on ? "&predict" : "";
    history.replaceState(null, "", `#${whereInAddress()}${closed}${opened}${predict}${edits}`);
  } catch {
    // A page in a frame, or one that plays very fast, may not be allowed to.
  }
}

// --- keys ---

const KEYS = {
  ArrowRight: () => move(1),
  ArrowLeft: () => move(-1),
  Home: () => moveTo(firstStep()),
  End: () => moveTo(LAST),
  f: () => moveTo(firstStep()),
  b: () => FIRST_BACKWARD >= 0 && moveTo(FIRST_BACKWARD),
  " ": toggle,
  0: fit,
  "+": () => zoomBy(1.4),
  "=": () => zoomBy(1.4),
  "-": () => zoomBy(1 / 1.4),
  ...GUESS_KEYS,
};

function onKey(event) {
  const { target, key } = event;
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const action = KEYS[key.length === 1 ? key.toLowerCase() : key];
  if (!action || target.closest?.("select, input[type=text], #drag")) return;
  if (key === " " && target.closest?.("button, input[type=checkbox]")) return;
  event.preventDefault();
  action();
}

// A button that was clicked gives the focus back: the space bar then plays, and does not
// click it again. One that was reached by Tab keeps it, and so does a field to type in.
let byPointer = false;

function letGo() {
  if (byPointer) document.activeElement?.closest?.("button, select, input:not([type=text])")?.blur();
}

// What a click on a card does: a leaf, which has no step, shows its panel; a second click
// on it, and any on another card, leads to the card's next step, then to its others.
function clickCard(id) {
  if (CARDS.get(id).how || STATE.leaf === id) stepOfCard(id);
  else showLeaf(id);
}

function showLeaf(id) {
  stop();
  STATE.leaf = id;
  openTab("step");
  pointAt(null);
  plant(null);
  showPanel();
  showCards();
  document.getElementById("panel").scrollTop = 0;
  document.getElementById("announcement").textContent = announcement();
}

function stepOfCard(id) {
  const steps = stepsOfCard(id);
  const next = steps.find((i) => i > STATE.step) ?? steps[0];
  if (next !== undefined) jump(next);
}

// --- the start ---

function buildControls() {
  const { first, previous, next, last, scrubber, shared, speed } = CONTROLS;
  first.addEventListener("click", () => moveTo(firstStep()));
  previous.addEventListener("click", () => move(-1));
  CONTROLS.play.addEventListener("click", toggle);
  next.addEventListener("click", () => move(1));
  last.addEventListener("click", () => moveTo(LAST));
  speed.addEventListener("change", () => STATE.playing && wait());
  scrubber.max = String(LAST);
  scrubber.addEventListener("input", () => moveTo(Number(scrubber.value)));
  const turn = FIRST_BACKWARD < 0 ? 1 : (FIRST_BACKWARD - 0.5) / (LAST || 1);
  document.getElementById("track").style.setProperty("--turn", String(Math.max(turn, 0)));
  document.getElementById("mark-backward").hidden = FIRST_BACKWARD < 0;
  shared.addEventListener("change", () => {
    STATE.shared = shared.checked;
    showStep();
  });
  document.getElementById("cards").addEventListener("click", (event) => {
    const card = event.target.closest("[data-card]");
    if (card && (dragged < 5 || event.detail === 0)) clickCard(card.dataset.card);
  });
  document.addEventListener("pointerdown", () => (byPointer = true), true);
  document.addEventListener("keydown", () => (byPointer = false), true);
  for (const type of ["click", "change"]) document.addEventListener(type, letGo);
  EXPLANATION.addEventListener("click", (event) => {
    const to = event.target.closest(".to-step");
    if (to) jump(Number(to.dataset.step));
    const inside = event.target.closest(".to-inside");
    if (inside) openFrame(inside.dataset.opens);
  });
  document.addEventListener("keydown", onKey);
  window.addEventListener("hashchange", () => {
    const step = readAddress();
    const halt = stopOf(location.hash);
    if (halt >= 0) visit(halt);
    else if (step !== null) jump(step);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    THEME = readTheme();
    showCards();
  });
}

// At the step of the address, in its view; or at the first stop of the first view.
function begin() {
  drawView(STEPS.length ? 0 : WHOLE);
  const step = readAddress();
  STATE.step = step ?? (STEPS.length ? atStop(0, 1) : 0);
  const view = Number(/(?:^#|&)view=(\d{1,6})(?:&|$)/.exec(location.hash)?.[1] ?? NaN);
  if (step === null) return;
  if (view < WHOLE && hasCard(view, STEPS[step].card)) drawView(view);
  else openAround(STEPS[step]?.card);
}

function start() {
  write(document.getElementById("title"), DATA.title, 120);
  write(document.getElementById("subtitle"), DATA.subtitle, 200);
  for (const name of Object.keys(LOOK.ramps)) {
    document.getElementById(`legend-${name}`).style.backgroundImage = gradientOf(name);
  }
  document.getElementById("main").hidden = false;
  document.getElementById("bar").hidden = false;
  findLargest();
  buildCards();
  buildClosed();
  buildOperations();
  begin();
  buildPredicting();
  buildFolding();
  buildCamera();
  buildPaper();
  buildPointing();
  buildDepths();
  buildStripping();
  buildTree();
  buildLab();
  openNamed(location.hash);
  buildPaths();
  buildControls();
  if (STEPS.length) showStep();
  overview = readAddress() === null;
  home();
  buildTour();
  WORLD.classList.remove("gliding"); // the first view is there at once
}

start();
