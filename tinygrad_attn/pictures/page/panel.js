// The panel: what this step does, in words and numbers.

const EXPLANATION = document.getElementById("explanation");

function showPanel() {
  fillPanel();
  dressPanel();
}

function fillPanel() {
  TABLES = [];
  EXPLANATION.replaceChildren();
  const step = stepNow();
  if (!step) {
    EXPLANATION.append(make("p", "sentence", "Nothing was recorded."));
    return;
  }
  if (STATE.leaf) {
    EXPLANATION.append(...leafPart(CARDS.get(STATE.leaf)));
    return;
  }
  if (stepsAtHand()[0] <= 0 && DATA.opening) {
    EXPLANATION.append(write(make("p", "opening"), DATA.opening, 300));
  }
  const closed = closedAround(step.card);
  if (closed) {
    EXPLANATION.append(...closedPart(closed));
    return;
  }
  const card = CARDS.get(step.card);
  EXPLANATION.append(...heading(step, card));
  const parts = { forward: forwardPart, seed: seedPart, backward: backwardPart };
  EXPLANATION.append(...parts[step.kind](card, step));
}

function heading(step, card) {
  const words = { forward: "forward", seed: "backward begins", backward: "backward" };
  const phase = make("p", `phase ${isBackward(step) ? "back" : "forth"}`, words[step.kind]);
  return [phase, ...about(card)];
}

// A card's name, shape and formula, what it is, and where it was made.
function about(card) {
  const title = make("h2");
  title.append(write(make("span", "name"), card.name, 40), " ");
  title.append(make("span", "shape", clipped(String(card.shape ?? ""), 40)));
  const parts = [title];
  if (card.formula) parts.push(formulaOf(card));
  if (card.sentence) parts.push(write(make("p", "sentence"), card.sentence, 400));
  if (opensSteps(card.id) && !STATE.leaf) parts.push(openerInPanel(card.id));
  const places = [card.module, card.source].filter(Boolean).join(" · ");
  if (places) parts.push(write(make("p", "source"), places));
  return parts;
}

// A leaf is computed by no step: what it is, and the steps that it takes part in.
function leafPart(card) {
  const parts = [make("p", "phase forth", card.kind), ...about(card)];
  parts.push(gridWithHeading(`the value of ${nameOf(card)}`, card, "value", card.value));
  const arrived = gradientAt(card, STATE.step);
  if (arrived) parts.push(gridWithHeading(derivative(card), card, "gradient", arrived));
  else parts.push(make("p", "note", card.gradient ? "no gradient yet" : "no gradient: a constant"));
  const numbers = [...STEPS.keys()];
  const uses = new Set(DATA.links.filter((l) => l.source === card.id).map((l) => l.target));
  const used = numbers.filter((i) => STEPS[i].kind === "forward" && uses.has(STEPS[i].card));
  const back = numbers.filter((i) => receiversOf(STEPS[i]).has(card.id));
  if (used.length) parts.push(stepList("used by", used));
  if (back.length) parts.push(stepList("its gradient comes from", back));
  return parts;
}

const MOST_LISTED = 24; // steps

function stepList(heading, numbers) {
  const section = make("section", "steps");
  section.append(make("h3", "", heading));
  for (const i of numbers.slice(0, MOST_LISTED)) {
    const card = CARDS.get(STEPS[i].card);
    const forth = STEPS[i].kind === "forward" && card.formula;
    const button = make("button", "to-step", `step ${i + 1}: `);
    button.type = "button";
    button.dataset.step = i;
    button.append(write(make("span"), forth || card.name, 60));
    section.append(button);
  }
  if (numbers.length > MOST_LISTED) section.append(make("p", "note", `… ${numbers.length} in all`));
  return section;
}

function forwardPart(card) {
  const parts = [gridWithHeading(`the value of ${nameOf(card)}`, card, "value", card.value)];
  if (card.adds_up && stillAddsUp(card)) parts[0].append(make("p", "note", card.adds_up));
  const into = linksInto(card);
  if (into.length) parts.push(inputList(into));
  const rules = into.filter((link) => link.rule);
  const section = make("section", "rules");
  if (rules.length) {
    section.append(make("h3", "", "the local rule, used on the way back"));
    for (const link of rules) section.append(rule(link.rule));
  } else if (!card.gradient) {
    section.append(write(make("p", "note"), card.why || "no gradient: a constant", 400));
  }
  parts.push(section);
  return parts;
}

