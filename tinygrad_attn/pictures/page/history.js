// Over training: a second slider, which sets what was learned to what it was after
// another step. All else is computed anew.

const PAST = LIVE ? (DATA.moments ?? null) : null; // moments.py says what it has
const TIME = Object.fromEntries(
  ["past", "moment", "when", "watch", "losses", "dot"].map((id) => [id, document.getElementById(id)]),
);
const FRAME = 160; // ms of a moment, when they are played
let lossesThen = []; // L at each moment, as it was recorded
let watching = 0; // the timer of playing them
let scrubbed = false; // whether the slider was ever moved

const stepOf = (i) => PAST.steps[i] ?? PAST.steps.at(-2) + 1;
const nameOfMoment = (i) => String(PAST.steps[i] ?? "recorded");
const isMoment = ({ op }) => op.startsWith("at=");

// The numbers of all leaves at a moment, one leaf after the other.
function numbersThen(i) {
  const text = PAST.numbers[i];
  const bytes = Uint8Array.from(atob(text.slice(1)), (letter) => letter.charCodeAt(0));
  return text[0] === "f" ? new Float32Array(bytes.buffer) : new Float64Array(bytes.buffer);
}

// Puts them where the computation begins; returns what was there, as `DONE` has it.
function putMoment(numbers) {
  const { arrays } = ENTIRE ?? PROGRAM;
  const was = [];
  let at = 0;
  PAST.leaves.forEach((id, k) => {
    const array = arrays[id];
    for (let j = 0; j < PAST.counts[k]; j++, at++) {
      if (array[j] === numbers[at]) continue;
      was.push([array, j, [array[j]]]);
      array[j] = numbers[at];
    }
  });
  return was;
}

// Which moment is shown: the last that was gone to.
function momentNow() {
  const found = DONE.findLast(isMoment);
  return found ? PAST.steps.findIndex((_, i) => `at=${nameOfMoment(i)}` === found.op) : PAST.at;
}

// What was changed since then in what is learned.
function changesSince() {
  const learns = new Set(PAST.leaves.map((id) => (ENTIRE ?? PROGRAM).arrays[id]));
  const since = DONE.slice(DONE.findLastIndex(isMoment) + 1);
  return since.filter(({ was }) => was.some(([array]) => learns.has(array)));
}

// Goes to a moment. One after the other they are undone at once, like edits of a number.
function goToMoment(i) {
  settleFirst();
  if (DONE.length && isMoment(DONE.at(-1))) putBack(DONE.pop().was);
  const was = putMoment(numbersThen(i));
  if (was.length) DONE.push({ op: `at=${nameOfMoment(i)}`, was, losses });
  compute();
}

// As an address says it; what it does not know is left out.
function goToNamed(name) {
  const i = PAST ? PAST.steps.findIndex((_, at) => nameOfMoment(at) === name) : -1;
  if (i >= 0) goToMoment(i);
}

function scrub(i) {
  const to = Math.min(Math.max(i, 0), PAST.steps.length - 1);
  const gone = changesSince().length > 0;
  if (STATE.step <= 0) {
    stop();
    const panel = document.getElementById("panel");
    const { scrollTop } = panel;
    go(LAST); // where all can follow
    panel.scrollTop = scrollTop;
  }
  if (!scrubbed && HEADS.length) openTab("heads"); // where it is seen best
  scrubbed = true;
  goToMoment(to);
  losses = [];
  showEdit("", false); // nearly all changes
  TOOLS.what.textContent = gone ? "What you changed in the parameters is gone; undo brings it back." : "";
}

// --- what is shown ---

function placeOfLoss(i, v) {
  const finite = lossesThen.filter(Number.isFinite);
  const [low, high] = [Math.min(0, ...finite), Math.max(...finite)];
  const [from, to] = [stepOf(0), stepOf(PAST.steps.length - 1)];
  const x = (stepOf(i) - from) / (to - from || 1);
  const y = ((Number.isFinite(v) ? Math.min(v, high) : high) - low) / (high - low || 1);
  return { x: 100 * x, y: 46 - 42 * y };
}

function showPast() {
  if (!PAST) return;
  const i = momentNow();
  const changed = changesSince().length > 0;
  const name = PAST.steps[i] === null ? "as recorded" : `step ${PAST.steps[i]}`;
  TIME.when.textContent = name + (changed ? ", then changed" : "");
  TIME.moment.value = stepOf(i);
  TIME.moment.setAttribute("aria-valuetext", `${TIME.when.textContent}: ${LOSS} = ${TOOLS.loss.textContent}`);
  const { x, y } = placeOfLoss(i, lossNow());
  for (const [key, v] of Object.entries({ x1: x, x2: x, y1: y, y2: y })) TIME.dot.setAttribute(key, v.toFixed(2));
}

function drawPast() {
  const points = lossesThen.map((v, i) => placeOfLoss(i, v));
  const line = points.map(({ x, y }) => `${x.toFixed(2)},${y.toFixed(2)}`).join(" ");
  TIME.losses.querySelector("polyline").setAttribute("points", line);
  const [first, last] = [0, lossesThen.length - 1].map((i) => `${exact(jsonOf(lossesThen[i]))} at step ${stepOf(i)}`);
  TIME.losses.setAttribute("aria-label", `${LOSS} over training: ${first}, ${last}`);
}

// --- playing ---

function stopWatching() {
  clearTimeout(watching);
  watching = 0;
  TIME.watch.textContent = "watch it learn";
}

function watch() {
  if (watching) {
    stopWatching();
    return;
  }
  const last = PAST.steps.length - 1;
  if (momentNow() === last) scrub(0);
  TIME.watch.textContent = "stop";
  watching = setTimeout(watchOn, FRAME);
}

function watchOn() {
  scrub(momentNow() + 1);
  if (momentNow() === PAST.steps.length - 1) stopWatching();
  else watching = setTimeout(watchOn, FRAME);
}

// --- the start ---

const nearestMoment = (step) =>
  PAST.steps.reduce((best, _, i) => (Math.abs(stepOf(i) - step) < Math.abs(stepOf(best) - step) ? i : best), 0);

function stepMoment(event) {
  const last = PAST.steps.length - 1;
  const now = momentNow();
  const moves = { ArrowLeft: now - 1, ArrowDown: now - 1, ArrowRight: now + 1, ArrowUp: now + 1 };
  const to = { ...moves, PageUp: now + 5, PageDown: now - 5, Home: 0, End: last }[event.key];
  if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  event.stopPropagation();
  stopWatching();
  scrub(to);
}

function buildPast() {
  if (!PAST) return;
  TIME.past.hidden = false;
  const program = ENTIRE ?? PROGRAM;
  const was = putMoment(numbersThen(0));
  lossesThen = PAST.numbers.map((_, i) => {
    putMoment(numbersThen(i));
    program.run();
    return lossOf(program);
  });
  putBack(was);
  compute();
  TIME.moment.min = stepOf(0);
  TIME.moment.max = stepOf(PAST.steps.length - 1);
  drawPast();
  TIME.moment.addEventListener("input", () => {
    stopWatching();
    scrub(nearestMoment(Number(TIME.moment.value)));
  });
  TIME.moment.addEventListener("keydown", stepMoment);
  TIME.watch.addEventListener("click", watch);
}
