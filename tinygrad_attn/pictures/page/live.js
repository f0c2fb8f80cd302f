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
  return places;
}

const PLACES_OF = new Map(); // a place as text -> its places: the same at each run

function numbersAt(program, place) {
  const key = place.join();
  if (!PLACES_OF.has(key)) PLACES_OF.set(key, placesOf(place));
  const array = program.arrays[place[0]];
  return PLACES_OF.get(key).map((at) => array[at]);
}

// --- from a program to the page's grids ---

function powerOf(size) {
  return size === 0 || (0.05 <= size && size < 100) ? 0 : Math.floor(Math.log10(size));
}

const jsonOf = (v) => (Number.isFinite(v) ? v : String(v).replace("Infinity", "inf").replace("NaN", "nan"));

// Puts a tensor's numbers into a grid; whether one of them is another than before.
function fill(grid, all) {
  const width = grid.shape.at(-1) ?? 1;
  const truth = typeof grid.numbers[0]?.[0] === "boolean";
  let changed = false;
  grid.rows.forEach((row, i) => {
    grid.columns.forEach((column, j) => {
      const v = all[row * width + column];
      const shown = truth ? v !== 0 : jsonOf(v);
      changed ||= shown !== grid.numbers[i][j];
      grid.numbers[i][j] = shown;
    });
  });
  if (grid.palette === "probability") return changed;
  let largest = 0;
  for (const v of all) {
    const size = Math.abs(v);
    if (size > largest && size < Infinity && v > (grid.least ?? -Infinity)) largest = size;
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
  }
  PROGRAM.run();
}

const lossOf = (program) => program.arrays[program.loss[0]][program.loss[1]];
// L; of a part whose whole is not there, what its results add to L, as far as the
// gradients from outside tell.
const lossNow = () => lossOf(ENTIRE ?? PROGRAM);

// Where a number lies that the computation begins with: [array, index], in the program
// that an edit goes to. `id` is a leaf's, or the name of a plain number in between.
function homeOf(id, at) {
  const link = ENTIRE && LIVE.links.leaves[id];
  if (!link) return [PROGRAM.arrays[id], at];
  const [place, positions] = link;
  return [ENTIRE.arrays[place[0]], place[1] + (positions ? positions[at] : at)];
}

const numberOf = (id, at) => {
  const [array, index] = homeOf(id, at);
  return array[index];
};

// ∂L/∂ a number of a leaf: [through what the page shows, in all]; null for a constant.
function gradientsOf(id, at) {
  const place = CARDS.get(id)?.at?.gradient;
  if (!place) return null;
  const own = numbersAt(PROGRAM, place)[at];
  const link = ENTIRE && LIVE.links.totals[id];
  if (!link) return [own, own];
  return [own, numbersAt(ENTIRE, link[0])[link[1] ? link[1][at] : at]];
}

// --- edits ---

// What was done, in order: {op, was}. `op` says it in the page's address: "n3:5=.25" for
// a number, "down=.1" for a step downhill; `was` has [array, index, number before].
const DONE = [];
const FIRST = new Map(); // "n3:5" -> the number that was recorded

const keyOf = (id, at) => `${id}:${at}`;

// Sets a number. What the program refuses (a token that is not there) is taken back; the
// refusal is returned, else "". An edit of the number that was edited last joins that.
function setNumber(id, at, v) {
  const [array, index] = homeOf(id, at);
  const [key, before] = [keyOf(id, at), array[index]];
  array[index] = v;
  try {
    compute();
  } catch (error) {
    array[index] = before;
    compute();
    return error.message;
  }
  if (!FIRST.has(key)) FIRST.set(key, before);
  const op = `${key}=${array[index]}`;
  if (DONE.at(-1)?.op.startsWith(`${key}=`)) DONE.at(-1).op = op;
  else DONE.push({ op, was: [[array, index, before]] });
  return "";
}

// L, if a number were another.
function lossIf(id, at, v) {
  const [array, index] = homeOf(id, at);
  const before = array[index];
  array[index] = v;
  compute();
  const found = lossNow();
  array[index] = before;
  compute();
  return found;
}

// A step downhill: w ← w − lr ∂L/∂w for all that is learned.
function downhill(rate) {
  const was = [];
  for (const [array, gradient] of learned()) {
    gradient.forEach((g, i) => {
      was.push([array, i, array[i]]);
      array[i] -= rate * g;
    });
  }
  DONE.push({ op: `down=${rate}`, was });
  compute();
}

// The arrays of all that is learned, and their gradients.
function learned() {
  const program = ENTIRE ?? PROGRAM;
  const { learned: found } = ENTIRE ? LIVE.whole : LIVE.part;
  return found.map(([name, place]) => [program.arrays[name], numbersAt(program, place)]);
}

function undo() {
  for (const [array, index, before] of DONE.pop()?.was.reverse() ?? []) array[index] = before;
  compute();
}

function reset() {
  while (DONE.length) {
    for (const [array, index, before] of DONE.pop().was.reverse()) array[index] = before;
  }
  compute();
}

// Does again what an address says was done; what does not fit is left out.
function doAgain(ops) {
  for (const op of ops) {
    const [what, text] = op.split("=");
    const [id, at] = what.split(":");
    const v = Number(text);
    if (what === "down" && v > 0) downhill(v);
    else if (what === "at") goToNamed(text);
    else if (at !== undefined && Number.isFinite(v) && canChange(id, Number(at))) setNumber(id, Number(at), v);
  }
}

const canChange = (id, at) =>
  Object.hasOwn(LIVE.part.numbers, id) && !id.startsWith("seed_") && homeOf(id, at)[0]?.[homeOf(id, at)[1]] !== undefined;
