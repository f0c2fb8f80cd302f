// From one number to L: the paths along which it acts, and what each contributes.
//
// A path is a row of cards, each an input of the next, up to one whose gradient comes
// from outside: L, or a result of the part that is shown. What flows back along it alone
// is its share of ∂L/∂x: each card is given the gradient that arrived along the path (and
// not the sum of all), and asked what it sends to the next (`program.alone`, living.py).
// The shares of all paths add up to the gradient.

const MOST_PATHS = 1000; // followed one by one
const MOST_SENDS = 5000; // cards asked, in one search

const sizeOf = (numbers) => Math.hypot(...numbers);
const added = (a, b) => a.map((v, i) => v + b[i]);

// card → the cards that it sends to, and the places of what it sends there.
function flows() {
  const found = new Map(cardsNow().map((card) => [card.id, new Map()]));
  for (const [, step] of ACTIVE) {
    for (const { to, at } of step.sends ?? []) {
      const sent = found.get(step.card);
      sent.set(to, [...(sent.get(to) ?? []), at]);
    }
  }
  return found;
}

// card → how many paths lead from a number of x to it.
function countPaths(x, sends) {
  const counts = new Map();
  for (const { id } of cardsNow()) {
    const into = [...sends.get(id).keys()].map((source) => counts.get(source) ?? 0);
    counts.set(id, id === x ? 1 : into.reduce((sum, n) => sum + n, 0));
  }
  return counts;
}

// Where paths end: [card, gradient from outside].
function ends() {
  return STEPS.filter((step) => step.kind === "seed").map(({ card }) => {
    const outside = PROGRAM.arrays[`seed_${card}`];
    return [card, outside ? Array.from(outside) : [1]];
  });
}

// Puts a gradient where a card takes the sum of all. A card with one use, which the same
// program computes, needs none: the sum is what that use sends.
function put({ program, place }, gradient, only) {
  if (only) return;
  numbersAt(program, place); // which lists its places
  const array = program.arrays[place[0]];
  PLACES_OF.get(place).forEach((at, i) => (array[at] = gradient[i]));
}

// The paths of number `at` of card x, the largest shares first: {cards, sizes, share};
// `sizes` of what flows through each card. Of too many, some are followed: at each card
// the larger what it sends, the more of them.
function pathsOf(x, at) {
  const sends = flows();
  const counts = countPaths(x, sends);
  const found = [];
  let asked = 0;
  const follow = (id, gradient, trail, room, from) => {
    trail = [{ id, size: sizeOf(gradient) }, ...trail];
    if (id === x) {
      found.push({ cards: trail.map((t) => t.id), sizes: trail.map((t) => t.size), share: gradient[at] });
      return;
    }
    if (asked++ >= MOST_SENDS) return;
    const sender = senderOf(id);
    const { program } = sender;
    put(sender, gradient, GRADIENTS.get(id).length < 2 && program === from);
    program.alone[sender.name]?.();
    const next = [...sends.get(id)]
      .filter(([source]) => counts.get(source))
      .map(([source, places]) => [source, places.map((place) => numbersAt(program, place)).reduce(added)])
      .map(([source, sent]) => ({ source, sent, size: sizeOf(sent) }))
      .sort((a, b) => b.size - a.size);
    const sum = next.reduce((all, { size }) => all + size, 0) || 1;
    const rooms = next.map(({ size }) => Math.floor((room * size) / sum) || 0);
    rooms[0] += room - rooms.reduce((all, n) => all + n, 0);
    next.forEach(({ source, sent }, i) => {
      if (every || rooms[i]) follow(source, sent, trail, Math.min(rooms[i], counts.get(source)), program);
    });
  };
  const starts = ends().filter(([id]) => counts.get(id));
  const count = starts.reduce((sum, [id]) => sum + counts.get(id), 0);
  const every = count <= MOST_PATHS;
  PROGRAM.run();
  for (const [id, gradient] of starts) follow(id, gradient, [], Math.floor(MOST_PATHS / starts.length), null);
  PROGRAM.run();
  for (const id of OPENED) runOperation(OPERATIONS.get(id), id);
  found.sort((a, b) => Math.abs(b.share) - Math.abs(a.share));
  return { found, count };
}

