// What the data say, and what can be seen after each step.

const DATA = JSON.parse(document.getElementById("data").textContent);
const CARDS = new Map(DATA.cards.map((card) => [card.id, card]));
const STEPS = DATA.steps;
const LOSS = inline(DATA.of);
const GRIDS = ["value", "gradient"];

const isBackward = (step) => step.kind !== "forward";
const FIRST_BACKWARD = STEPS.findIndex(isBackward); // -1: there is no way back

// A name of at most so many letters. One that is longer keeps its end as well, which
// tells it from others that begin as it does: "layers.0…n.q_proj.weight".
function fitName(name, length = 24) {
  const text = String(name ?? "");
  if (text.length <= length) return text;
  const letters = Array.from(visible(text.slice(0, 2 * length) + text.slice(2 * length).slice(-2 * length)));
  if (letters.length <= length) return letters.join("");
  const begin = Math.floor(length / 3);
  return [...letters.slice(0, begin), "…", ...letters.slice(begin + 1 - length)].join("");
}

const nameOf = (card) => inline(fitName(card.name));
const derivative = (card) => `${card.share ?? ""}∂${LOSS}/∂${nameOf(card)}`;

// For each card: when its value appears (−1: from the start), and the gradients that it
// has one after the other, as [step, grid].
const APPEARS = new Map(DATA.cards.map((card) => [card.id, -1]));
const GRADIENTS = new Map(DATA.cards.map((card) => [card.id, []]));
STEPS.forEach((step, i) => {
  const card = CARDS.get(step.card);
  if (step.kind === "forward") APPEARS.set(step.card, i);
  if (step.kind === "seed") GRADIENTS.get(step.card).push([i, step.grid ?? card.gradient]);
  for (const send of step.sends ?? []) GRADIENTS.get(send.to).push([i, send.so_far]);
});

const hasValue = (card, step) => APPEARS.get(card.id) <= step;

// The gradient collected up to a step, or null; what is to be predicted is not shown.
function gradientAt(card, step) {
  let found = null;
  for (const [i, grid] of GRADIENTS.get(card.id)) if (i <= step && !isHidden(i)) found = grid;
  return found;
}

// The largest numbers of all, for the shared scale. Probabilities are always 0..1.
const LARGEST = { value: 0, gradient: 0, probability: 1 };

function findLargest() {
  LARGEST.value = LARGEST.gradient = 0;
  const inside = [...OPENED].flatMap((id) => OPERATIONS.get(id).cards);
  for (const card of [...DATA.cards, ...inside]) {
    for (const grid of [card.value, card.gradient]) {
      if (grid && grid.palette !== "probability") {
        LARGEST[grid.palette] = Math.max(LARGEST[grid.palette], real(grid.largest) || 0);
      }
    }
  }
}

// What the user can change.
// leaf: whose panel is open; open: whether what repeats is drawn in full.
const STATE = { step: 0, leaf: null, open: false, shared: false, playing: false };

const largestOf = (grid) => (STATE.shared ? LARGEST[grid.palette] : real(grid.largest));

// The links that a step uses, and the cards that a gradient arrives at.
function linksOf(step) {
  if (isBackward(step)) return (step.sends ?? []).map((send) => send.link);
  return DATA.links.flatMap((link, i) => (link.target === step.card && holds(link) ? [i] : []));
}

const receiversOf = (step) => new Set((step.sends ?? []).map((send) => send.to));

// A card's steps: its own; a leaf, which has none, takes part in those of others.
const STEPS_OF = new Map(DATA.cards.map((card) => [card.id, stepsOf(card.id)]));

function stepsOf(id) {
  const numbers = [...STEPS.keys()];
  const own = numbers.filter((i) => STEPS[i].card === id);
  if (own.length) return own;
  const receives = numbers.filter((i) => receiversOf(STEPS[i]).has(id));
  if (receives.length) return receives;
  const used = DATA.links.filter((link) => link.source === id).map((link) => link.target);
  return numbers.filter((i) => STEPS[i].kind === "forward" && used.includes(STEPS[i].card));
}

// --- which number of a tensor a cell is ---

// Tensors are drawn as rows: (2, 3, 4, 5) as 24 rows of 5 numbers, (5,) as one row.
function fullIndex(grid, row, column) {
  const shape = grid.shape;
  if (!shape.length) return [];
  if (shape.length === 1) return [column];
  const index = [column];
  for (let axis = shape.length - 2, rest = row; axis >= 0; axis--) {
    index.unshift(shape[axis] ? rest % shape[axis] : 0);
    rest = Math.floor(rest / (shape[axis] || 1));
  }
  return index;
}

function element(name, grid, row, column) {
  const index = fullIndex(grid, row, column);
  return index.length ? `${name}[${index.join(",")}]` : name;
}

// Where row 3 or column 252 of the tensor lies among those shown; undefined if left out.
const PLACE_OF = new WeakMap();

function placeOf(grid) {
  let places = PLACE_OF.get(grid);
  if (!places) {
    places = {
      row: new Map(grid.rows.map((row, i) => [row, i])),
      column: new Map(grid.columns.map((column, i) => [column, i])),
    };
    PLACE_OF.set(grid, places);
  }
  return places;
}

// The number itself, or undefined where it was left out.
function numberAt(grid, row, column) {
  const { row: rows, column: columns } = placeOf(grid);
  return grid.numbers[rows.get(row)]?.[columns.get(column)];
}

// True if numbers are left out between these two neighbours.
const jumps = (indices, i) => i > 0 && indices[i] !== indices[i - 1] + 1;

// Which sequence of the batch a row is of.
function sampleOf({ shape, rows }, i) {
  const all = shape.slice(0, -1).reduce((a, b) => a * b, 1);
  return shape.length > 2 ? Math.floor((rows[i] * shape[0]) / all) : 0;
}

// A row's label: the leading axes if there are some, and the token at that position.
function rowLabel(card, grid, i) {
  const length = grid.shape.at(-2);
  const named = DATA.tokens && card.kind !== "parameter" && length === DATA.tokens.length;
  const [at, sample] = named ? [grid.rows[i] % length, sampleOf(grid, i)] : [0, 0];
  return {
    at,
    sample,
    token: named ? inline(tokenAt(at, sample), 12) : "",
    index: grid.labels?.[i] ?? (grid.shape.length > 1 ? String(grid.rows[i]) : ""),
  };
}
