// A live page: every number is computed anew by a program that was written from the same
// graph (program/living.py), so any number that the computation begins with can be changed.

const LIVE = DATA.live ?? null; // null: the page is too large, and only plays

// The numbers of a program's leaves, all digits of them.
function unpacked(numbers) {
  if (typeof numbers !== "string") return numbers;
  const bytes = Uint8Array.from(atob(numbers), (letter) => letter.charCodeAt(0));
  return new Float64Array(bytes.buffer);
}

// A program with its numbers, and its arrays by name.
function running(create, { numbers, loss }) {
  const loaded = Object.fromEntries(
    Object.entries(numbers).map(([name, packed]) => [name, unpacked(packed)]),
  );
  const program = create(loaded);
  const arrays = {};
  for (const group of ["parameters", "constants", "fixed", "locals"]) {
    for (const [name, tensor] of Object.entries(program[group])) arrays[name] = tensor.array;
  }
  return { arrays, loss, run: () => program.step(), alone: program.alone };
}

const PROGRAM = LIVE && running(createPart, LIVE.part);
const ENTIRE = LIVE?.whole ? running(createWhole, LIVE.whole) : null;

// --- places: [array, offset, shape, strides] ---

// All places of a tensor's numbers, row by row.
function placesOf([, offset, shape, strides]) {
  let places = [offset];
  shape.forEach((size, axis) => {
    const along = Array.from({ length: size }, (_, i) => i * strides[axis]);
    places = places.flatMap((place) => along.map((more) => place + more));
  });
  return Int32Array.from(places);
}

const PLACES_OF = new WeakMap(); // a place -> its places: the same at each run

function numbersAt(program, place) {
  let places = PLACES_OF.get(place);
  if (!places) PLACES_OF.set(place, (places = placesOf(place)));
  const array = program.arrays[place[0]];
  const numbers = new Array(places.length);
  for (let i = 0; i < places.length; i++) numbers[i] = array[places[i]];
  return numbers;
}

// --- from a program to the page's grids ---

function powerOf(size) {
  return size === 0 || (0.05 <= size && size < 100) ? 0 : Math.floor(Math.log10(size));
}

const jsonOf = (v) => (v - v === 0 ? v : String(v).replace("Infinity", "inf").replace("NaN", "nan"));

// Puts a tensor's numbers into a grid; whether one of them is another than before. And
// whether one is another than was recorded: that is `differs`.
function fill(grid, all) {
  const { rows, columns, numbers, recorded } = grid;
  const width = grid.shape.at(-1) ?? 1;
  const truth = typeof numbers[0]?.[0] === "boolean";
  let changed = false;
  let differs = false;
  for (let i = 0; i < rows.length; i++) {
    const line = numbers[i];
    const first = recorded?.[i];
    const start = rows[i] * width;
    for (let j = 0; j < columns.length; j++) {
      const v = all[start + columns[j]];
      const shown = truth ? v !== 0 : jsonOf(v);
      if (first && shown !== first[j]) differs = true;
      if (shown === line[j]) continue;
      changed = true;
      line[j] = shown;
    }
  }
  grid.differs = differs;
  if (grid.palette === "probability") return changed;
  if (!changed && recorded && rows.length * columns.length === all.length) return false;
  const least = grid.least ?? -Infinity;
  let largest = 0;
  for (let i = 0; i < all.length; i++) {
    const size = Math.abs(all[i]);
    if (size > largest && size < Infinity && all[i] > least) largest = size;
  }
  if (largest <= (grid.noise ?? 0)) largest = 0;
  grid.largest = largest;
  grid.power = powerOf(largest);
  return changed;
}

