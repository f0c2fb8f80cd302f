// What a number does to L, from its gradient: "x[0] up .01 → loss up .0031".

const RISE = 0.01;

// The gradient of a number; undefined if it has none, or none that is shown.
function slopeOf(card, row, column) {
  if (!card.gradient || hidesGradient(card)) return undefined;
  if (!isNumber(meant(numberAt(card.value, row, column), card.value))) return undefined; // −∞
  const v = numberAt(card.gradient, row, column);
  return isNumber(v) ? v : undefined;
}

// Whether L itself is nan or ±∞, which no small change moves.
function lossIsLost() {
  const loss = DATA.cards.find((card) => card.name === DATA.of);
  return loss?.value?.rows.length > 0 && !isNumber(numberAt(loss.value, 0, 0));
}

// To first order: what a part of a computation does not see is left out, and said.
function reasonOf(card, row, column) {
  const slope = slopeOf(card, row, column);
  if (slope === undefined || lossIsLost()) return "";
  const change = isNoise(slope, card.gradient) ? 0 : RISE * slope;
  const moves = `${change > 0 ? "up" : "down"} ${digits(Math.abs(change), 2)}`;
  const through = card.share && DATA.through ? `, through ${inline(DATA.through, 40)}` : "";
  const what = element(nameOf(card), card.value, row, column);
  return `${what} up .01 → ${LOSS} ${change === 0 ? "stays" : moves}${through}`;
}

// The reason of what is pointed at: a value, or a gradient that is complete.
function reasonAt({ card, which, row, column }) {
  const arrivals = GRADIENTS.get(card.id);
  if (which === "gradient" && !(arrivals.at(-1)?.[0] <= STATE.step)) return "";
  return which === "value" || which === "gradient" ? reasonOf(card, row, column) : "";
}

// A line of the panel: that number of a card which moves L most.
function loudest(card) {
  const line = make("p", "reason");
  line.dataset.of = card.id;
  sayLoudest(line);
  return line;
}

function sayLoudest(line) {
  const card = CARDS.get(line.dataset.of);
  let most = { size: -1 };
  card.gradient?.rows.forEach((row) => {
    for (const column of card.gradient.columns) {
      const size = Math.abs(slopeOf(card, row, column) ?? NaN);
      if (size > most.size) most = { size, row, column };
    }
  });
  line.textContent = most.size < 0 ? "" : reasonOf(card, most.row, most.column);
}

// After an edit.
function refreshReasons() {
  for (const line of EXPLANATION.querySelectorAll(".reason")) sayLoudest(line);
}
