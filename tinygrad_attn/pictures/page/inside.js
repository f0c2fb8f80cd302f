// The panel of a closed module: what all its steps together do, and where they are.

function closedPart(card) {
  const numbers = stepsAtHand();
  const { kind } = stepNow();
  const words = { forward: "forward", seed: "backward begins", backward: "backward" }[kind];
  const title = make("h2");
  title.append(write(make("span", "name"), card.formula, 60), " ");
  title.append(make("span", "shape", clipped(String(card.shape ?? ""), 40)));
  const parts = [make("p", `phase ${kind === "forward" ? "forth" : "back"}`, words), title];
  parts.push(make("p", "sentence", insideText(card, numbers)));
  const button = make("button", "to-inside", "open it");
  button.type = "button";
  button.dataset.opens = card.id;
  parts.push(button);
  parts.push(...(kind === "forward" ? closedForward(card) : closedBackward(card)));
  parts.push(stepList("its steps", numbers));
  return parts;
}

function insideText(card, numbers) {
  const name = nameOf(card);
  const count = numbers.length;
  if (stepNow().kind === "forward") {
    return count > 1 ? `${count} steps, drawn as one card. The last makes ${name}.` : `One step, and what it takes, drawn as one card. It makes ${name}.`;
  }
  return `${count > 1 ? `${count} steps` : "One step"} backward, from ${derivative(card)} to what ${name} is made from.`;
}

function closedForward(card) {
  const parts = [gridWithHeading(`the value of ${nameOf(card)}`, CARDS.get(DATA.frames[card.id].shows), "value", card.value)];
  const held = new Set(DATA.frames[card.id].cards);
  const sources = new Map();
  for (const link of DATA.links) {
    if (link.of === undefined && held.has(link.target) && !held.has(link.source)) sources.set(link.source, link);
  }
  if (sources.size) parts.push(inputList([...sources.values()]));
  return parts;
}

// What a module sends to each of those that it is made from, and how many of its own
// leaves, such as parameters, have their gradient now.
function closedBackward(card) {
  const result = CARDS.get(DATA.frames[card.id].shows);
  const held = new Set(DATA.frames[card.id].cards);
  const parts = [gridWithHeading(`arrives here: ${derivative(card)}`, result, "gradient", gradientAt(card, STATE.step))];
  const sends = stepsAtHand().flatMap((i) => (isHidden(i) ? [] : (STEPS[i].sends ?? [])));
  const outside = new Map(sends.filter((send) => !held.has(send.to)).map((send) => [send.to, send]));
  for (const [id, send] of outside) {
    const to = CARDS.get(id);
    const done = send.path >= send.paths ? "complete" : `${send.path} of ${send.paths} paths so far`;
    parts.push(gridWithHeading(`${derivative(to)}: ${done}`, to, "gradient", send.so_far));
  }
  const own = new Set(sends.map((send) => send.to).filter((id) => held.has(id) && !CARDS.get(id).how));
  if (own.size) parts.push(make("p", "note", `Its ${own.size > 1 ? `${own.size} leaves have their gradients` : "leaf has its gradient"} now.`));
  return parts;
}

function closedAnnouncement(card) {
  const words = stepNow().kind === "forward" ? "forward" : "backward";
  return `Steps ${stepNumbers()} of ${STEPS.length}, ${words}: ${inline(card.formula, 80)}. ${insideText(card, stepsAtHand())}`;
}

// "12", or of a closed module "4–12".
function stepNumbers() {
  const numbers = stepsAtHand();
  const [first, last] = [numbers[0], STATE.step].map(stepLabel);
  return first !== last ? `${first}–${last}` : last;
}