// Brings every grid of the page to what the program has computed. Returns the ids of the
// cards that look different.
function fillAll() {
  const changed = new Set();
  const gradients = new Map(); // id of a card -> what it has received so far
  const put = (id, grid, numbers) => {
    if (grid && fill(grid, numbers)) changed.add(id);
  };
  for (const card of DATA.cards) {
    put(card.id, card.value, numbersAt(PROGRAM, card.at.value));
    if (card.at.gradient) put(card.id, card.gradient, numbersAt(PROGRAM, card.at.gradient));
  }
  for (const step of STEPS) {
    if (step.kind === "seed" && step.grid) {
      const seed = Array.from(PROGRAM.arrays[`seed_${step.card}`]);
      put(step.card, step.grid, seed);
      gradients.set(step.card, seed);
    }
    if (step.kind === "backward" && OPENED.has(step.card)) fillOperation(step.card, gradients, put);
    for (const send of step.sends ?? []) {
      const share = numbersAt(PROGRAM, send.at);
      const before = gradients.get(send.to);
      const sum = before ? share.map((v, i) => v + before[i]) : share;
      gradients.set(send.to, sum);
      put(send.to, send.grid, share);
      put(send.to, send.so_far, sum);
    }
  }
  for (const [id, { shows }] of Object.entries(DATA.frames ?? {})) {
    if (changed.has(shows)) changed.add(id);
  }
  return changed;
}

// --- running ---

function copyFrom([place, positions], to) {
  const numbers = numbersAt(ENTIRE, place);
  for (let i = 0; i < to.length; i++) to[i] = numbers[positions ? positions[i] : i];
}

// Computes all numbers, forward and backward.
function compute() {
  if (ENTIRE) {
    ENTIRE.run();
    for (const [id, link] of Object.entries(LIVE.links.leaves)) copyFrom(link, PROGRAM.arrays[id]);
    for (const [id, link] of Object.entries(LIVE.links.seeds)) copyFrom(link, PROGRAM.arrays[`seed_${id}`]);
    for (const [name, other] of Object.entries(LIVE.links.given)) {
      PROGRAM.arrays[name][0] = ENTIRE.arrays[other][0];
    }
  }
  PROGRAM.run();
}

// What a browser computes for the first times is slow. So it does, while there is nothing
// else to do before the first edit; all numbers stay as they are.
const whenIdle = window.requestIdleCallback ?? ((run) => setTimeout(run, 100));

function warmUp(times) {
  if (times === 0) return;
  whenIdle(() => {
    if (DONE.length) return;
    compute();
    fillAll();
    warmUp(times - 1);
  });
}

const lossOf = (program) => program.arrays[program.loss[0]][program.loss[1]];
// L; of a part whose whole is not there, what its results add to L, as far as the
// gradients from outside tell.
const lossNow = () => lossOf(ENTIRE ?? PROGRAM);

// Where a number lies that the computation begins with: [array, index], in the program
// that an edit goes to. `id` is a leaf's, or the name of a plain number in between.
function homeOf(id, at) {
  if (!ENTIRE) return [PROGRAM.arrays[id], at];
  if (LIVE.links.given[id]) return [ENTIRE.arrays[LIVE.links.given[id]], 0];
  const [place, positions] = LIVE.links.leaves[id];
  return [ENTIRE.arrays[place[0]], place[1] + (positions ? positions[at] : at)];
}

const numberOf = (id, at) => {
  const [array, index] = homeOf(id, at);
  return array[index];
};

// As it was recorded.
const recordedOf = (id, at) => {
  const [array, index] = homeOf(id, at);
  return RECORDED.get(array)?.[index] ?? array[index];
};

// Whether there is a number of a leaf, or one in between, that can be changed.
function canChange(id, at) {
  if (!Object.hasOwn(LIVE.part.numbers, id) || id.startsWith("seed_")) return false;
  if (ENTIRE && !LIVE.links.given[id] && !LIVE.links.leaves[id]) return false;
  const [array, index] = homeOf(id, at);
  return array?.[index] !== undefined;
}

// ∂L/∂ a number of a leaf: [through what the page shows, in all]; null for a constant.
function gradientsOf(id, at) {
  const place = CARDS.get(id)?.at?.gradient;
  if (!place) return null;
  const own = numbersAt(PROGRAM, place)[at];
  const link = ENTIRE && LIVE.links.totals[id];
  if (!link) return [own, own];
  return [own, numbersAt(ENTIRE, link[0])[link[1] ? link[1][at] : at]];
}
