// Tokens in and out: the names of tokens, as they are now; a choice of tokens for each
// place of a sequence; and for each place a bar for what the model says of each token.

const VOCAB = READS.vocab ?? null;
const SAYS = Object.fromEntries(["words", "says", "bars"].map((id) => [id, document.getElementById(id)]));
const SELECTS = []; // {id, at, select}

const lengthOf = (id) => CARDS.get(id)?.value.shape.at(-1) ?? 1;
const hasNames = (id) => VOCAB !== null && READS.words[id].count === VOCAB.length;

// The leaf that the page's tokens stand for, or undefined.
const SPOKEN = LIVE
  ? Object.keys(READS.words ?? {}).find((id) => isLeaf(CARDS.get(id) ?? {}) && DATA.tokens?.length === lengthOf(id))
  : undefined;
const SPOKEN_FIRST = SPOKEN ? Array.from(numbersAt(PROGRAM, CARDS.get(SPOKEN).at.value)) : [];

// The name of the token at a place of a sequence. If another was put there that has no
// name, neither here nor where it was recorded, it is its number.
function tokenAt(i, sample) {
  const at = sample * DATA.tokens.length + i;
  if (SPOKEN === undefined || at >= SPOKEN_FIRST.length) return DATA.tokens[i];
  const v = numberOf(SPOKEN, at);
  if (hasNames(SPOKEN)) return VOCAB[v] ?? `#${v}`;
  if (v === SPOKEN_FIRST[at]) return DATA.tokens[i];
  return DATA.tokens[SPOKEN_FIRST.indexOf(v)] ?? `#${v}`;
}

// Names for so many rows or columns: tokens, or numbers.
function namesFor(length, sample) {
  const named = DATA.tokens?.length === length;
  return Array.from({ length }, (_, i) => (named ? tokenAt(i, sample) : String(i)));
}

// --- choosing tokens ---

function buildWords() {
  if (!LIVE || !VOCAB) return;
  for (const [id, { count, role }] of Object.entries(READS.words)) {
    const card = CARDS.get(id);
    if (!card || !isLeaf(card) || count !== VOCAB.length) continue;
    const numbers = numbersAt(PROGRAM, card.at.value);
    const length = lengthOf(id);
    if (numbers.length > MOST_WORDS) continue;
    for (let first = 0; first < numbers.length; first += length) {
      const line = make("p");
      const name = write(make("b"), numbers.length > length ? `${role}[${first / length}]` : role, 24);
      name.title = card.name;
      line.append(name);
      for (let at = first; at < first + length; at++) line.append(choiceOf(card, at));
      SAYS.words.append(line);
    }
  }
}

const MOST_WORDS = 64; // places with a choice

function choiceOf(card, at) {
  const select = make("select");
  VOCAB.forEach((label, i) => {
    const option = make("option", "", inline(label, 12));
    option.value = String(i);
    select.append(option);
  });
  select.setAttribute("aria-label", `${nameOf(card)}, place ${at % lengthOf(card.id)}`);
  select.addEventListener("change", () => {
    const said = setNumber(card.id, at, Number(select.value));
    losses = [];
    showEdit(said);
  });
  SELECTS.push({ id: card.id, at, select });
  return select;
}

// --- what the model says ---

function showWords() {
  for (const { id, at, select } of SELECTS) select.value = String(numberOf(id, at));
  for (const heading of EXPLANATION.querySelectorAll("[data-token]")) {
    const [i, sample] = heading.dataset.token.split(",").map(Number);
    heading.textContent = inline(tokenAt(i, sample), Number(heading.dataset.letters));
  }
  showSays();
}

const classOf = (k, count) => (VOCAB?.length === count ? inline(VOCAB[k], 6) : String(k));

// For each place a bar for each class: its logit, above or below 0; the target's is
// marked, and beside it stands its probability.
function showSays() {
  if (!LIVE || !READS.logits || !isOpen("says")) return;
  const rows = logitsNow();
  const finite = rows.flatMap(({ logits }) => logits).filter(Number.isFinite);
  const range = [Math.min(0, ...finite), Math.max(0, ...finite)];
  const bars = rows.slice(0, MOST_WORDS).map(({ logits, target }, i) => barsOf(logits, range, target, placeName(i, rows.length)));
  SAYS.bars.replaceChildren(...bars);
}

// The logits of each place and its target (null: not known), of one card or of single
// numbers.
function logitsNow() {
  const { card, target, cards, targets } = READS.logits;
  const numbersOf = (id) => numbersAt(PROGRAM, CARDS.get(id).at.value);
  if (cards) return cards.map((ids, i) => ({ logits: ids.flatMap(numbersOf), target: targets[i] }));
  const numbers = numbersOf(card);
  const count = CARDS.get(card).at.value[2].at(-1);
  const wanted = target === null ? [] : numbersOf(target);
  return Array.from({ length: numbers.length / count }, (_, i) => ({
    logits: numbers.slice(i * count, (i + 1) * count),
    target: wanted[i] ?? null,
  }));
}

// The name of a row of logits: its token, or its number.
function placeName(i, rows) {
  const length = DATA.tokens?.length;
  return length && rows % length === 0 ? tokenAt(i % length, Math.floor(i / length)) : String(i);
}

function probabilities(logits) {
  const top = Math.max(...logits);
  const powers = logits.map((v) => Math.exp(v - top));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((p) => p / total);
}

// Three digits are enough to compare.
const short3 = (p) => (Number.isFinite(p) ? digits(p, 3) : exact(jsonOf(p)));

const BAR = { most: 34, least: 14, h: 40, text: 14 }; // px
const ROW = 180; // px, of as many bars as there is room for

function barsOf(logits, [low, high], target, name) {
  const shares = probabilities(logits);
  const best = logits.indexOf(Math.max(...logits));
  const line = make("li");
  line.append(write(make("span", "place"), name, 12));
  const wide = Math.min(BAR.most, Math.max(BAR.least, ROW / logits.length));
  const [width, height] = [wide * logits.length, BAR.h + BAR.text];
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height, class: "logits", role: "img" }, line);
  const yOf = (v) => (BAR.h * (high - Math.min(Math.max(v, low), high))) / (high - low || 1);
  logits.forEach((v, k) => {
    const on = k === target ? " target" : "";
    const [top, bottom] = [Math.min(yOf(v), yOf(0)), Math.max(yOf(v), yOf(0))];
    const at = { x: k * wide + 1, y: top || 0, width: wide - 2, height: bottom - top || 0 };
    const bar = draw("rect", { ...at, class: `bar${on}` }, svg);
    if (!on) bar.style.fill = colour(jsonOf(v), "value", Math.max(high, -low)).fill;
    const told = `${classOf(k, logits.length)}: ${exact(jsonOf(v))}, p = ${exact(jsonOf(shares[k]))}`;
    draw("title", {}, bar).textContent = told;
    const text = draw("text", { x: (k + 0.5) * wide, y: height - 3, class: on.trim() }, svg);
    text.textContent = clipped(classOf(k, logits.length), Math.floor(wide / 6.5));
  });
  draw("line", { x1: 0, x2: width, y1: yOf(0), y2: yOf(0) }, svg);
  const says = `says ${classOf(best, logits.length)}`;
  const told = target === null || shares[target] === undefined
    ? says
    : `${says}; p(${classOf(target, logits.length)}) = ${short3(shares[target])}`;
  svg.setAttribute("aria-label", `${inline(name, 12)}: ${told}`);
  line.append(make("span", best === target ? "told right" : "told", told));
  return line;
}
