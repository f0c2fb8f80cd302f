// What was there before: the numbers as they were recorded, beside those of now.

let present = null; // while one looks back: [array, its numbers of now]
const looksBack = () => present !== null;

function* allGrids() {
  for (const card of DATA.cards) yield* [card.value, card.gradient];
  for (const step of STEPS) {
    yield step.grid;
    for (const send of step.sends ?? []) yield* [send.grid, send.so_far];
  }
}

const keepGrid = (grid) => (grid.recorded = grid.numbers.map((line) => [...line]));

// Remembers what all grids show now, before any edit.
function keepGrids() {
  for (const grid of allGrids()) if (grid) keepGrid(grid);
}

// Shows all as it was recorded, or as it is now. What was done stays done.
function lookBack(on) {
  if (on === looksBack()) return;
  if (on) {
    present = [...RECORDED.keys()].map((array) => [array, array.slice()]);
    for (const [array, numbers] of RECORDED) array.set(numbers);
  } else {
    for (const [array, numbers] of present) array.set(numbers);
    present = null;
  }
  compute();
}

// A cell with another number than was recorded has that below it, small; where there is
// no room for it, a mark.
function showGhost({ grid, cells }, i, j) {
  if (!grid.recorded) return;
  const cell = cells[i][j];
  const before = grid.recorded[i][j];
  const other = !looksBack() && before !== grid.numbers[i][j];
  cell.classList.toggle("other", other);
  if (!other) delete cell.dataset.before;
  else cell.dataset.before = inCell(before, grid);
  const label = `${whereOf(grid, i, j)}: ${exact(grid.numbers[i][j])}`;
  cell.setAttribute("aria-label", other ? `${label}, before ${exact(before)}` : label);
}

// A mark on each card that shows another number than was recorded.
function markCards() {
  for (const { card, button } of VIEWS.values()) {
    const value = hasValue(card, STATE.step) && card.value.differs;
    const other = value || gradientAt(card, STATE.step)?.differs;
    button.classList.toggle("other", Boolean(other) && !looksBack());
  }
}
