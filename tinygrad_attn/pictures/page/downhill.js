// Steps downhill, one or a run of them, and the curve of the loss.

const MOST_RUN = 10_000; // steps of a run
const RUN_MS = 8; // ms of each frame are for steps of a run
let losses = []; // at each step downhill; the first is from before
let run = null; // the run that goes on: {rate, steps, done, frame}

function positive(field, words) {
  const v = Number(field.value.replace(",", "."));
  if (v > 0 && v < Infinity) return v;
  TOOLS.what.textContent = words;
  return null;
}

function goDownhill(steps) {
  stopRun();
  const rate = positive(TOOLS.rate, "The learning rate must be a number above 0.");
  if (rate === null) return;
  if (!Number.isInteger(steps) || steps < 1 || steps > MOST_RUN) {
    const given = clipped(TOOLS.steps.value, 40) || "nothing";
    TOOLS.what.textContent = `${given} given; a run has a whole number of 1 to ${MOST_RUN} steps.`;
    return;
  }
  beginDownhill();
  if (!losses.length) losses = [lossNow()];
  losses = [...losses];
  run = { rate, steps, done: 0, frame: 0 };
  showRun();
  if (steps === 1) takeSteps(1);
  else run.frame = requestAnimationFrame(goOn);
}

// Some steps of the run in each frame. A short run takes about two seconds, so that one
// sees it go.
function goOn() {
  takeSteps(Math.ceil(run.steps / 120));
  if (run) run.frame = requestAnimationFrame(goOn);
}

function takeSteps(count) {
  const end = performance.now() + RUN_MS;
  for (let i = 0; i < count && run.done < run.steps && (!i || performance.now() < end); i++) {
    downhill(run.rate, ++run.done);
    losses.push(lossNow());
    if (!Number.isFinite(losses.at(-1))) run.steps = run.done;
  }
  if (run.done === run.steps) stopRun();
  else showEdit("", false);
}

function stopRun() {
  if (!run) return;
  cancelAnimationFrame(run.frame);
  if (run.done === 0) DONE.pop(); // it was stopped before its first step
  run = null;
  showRun();
  showEdit();
}

function showRun() {
  TOOLS.run.textContent = run ? "stop" : "run";
  TOOLS.loss.setAttribute("aria-live", run ? "off" : "polite"); // not each step aloud
}

// --- what is said of them ---

function aboutDownhill() {
  const steps = losses.length - 1;
  const [first, last] = [losses[0], losses.at(-1)].map((v) => exact(jsonOf(v)));
  const said = [`${LOSS} after ${steps} ${steps > 1 ? "steps" : "step"} downhill: ${first} → ${last}.`];
  if (!Number.isFinite(losses.at(-1))) {
    said.push(`At a learning rate of ${TOOLS.rate.value} the steps overshoot, each by more than the one before. Undo takes them back.`);
  }
  said.push(`Plain gradient descent, w ← w − lr ∂${LOSS}/∂w: a page does not know with which optimizer a model is trained.`);
  const before = LIVE.whole?.before;
  if (before) said.push(`What is learned before this part stays as it is (${before} ${before > 1 ? "tensors" : "tensor"}).`);
  return said.join(" ");
}

// L at each step downhill, as a line between its largest and its smallest number; where it
// is no number, the line ends.
function drawCurve() {
  TOOLS.curve.toggleAttribute("hidden", losses.length < 2);
  if (losses.length < 2) return;
  const finite = losses.filter(Number.isFinite);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const height = high / 2 - low / 2; // half: twice the largest number is no number
  const x = (i) => 2 + (196 * i) / (losses.length - 1);
  const y = (v) => 38 - 34 * (height > 0 ? (v / 2 - low / 2) / height : 0);
  const points = finite.map((v, i) => `${x(i).toFixed(1)},${y(v).toFixed(1)}`);
  TOOLS.curve.querySelector("polyline").setAttribute("points", points.join(" "));
  const ends = low === high ? [high] : [high, low]; // of the scale, beside the line
  for (const [i, text] of TOOLS.curve.querySelectorAll("text").entries()) {
    text.textContent = i < ends.length ? exact(ends[i]) : "";
  }
  const told = aboutDownhill();
  TOOLS.curve.setAttribute("aria-label", told.split(". ")[0]);
  if (!run) TOOLS.what.textContent = told;
}
