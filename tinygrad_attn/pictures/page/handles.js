// The cells of the panel as handles: chosen by a click or Enter, dragged to either side,
// typed into. (The page's own keys, such as 0, are for what cannot be typed into.)

const DRAG_FROM = 6; // px to the side: less is a click, and up or down scrolls
const WHOLE_PX = 12; // px for each whole number
let grip = null; // a cell that is held: {pointer, cell, x, y, from, per}

// Called whenever the panel shows something else.
function dressPanel() {
  if (!LIVE) return;
  for (const { card, which, cells } of TABLES) {
    if (which !== "value" || !isLeaf(card)) continue;
    for (const cell of cells.flat()) {
      cell.classList.add("editable");
      cell.setAttribute("aria-readonly", "false");
    }
  }
  for (const table of TABLES) table.cells.forEach((line, i) => line.forEach((_, j) => showGhost(table, i, j)));
  offerLabels();
  if (chosen && !isShown(chosen) && !EDITOR.contains(document.activeElement)) closeEditor();
  markChosen();
}

// Whether the panel shows what the editor is of.
const isShown = ({ card, given }) =>
  given
    ? !STATE.leaf && stepNow()?.card === card.id && !closedAround(card.id)
    : STATE.leaf === card.id;

function markChosen() {
  for (const { card, which, grid, cells } of TABLES) {
    const own = chosen && !chosen.given && which === "value" && card === chosen.card;
    cells.forEach((line, i) => {
      line.forEach((cell, j) => {
        const here = own && chosen.at === grid.rows[i] * (grid.shape.at(-1) ?? 1) + grid.columns[j];
        cell.classList.toggle("chosen", Boolean(here));
      });
    });
  }
}

// The number of a cell that can be changed: {card, row, column}, or null.
function handleOf(cell) {
  const point = cell && pointOfCell(cell);
  return point?.which === "value" && isLeaf(point.card) ? point : null;
}

function chooseCell(cell) {
  const point = handleOf(cell);
  if (!point) return;
  const { i, j } = CELLS.get(cell);
  settleFirst();
  if (STATE.step !== LAST) goToTheEnd(point.card.id);
  stop();
  TABLES[0].cells[i][j].focus({ preventScroll: true });
  const { card, row, column } = point;
  const at = row * (card.value.shape.at(-1) ?? 1) + column;
  chooseNumber({ card, id: card.id, at, name: element(nameOf(card), card.value, row, column) });
  showBelowEditor(TABLES[0].cells[i][j]);
}

// To where everything can follow. One goes on looking at the card whose number was chosen.
function goToTheEnd(id) {
  const { x, y, zoom, moved } = CAMERA;
  const stood = DRAWN.get(id) && { ...DRAWN.get(id) };
  moveTo(LAST);
  showLeaf(id);
  const card = DRAWN.get(id);
  if (!card || !stood) return;
  CAMERA.moved = moved;
  look(x + (stood.x - card.x) * zoom, y + (stood.y - card.y) * zoom, zoom);
}

// The editor stays above what scrolls: the cell that it is of must not be under it.
function showBelowEditor(cell) {
  const panel = document.getElementById("panel");
  const covered = EDITOR.getBoundingClientRect().bottom + 4 - cell.getBoundingClientRect().top;
  if (!EDITOR.hidden && covered > 0) panel.scrollTop -= covered;
  uncover(cell);
}

// --- dragging ---

function takeHold(event) {
  const cell = event.target.closest?.("td");
  const point = event.button === 0 && handleOf(cell);
  if (!point || point.card.dtype === "bool") return;
  grip = { pointer: event.pointerId, cell, x: event.clientX, y: event.clientY, from: null };
}

function pull(event) {
  if (event.pointerId !== grip?.pointer) return;
  const [dx, dy] = [event.clientX - grip.x, event.clientY - grip.y];
  if (grip.from === null) {
    if (Math.abs(dy) > Math.abs(dx) && Math.abs(dy) > DRAG_FROM) grip = null;
    if (!grip || Math.abs(dx) < DRAG_FROM) return;
    chooseCell(grip.cell);
    EXPLANATION.setPointerCapture(grip.pointer);
    EXPLANATION.classList.add("pulling");
    grip.from = numberOf(chosen.id, chosen.at);
    grip.x = event.clientX;
    return;
  }
  edit(pulled(grip.from, event.clientX - grip.x, event.shiftKey));
}

// How far a pull of so many px leads: 100 px as far as the number is large, or 1.
function pulled(from, px, fine) {
  if (chosen.card.dtype === "int64") return within(from + Math.round(px / WHOLE_PX));
  const grain = grainOf(from) / (fine ? 10 : 1);
  const v = from + grain * Math.round(px);
  return Number(v.toPrecision(12)); // not .30000000000000004
}

// A hundredth of a number's size, as a power of ten.
function grainOf(v) {
  const size = Number.isFinite(v) ? Math.max(1, Math.abs(v)) : 1;
  return 10 ** Math.floor(Math.log10(size) - 2);
}

function letLoose(event) {
  if (event.pointerId !== grip?.pointer) return;
  grip = null;
  EXPLANATION.classList.remove("pulling");
}

// --- keys ---

// Enter, or the first letters of a number, lead from a cell to its field.
function typeIntoCell(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !handleOf(event.target)) return;
  const types = /^[\d.,+-]$/.test(event.key);
  if (event.key !== "Enter" && !types) return;
  event.preventDefault();
  event.stopPropagation();
  chooseCell(event.target);
  if (EDITOR.hidden) return;
  FIELDS.number.focus();
  FIELDS.number.select();
  if (types) FIELDS.number.value = event.key;
}

function buildHandles() {
  const panel = document.getElementById("panel");
  panel.addEventListener("click", (event) => chooseCell(event.target.closest?.("td")));
  panel.addEventListener("keydown", typeIntoCell);
  panel.addEventListener("pointerdown", takeHold);
  panel.addEventListener("pointermove", pull);
  for (const type of ["pointerup", "pointercancel"]) panel.addEventListener(type, letLoose);
}