function inputList(links) {
  const section = make("section");
  section.append(make("h3", "", "made from"));
  const list = make("ul", "inputs");
  for (const link of links) {
    const card = CARDS.get(link.source);
    const item = make("li");
    item.append(make("b", "", nameOf(card)), ` ${clipped(String(card.shape ?? ""), 30)}`);
    if (card.sentence) item.append(write(make("span", "about"), card.sentence, 120));
    else if (!card.gradient) item.append(make("span", "about", "no gradient: a constant"));
    list.append(item);
  }
  section.append(list);
  return section;
}

const rule = (text) => write(make("p", "rule"), text);

// A part of a computation, such as one head, begins with what comes from outside of it.
function seedPart(card, step) {
  const name = nameOf(card);
  const words = step.sentence ||
    `If ${name} grows by a little, ${name} grows by exactly that: ${derivative(card)} = 1. ` +
    "From this 1 every other gradient is made: each step multiplies what arrived by its " +
    "local rule and sends it on.";
  return [
    make("p", "sentence", words),
    gridWithHeading(derivative(card), card, "gradient", gradientAt(card, STATE.step)),
  ];
}

function backwardPart(card, step) {
  const arrived = gradientAt(card, STATE.step);
  const parts = [gridWithHeading(`arrives here: ${derivative(card)}`, card, "gradient", arrived)];
  if (card.why) parts.push(write(make("p", "sentence"), card.why, 400));
  parts.push(loudest(card));
  const sends = step.sends ?? [];
  if (!sends.length) parts.push(make("p", "note", "It sends nothing on: no input needs a gradient."));
  if (isHidden(STATE.step)) return [...parts, questionPart(STATE.step)];
  if (PREDICT.said.has(STATE.step)) parts.push(verdictPart(STATE.step));
  for (const send of sends) parts.push(...sendPart(send));
  return parts;
}

function sendPart(send) {
  const to = CARDS.get(send.to);
  const name = nameOf(to);
  const heading = `sends to ${name} (local rule × what arrived)`;
  const part = gridWithHeading(heading, to, `send${send.link}`, send.grid, send);
  part.classList.add("send");
  if (send.rule) part.querySelector("h3").after(rule(send.rule));
  part.append(make("p", "paths", pathsText(send, to)));
  if (send.path < 2) return [part];
  const done = send.path >= send.paths;
  const sum = gridWithHeading(done ? `the sum: ${derivative(to)}` : "the sum so far", to, "gradient", send.so_far);
  return [part, sum];
}

function pathsText(send, to) {
  const name = nameOf(to);
  const what = to.share ? "this share" : "its gradient";
  if (send.paths <= 1) return `the only path into ${name}: ${what} is complete`;
  if (send.path >= send.paths) {
    return `${send.path} of ${send.paths} paths into ${name}: ${what} is complete`;
  }
  return `${send.path} of ${send.paths} paths into ${name} so far`;
}

// What a screen reader says of a step.
function announcement() {
  const step = stepNow();
  if (!step) return "";
  if (STATE.leaf) {
    const leaf = CARDS.get(STATE.leaf);
    return `${nameOf(leaf)}, ${leaf.shape}, ${leaf.kind}. ${clipped(String(leaf.sentence ?? ""), 200)}`;
  }
  const closed = closedAround(step.card);
  if (closed) return closedAnnouncement(closed);
  const card = CARDS.get(step.card);
  const name = nameOf(card);
  const where = `Step ${stepLabel(STATE.step)} of ${STEPS.length}`;
  if (step.kind === "forward") {
    const formula = clipped(String(card.formula || card.name), 80);
    return `${where}, forward: ${formula}. ${clipped(String(card.sentence ?? ""), 200)}`;
  }
  if (step.kind === "seed") return `${where}, backward begins: ${step.sentence || `${derivative(card)} is 1.`}`;
  const to = (step.sends ?? []).map((send) => nameOf(CARDS.get(send.to)));
  const told = `${where}, backward: ${name} sends ${to.length ? `to ${to.join(" and ")}` : "nothing on"}.`;
  return isHidden(STATE.step) ? `${told} Predict: ${questionText(STATE.step)}` : told;
}