// --- what is shown ---

const PATHS = Object.fromEntries(
  ["paths", "paths-told", "paths-list", "paths-rest", "paths-close", "paths-back"].map((id) => [id, document.getElementById(id)]),
);
const MOST_SHOWN = 3;
const MOST_NAMED = 7; // cards
let traced = null; // the number whose paths are shown: {card, at, name, found, count, lit}

// A path in words: "w → q_proj → … → scores → loss". Of a long one, what all paths have is
// left out, and then what is in the middle; `all` leaves nothing out.
function pathText({ cards }, all = false) {
  let named = cards.map((id, i) => ({ id, i }));
  if (!all && cards.length > MOST_NAMED && traced.found.length > 1) {
    const lists = traced.found.map((path) => new Set(path.cards));
    const ends = [0, cards.length - 1];
    named = named.filter(({ id, i }) => ends.includes(i) || !lists.every((list) => list.has(id)));
  }
  if (!all && named.length > MOST_NAMED) named.splice(3, named.length - MOST_NAMED + 1);
  const words = named.flatMap(({ id, i }, k) => {
    const name = nameOf(CARDS.get(id));
    return k && named[k - 1].i !== i - 1 ? ["…", name] : [name];
  });
  return [...words, ...(CARDS.get(cards.at(-1)).name === DATA.of ? [] : ["…", LOSS])].join(" → ");
}

// Follows the paths of a number: of a value, or of its gradient.
const hasPaths = ({ card, which }) =>
  LIVE !== null && Boolean((card.at ?? card.place).gradient) && !hidesGradient(card) && GRIDS.includes(which);

function trace(point) {
  if (!hasPaths(point)) return;
  const { card, row, column } = point;
  const at = row * (card.value.shape.at(-1) ?? 1) + column;
  traced = { ...point, at, lit: 0, name: element(nameOf(card), card.value, row, column) };
  tracePaths();
  showAllOf(traced.found[0]);
}

function tracePaths() {
  Object.assign(traced, pathsOf(traced.card.id, traced.at));
  traced.lit = Math.min(traced.lit, Math.max(traced.found.length - 1, 0));
  const { found } = traced;
  PATHS.paths.hidden = false;
  PATHS["paths-told"].textContent = tracedText(traced);
  PATHS["paths-list"].replaceChildren(
    ...found.slice(0, MOST_SHOWN).map((path, i) => {
      const button = make("button", "", `${pathText(path)}: ∂ = ${exact(jsonOf(path.share))}`);
      button.type = "button";
      button.title = clipped(pathText(path, true), 1000);
      button.addEventListener("click", () => lightPath(i));
      const item = make("li");
      item.append(button);
      return item;
    }),
  );
  const rest = found.slice(MOST_SHOWN).reduce((sum, { share }) => sum + share, 0);
  const others = `The other ${found.length - MOST_SHOWN} add up to ${exact(jsonOf(rest))}.`;
  PATHS["paths-rest"].textContent = found.length > MOST_SHOWN ? others : "";
  lightPath(traced.lit);
  const point = pointed;
  pointed = null;
  pointAt(point);
}

// A number's tree, and the field of one that can be changed, have a button for its paths.
// They take the tree's place, and have a button for it: one thing at a time.
function buttonToPaths(point) {
  const button = make("button", "to-paths", `its paths to ${LOSS}`);
  button.type = "button";
  button.addEventListener("click", () => openPaths(point));
  return button;
}

function openPaths(point) {
  plant(null);
  trace(point);
  PATHS["paths-back"].hidden = !opensFurther(point);
  const panel = document.getElementById("panel");
  const top = panel.getBoundingClientRect().top + (EDITOR.hidden ? 0 : EDITOR.offsetHeight);
  panel.scrollTop += PATHS.paths.getBoundingClientRect().top - top;
  if (!byPointer) PATHS["paths-list"].querySelector("button")?.focus({ preventScroll: true });
}

