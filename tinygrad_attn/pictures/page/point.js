// Pointing at a number, with the pointer or the keys, tells how it came about.

const READOUT = document.getElementById("readout");
const TOUCH = matchMedia("(hover: none)").matches;
const HINT = `${TOUCH ? "Tap" : "Point at"} a number to see how it came about.`;
let pointed = null; // what is pointed at: {card, which, row, column, send}

function storyOf(point) {
  const { card, which, row, column } = point;
  if (which === "value") {
    if (hasValue(card, STATE.step)) return valueStory(card, row, column);
    return { lines: [`${nameOf(card)}: not computed yet`], lights: [] };
  }
  if (which === "gradient") return gradientStory(card, row, column);
  return sendStory(stepNow(), point.send, row, column);
}

function pointAt(point) {
  const same = (key) => pointed?.[key] === point?.[key];
  if (pointed && point && ["card", "which", "row", "column"].every(same)) return;
  pointed = point;
  const { lines, lights } = point ? storyOf(point) : { lines: [], lights: [] };
  showLights(lights);
  lightTables(lights);
  READOUT.replaceChildren(
    ...lines.map((line, i) => make("p", i ? "more" : "head", clipped(line, 1200))),
  );
  const reason = point ? reasonAt(point) : "";
  if (reason) READOUT.append(make("p", "reason", reason));
  READOUT.classList.toggle("empty", !point);
  if (!point) READOUT.append(make("p", "hint", HINT));
}

function pointOfCell(cell) {
  const found = CELLS.get(cell);
  if (!found) return null;
  const { table, i, j } = found;
  const { card, which, grid, send } = table;
  return { card, which, send, row: grid.rows[i], column: grid.columns[j] };
}

function pointOfCanvas(event) {
  const button = event.target.closest?.(".card");
  const { card: id, closed } = button?.dataset ?? {};
  const card = CARDS.get(id) ?? CLOSED.get(closed);
  if (!card) return null;
  const box = button.getBoundingClientRect();
  const scale = box.width / card.w || 1;
  const cell = cellUnder(card, (event.clientX - box.left) / scale, (event.clientY - box.top) / scale);
  return cell && { card: closed ? CARDS.get(DATA.frames[closed].shows) : card, ...cell };
}

const inTree = (element) => Boolean(element?.closest?.("#tree"));

// Without a pointer at a number, the focused cell is what is pointed at.
const focused = () => pointOfCell(document.activeElement);

// Scrolls a number that has the focus to where its sum leaves it in sight.
function uncover(cell) {
  if (!CELLS.has(cell)) return;
  const panel = document.getElementById("panel");
  const covered = cell.getBoundingClientRect().bottom + 4 - READOUT.getBoundingClientRect().top;
  if (covered > 0) panel.scrollTop += covered;
}

function buildPointing() {
  const panel = document.getElementById("panel");
  panel.addEventListener("pointerover", (event) => {
    // A long sum grows over the number that it is of, and must stay then. What a finger
    // taps gets the focus.
    const stays = READOUT.contains(event.target) || inTree(event.target);
    if (stays || event.pointerType === "touch") return;
    pointAt(pointOfCell(event.target) ?? focused());
  });
  panel.addEventListener("pointerleave", () => pointAt(focused()));
  panel.addEventListener("focusin", (event) => {
    if (inTree(event.target)) return; // what is clicked must stay under the pointer
    pointAt(pointOfCell(event.target));
    uncover(event.target);
  });
  panel.addEventListener("focusout", (event) => {
    if (!inTree(event.relatedTarget)) pointAt(null);
  });
  panel.addEventListener("keydown", walk);
  STAGE.addEventListener("pointermove", (event) => {
    if (!FINGERS.size) pointAt(pointOfCanvas(event) ?? focused());
  });
  STAGE.addEventListener("pointerleave", () => pointAt(focused()));
}
