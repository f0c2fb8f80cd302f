// Plain numbers between the cards: they stand in a step's formula, and can be changed
// there. Then all that is said of the step has the new number.

const FIRST_MARK = 0xe000; // stands in a text for a plain number, as in plain_numbers.py
const MARKED = /[\ue000-\ue0ff]/u;
const SAID = new Map(); // id of a card -> what was said of it, as recorded

const markOf = ({ position }) => String.fromCharCode(FIRST_MARK + position);
const isOther = ({ id }) => canChange(id, 0) && !Object.is(numberOf(id, 0), recordedOf(id, 0));
const givenNumber = ({ id }) => (canChange(id, 0) ? numberOf(id, 0) : PROGRAM.arrays[id][0]);

// A text with numbers for its marks.
function withNumbers(card, text) {
  const number = (given) => bracketed(plain(jsonOf(givenNumber(given))));
  return card.given.reduce((said, given) => said.replaceAll(markOf(given), number(given)), text);
}

const linksInto = (card) => DATA.links.filter((link) => link.target === card.id && holds(link));
const sendsOf = (card) => STEPS.flatMap((step) => (step.card === card.id ? (step.sends ?? []) : []));

function keepSaid() {
  for (const card of DATA.cards) {
    if (!card.given) continue;
    const { formula, sentence, why } = card;
    SAID.set(card.id, { formula, sentence, why, links: linksInto(card).map((link) => link.rule) });
  }
}

// Brings what is said of steps to the numbers that they have now.
function restate() {
  for (const [id, before] of SAID) {
    const card = CARDS.get(id);
    const other = card.given.some(isOther);
    if (!other && card.formula === before.formula) continue;
    for (const key of ["formula", "sentence", "why"]) {
      card[key] = other ? withNumbers(card, card.marked[key]) : before[key];
    }
    linksInto(card).forEach((link, i) => {
      const rule = card.marked.rules[link.position];
      link.rule = other && rule ? withNumbers(card, rule) : before.links[i];
    });
    for (const send of sendsOf(card)) send.rule = DATA.links[send.link].rule;
    for (const given of card.given) {
      if (card.how?.inputs) card.how.inputs[given.position] = jsonOf(givenNumber(given));
    }
    entitle(VIEWS.get(id).button, card.formula, card.w);
  }
}

// --- in the panel ---

// A formula in which each plain number that can be changed is a button.
function formulaOf(card) {
  const line = make("p", "formula");
  if (!LIVE || !card.given?.length) return write(line, card.formula);
  for (const piece of card.marked.formula.split(new RegExp(`(${MARKED.source})`, "u"))) {
    const given = card.given.find((one) => markOf(one) === piece);
    if (given) line.append(canChange(given.id, 0) ? numberButton(card, given) : numberText(given));
    else line.append(clipped(piece, 200));
  }
  return line;
}

function numberButton(card, given) {
  const button = make("button", "given");
  button.type = "button";
  button.dataset.given = given.id;
  button.addEventListener("click", () => {
    settleFirst();
    stop();
    const first = plain(jsonOf(recordedOf(given.id, 0)));
    chooseNumber({ card, id: given.id, at: 0, given: true, name: `${first} in ${nameOf(card)}` });
    FIELDS.number.focus();
    FIELDS.number.select();
  });
  return dressGiven(button, given.id);
}

function dressGiven(button, id) {
  const [v, first] = [numberOf(id, 0), recordedOf(id, 0)].map((x) => plain(jsonOf(x)));
  button.textContent = v;
  button.title = v === first ? "Change this number" : `before ${first}`;
  button.setAttribute("aria-label", v === first ? `change ${v}` : `change ${v}, before ${first}`);
  button.classList.toggle("other", v !== first);
  return button;
}

function numberText(given) {
  const text = make("span", "fixed", plain(jsonOf(givenNumber(given))));
  text.title = "This number cannot be changed here: the whole computation does not have it as a number of its own.";
  return text;
}

// Brings the panel's words about a step to what is said of it now.
function refreshGiven() {
  for (const button of EXPLANATION.querySelectorAll("[data-given]")) dressGiven(button, button.dataset.given);
  const step = stepNow();
  const card = CARDS.get(step?.card);
  if (STATE.leaf || !card?.given || closedAround(card.id)) return;
  const back = isBackward(step);
  const words = [card.sentence, step.kind === "backward" ? card.why : ""];
  const rules = (back ? (step.sends ?? []) : linksInto(card)).map(({ rule: text }) => text);
  for (const [name, texts] of [["sentence", words], ["rule", rules]]) {
    const shown = texts.filter(Boolean);
    EXPLANATION.querySelectorAll(`p.${name}`).forEach((line, i) => shown[i] && write(line, shown[i], 400));
  }
}
