// Edits: what was done to the numbers of a live page, in order, and the way back.

// What was done, in order: {op, was, losses}. `op` says it in the page's address:
// "n3:5=.25" a number, "off=n2" a switch, "swap=n0:1:2" two rows, "down=.1x20" steps
// downhill, "at=100" a moment of the training. `was` has what stood there before: [array, index of the first, numbers].
const DONE = [];
const lastDone = () => DONE.at(-1)?.op ?? "";
const RECORDED = new Map(); // array that can be changed -> its numbers, as recorded

function keepRecorded() {
  const { numbers } = LIVE.whole ?? LIVE.part;
  for (const name of Object.keys(numbers)) {
    const array = (ENTIRE ?? PROGRAM).arrays[name];
    if (!name.startsWith("seed_") && array) RECORDED.set(array, array.slice());
  }
}

function putBack(was) {
  for (const [array, at, numbers] of [...was].reverse()) {
    for (let i = 0; i < numbers.length; i++) array[at + i] = numbers[i];
  }
}

// Changes some numbers, [[array, index, number]]; this is one thing done. What the
// program refuses (a token that is not there) is taken back; the refusal is returned,
// else "". `key`: an op that begins with it, done last, becomes this one.
function changeNumbers(op, numbers, key = "") {
  settleFirst();
  const was = numbers.map(([array, index]) => [array, index, [array[index]]]);
  for (const [array, index, v] of numbers) array[index] = v;
  try {
    compute();
  } catch (error) {
    putBack(was);
    compute();
    return error.message;
  }
  const same = was.every(([array, index, [v]]) => Object.is(array[index], v));
  if (key && lastDone().startsWith(key)) DONE.at(-1).op = op;
  else if (!same) DONE.push({ op, was, losses });
  return "";
}

function setNumber(id, at, v) {
  const [array, index] = homeOf(id, at);
  const dtype = CARDS.get(id)?.dtype;
  const number = dtype === "int64" ? Math.round(v) : dtype === "bool" ? Number(v !== 0) : v;
  return changeNumbers(`${id}:${at}=${number}`, [[array, index, number]], `${id}:${at}=`);
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

// Begins steps downhill, which are one thing done, however many they are.
function beginDownhill() {
  settleFirst();
  DONE.push({ op: "", was: learned().map(([array]) => [array, 0, array.slice()]), losses });
}

// A step downhill: w ← w − lr ∂L/∂w for all that is learned. `count`: of this run.
function downhill(rate, count) {
  for (const [array, gradient] of learned()) {
    for (let i = 0; i < gradient.length; i++) array[i] -= rate * gradient[i];
  }
  DONE.at(-1).op = `down=${rate}x${count}`;
  compute();
}

// The arrays of all that is learned, and their gradients.
function learned() {
  const { learned: found } = LIVE.whole ?? LIVE.part;
  const program = ENTIRE ?? PROGRAM;
  return found.map(([name, place]) => [program.arrays[name], numbersAt(program, place)]);
}

function undo() {
  settleFirst();
  const last = DONE.pop();
  if (last) putBack(last.was);
  compute();
  return last;
}

function reset() {
  settleFirst();
  while (DONE.length) putBack(DONE.pop().was);
  compute();
}

const MOST_STEPS = 10_000; // that an address may ask for

// Does again what an address says was done; what does not fit is left out.
function doAgain(ops) {
  let steps = 0;
  for (const op of ops) {
    const [what, text = ""] = op.split("=");
    const [id, at] = what.split(":");
    if (what === "down") steps = downhillAgain(text, steps);
    else if (what === "off" || what === "on") throwSwitch(text, what === "off");
    else if (what === "swap") swapAgain(...text.split(":"));
    else if (what === "at") goToNamed(text);
    else if (text && isFinite(text) && /^\d+$/.test(at) && canChange(id, Number(at))) {
      setNumber(id, Number(at), Number(text));
    }
  }
}

function downhillAgain(text, before) {
  const [rate, count] = text.split("x").map(Number);
  if (!(rate > 0 && rate < Infinity && Number.isInteger(count) && count > 0)) return before;
  const end = Math.min(count, MOST_STEPS - before);
  if (end > 0) beginDownhill();
  for (let i = 1; i <= end; i++) downhill(rate, i);
  return before + Math.max(end, 0);
}
