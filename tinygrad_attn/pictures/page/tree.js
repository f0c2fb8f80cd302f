// The tree of a number: what it was made from, and what that was made from, down to the
// leaves. A click on a number of the panel plants it, a click on a term opens that.
// Nothing of it is stored: each level is read off the same sums as sums.js and chain.js
// write, when it is opened.

const TREE = document.getElementById("tree");
const MOST_CHILDREN = 24; // of one number
let planted = null; // the number at the root: {card, which, row, column, send, step}
const grown = new Set(); // the terms that are open, by their paths from the root

function plant(point) {
  planted = point;
  grown.clear();
  grow();
  if (point) TREE.scrollIntoView({ block: "nearest" });
}

// Writes the tree anew: after an edit its numbers are others.
function grow() {
  TREE.hidden = !planted;
  TREE.replaceChildren();
  if (!planted) return;
  closePaths();
  TREE.append(make("h3", "", "what it was made from"));
  if (hasPaths(planted)) TREE.lastChild.append(" ", buttonToPaths(planted));
  TREE.append(...branch(planted, ""));
}

// A number's sum, and a list of its terms.
function branch(point, path) {
  const { lines, cells = [] } = storyInTree(point);
  const parts = lines.map((line) => make("p", "how", clipped(line, 1200)));
  if (!cells.length) return parts;
  const list = make("ul");
  list.append(...cells.slice(0, MOST_CHILDREN).map((cell, i) => twig(cell, `${path}/${i}`)));
  if (cells.length > MOST_CHILDREN) list.append(make("li", "", `… ${cells.length} terms in all`));
  return [...parts, list];
}

// A term: a leaf, or a number that opens.
function twig(point, path) {
  const item = make("li");
  const text = nameInTree(point);
  if (!opensFurther(point)) {
    item.append(make("p", "", `${text}  (${isGradient(point) ? "from outside" : point.card.kind})`));
    return item;
  }
  const details = make("details");
  details.append(make("summary", "", text));
  const fill = () => {
    if (!details.open) grown.delete(path);
    else grown.add(path);
    if (details.open && details.children.length === 1) details.append(...branch(point, path));
  };
  details.open = grown.has(path);
  fill();
  details.addEventListener("toggle", fill);
  item.append(details);
  return item;
}

const isGradient = (point) => point.which !== "value";

// A value that a step computed, or a gradient that came along a path.
function opensFurther({ card, which, send }) {
  if (which === "value") return Boolean(card.how);
  return Boolean(send) || arrivalsAt(card).length > 0;
}

function storyInTree(point) {
  const { card, which, row, column, send, step } = point;
  if (send) return sendStory(step, send, row, column);
  return which === "value" ? valueStory(card, row, column) : gradientStory(card, row, column);
}

function nameInTree({ card, which, row, column, send, step }) {
  const grid = send?.grid ?? (which === "value" ? card.value : gradientAt(card, STATE.step));
  const name = element(nameOf(card), card.value, row, column);
  const number = exact(numberAt(grid, row, column));
  if (send) return `∂${name} from ${nameOf(CARDS.get(step.card))}: ${number}`;
  return `${which === "value" ? "" : "∂"}${name} = ${number}`;
}

// The numbers that a sum is made of, each once: those that light up one by one, unless
// the sum says which.
function cellsOf({ cells, lights = [] }) {
  const found = new Map();
  for (const light of cells ?? lights) {
    if (!light || light.own || light.row === undefined || light.column === undefined) continue;
    const point = { ...light, card: CARDS.get(light.card) };
    found.set([light.card, light.which, light.row, light.column].join(), point);
  }
  return [...found.values()];
}

// A number of the panel that is clicked; a leaf's is edited instead (lab.js).
function plantAt(cell) {
  const point = cell && pointOfCell(cell);
  if (!point) return;
  const isSend = point.which.startsWith("send");
  const own = isSend ? { ...point, step: stepNow() } : { ...point, send: null };
  if (opensFurther(own)) plant(own);
}

function buildTree() {
  const panel = document.getElementById("panel");
  panel.addEventListener("click", (event) => plantAt(event.target.closest?.("td")));
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && CELLS.has(event.target)) plantAt(event.target);
  });
  TREE.addEventListener("keydown", (event) => {
    if (event.key === " ") event.stopPropagation(); // it opens a term, and does not play
  });
}
