// Predict first: each backward step waits, its gradient hidden, until the learner has
// guessed which way one number of it moves L.

const PREDICT = { on: false, said: new Map() }; // number of a step → {guess, answer}
const WAYS = { up: 1, stays: 0, down: -1 };
const PREDICTING = document.getElementById("predict");
const SCORE = document.getElementById("score");

const asks = (step) => step.kind === "backward" && (step.sends ?? []).length > 0;

// The step whose question is open; steps from there on show no gradient.
function openQuestion() {
  if (!PREDICT.on) return Infinity;
  const found = STEPS.findIndex((step, i) => asks(step) && !PREDICT.said.has(i));
  return found < 0 ? Infinity : found;
}

const isHidden = (i) => i >= openQuestion();
const hidesGradient = (card) => GRADIENTS.get(card.id).some(([i]) => isHidden(i));

// The number that a step asks about. Which one says nothing about its sign.
function questionOf(i) {
  const { sends } = STEPS[i];
  const send = sends[i % sends.length];
  const { rows, columns } = send.grid;
  const at = (7 * i + 3) % (rows.length * columns.length);
  const [row, column] = [rows[Math.floor(at / columns.length)], columns[at % columns.length]];
  const card = CARDS.get(send.to);
  return { send, card, row, column, name: element(nameOf(card), card.value, row, column) };
}

function questionText(i) {
  const { send, card, name } = questionOf(i);
  const along = send.paths > 1 ? ` along this path alone, from ${nameOf(CARDS.get(STEPS[i].card))}` : "";
  const part = card.share && DATA.through ? ` through ${inline(DATA.through, 40)}` : "";
  return `${name} grows a little. Which way does ${LOSS} go${along || part}?`;
}

// In place of the gradient: the question, and three buttons.
function questionPart(i) {
  const part = make("section", "question");
  part.append(make("h3", "", "predict"), make("p", "sentence", questionText(i)));
  const choice = make("p", "guesses");
  for (const way of Object.keys(WAYS)) {
    const button = make("button", "", { stays: "no change" }[way] ?? way);
    button.type = "button";
    button.append(" ", make("kbd", "", way === "stays" ? "n" : way[0]));
    button.addEventListener("click", () => guess(way));
    choice.append(button);
  }
  part.append(choice);
  return part;
}

// Scrolls to the question, or to what was said of the guess, where the panel is low.
function showQuestion(which = ".question") {
  const part = EXPLANATION.querySelector(which);
  if (!part) return;
  const covered = part.getBoundingClientRect().bottom + 6 - READOUT.getBoundingClientRect().top;
  if (covered > 0) document.getElementById("panel").scrollTop += covered;
}

// Whether the guess was right, and why.
function verdictOf(i) {
  const { guess: said, answer } = PREDICT.said.get(i);
  const { send, row, column } = questionOf(i);
  const moves = { up: "goes up", stays: "does not change", down: "goes down" }[answer];
  const { lines } = sendStory(STEPS[i], send, row, column);
  if (!moves) return `${LOSS} is no number here: ${lines.at(-1)}.`;
  return `${said === answer ? "Right" : "No"}: ${LOSS} ${moves}, as ${clipped(lines.join(" "), 400)}.`;
}

function verdictPart(i) {
  const { guess: said, answer } = PREDICT.said.get(i);
  return make("p", `verdict ${said === answer ? "right" : "wrong"}`, verdictOf(i));
}

function guess(way) {
  const i = STATE.step;
  if (i !== openQuestion() || STATE.leaf) return;
  const { send, row, column } = questionOf(i);
  const v = numberAt(send.grid, row, column);
  const sign = isNoise(v, send.grid) ? 0 : Math.sign(v);
  const answer = Object.keys(WAYS).find((name) => WAYS[name] === sign);
  PREDICT.said.set(i, { guess: way, answer });
  stop();
  showStep();
  showScore();
  showQuestion(".verdict");
  document.getElementById("announcement").textContent = `${verdictOf(i)} ${SCORE.textContent}.`;
}

const GUESS_KEYS = { u: () => guess("up"), n: () => guess("stays"), d: () => guess("down") };

function showScore() {
  const all = [...PREDICT.said.values()];
  const right = all.filter(({ guess: said, answer }) => said === answer).length;
  SCORE.textContent = PREDICT.on && all.length ? `${right} of ${all.length} right` : "";
}

function predictFirst(on) {
  PREDICT.on = on;
  PREDICTING.setAttribute("aria-pressed", String(on));
  STATE.step = Math.min(Math.ceil(STATE.step), openQuestion());
  if (isHidden(STATE.step)) openAround(STEPS[STATE.step].card);
  showScore();
}

const asksInAddress = () => /(?:^#|&)predict(?:&|$)/.test(location.hash);

function buildPredicting() {
  PREDICTING.hidden = !STEPS.some(asks);
  predictFirst(asksInAddress() && !PREDICTING.hidden);
  PREDICTING.addEventListener("click", () => {
    stop();
    predictFirst(!PREDICT.on);
    showStep();
    writeAddress();
  });
}