function backToTree() {
  const { card, which, row, column } = traced;
  closePaths();
  plant({ card, which, row, column, send: null });
  if (!byPointer) TREE.querySelector("button")?.focus();
}

function tracedText({ card, at, name, found, count }) {
  const whole = exact(jsonOf(arrivedIn(card)[at]));
  const of = `${card.share ?? ""}∂${LOSS}/∂${name} = ${whole}`;
  if (!count) return `No path leads from ${name} to ${LOSS}.`;
  if (count === 1) return `${of}, along one path:`;
  if (found.length === count) return `${of}, the sum along ${count} paths:`;
  const few = `these are the strongest of the ${found.length.toLocaleString("en")} that were followed`;
  return `${of}, the sum along ${count.toLocaleString("en")} paths; ${few}:`;
}

// The drawing: the path's lines and cards, and how large what flows there is.
function lightPath(i) {
  traced.lit = i;
  [...PATHS["paths-list"].querySelectorAll("button")].forEach((button, k) =>
    button.setAttribute("aria-pressed", String(k === i)),
  );
  drawPath();
}

const brief2 = (v) => rounded(jsonOf(v), 2).text;

function clearPath() {
  for (const old of document.querySelectorAll(".along")) old.classList.remove("along");
  for (const old of LIGHTS.querySelectorAll(".flow")) old.remove();
}

// The card that is drawn for a card: itself, or the closed module around it; or none.
const shownFor = (id) => (DRAWN.has(id) ? id : HOLDER.get(id));

function drawPath() {
  clearPath();
  const path = traced?.found[traced.lit];
  if (!path) return;
  path.cards.forEach((id, i) => {
    const next = path.cards[i + 1];
    DATA.links.forEach(({ source, target }, link) => {
      if (source !== id || target !== next) return;
      LINE_VIEWS.get(LINE_OF.get(link))?.back.classList.add("along");
    });
    const seen = shownFor(id);
    if (!seen) return;
    VIEWS.get(seen).button.classList.add("along");
    if (seen !== id) return;
    const card = CARDS.get(id);
    const one = card.value.rows.length * card.value.columns.length === 1;
    const told = i ? `${one ? "∂" : "‖∂‖"} ${brief2(path.sizes[i])}` : `∂ ${brief2(path.share)}`;
    const text = draw("text", { class: "flow", x: card.x + card.w / 2, y: card.y + card.h + 16 }, LIGHTS);
    text.textContent = told;
  });
}

// Moves to where all of the path can be seen, if it cannot.
function showAllOf(path) {
  const cards = (path?.cards ?? []).map((id) => DRAWN.get(shownFor(id))).filter(Boolean);
  if (!cards.length || cards.every((card) => inSight(card, 1))) return;
  const left = Math.min(...cards.map((c) => c.x));
  const top = Math.min(...cards.map((c) => c.y));
  const width = Math.max(...cards.map((c) => c.x + c.w)) - left;
  const height = Math.max(...cards.map((c) => c.y + c.h + 20)) - top;
  const { w, h } = stageSize();
  const zoom = Math.min((w - 2 * MARGIN) / width, (h - 2 * MARGIN) / height, 1);
  overview = false;
  look(w / 2 - (left + width / 2) * zoom, h / 2 - (top + height / 2) * zoom, zoom, true);
}

function closePaths() {
  traced = null;
  PATHS.paths.hidden = true;
  clearPath();
}

// After an edit.
function refreshPaths() {
  if (traced) tracePaths();
}

function buildPaths() {
  PATHS["paths-close"].addEventListener("click", closePaths);
  PATHS["paths-back"].addEventListener("click", backToTree);
  FIELDS["edited-paths"].addEventListener("click", () => openPaths(pointOfChosen()));
}
