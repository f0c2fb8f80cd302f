// Numbers as the page writes them: in labels and in sums.

function superscript(n) {
  const digits = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  return String(n).replace(/\d/g, (d) => digits[d]).replace("-", "⁻");
}

const timesTen = (power) => (power ? ` ×10${superscript(power)}` : "");

function digits(v, count) {
  // .00003 is hard to read: 3·10⁻⁵.
  const small = Math.abs(v) < 1e-4;
  const [mantissa, power] = (small ? v.toExponential(count - 1) : v.toPrecision(count)).split("e");
  const text = mantissa.replace("-", MINUS).replace(/^(−?)0\./, "$1.");
  return text + (power ? `·10${superscript(Number(power))}` : "");
}

// At most so many digits, and whether these are all that the number has: a number that
// was rounded keeps its last zeros.
function rounded(v, count) {
  if (!isNumber(v) || v === 0) return { text: short(v), all: true };
  const all = Number(v.toPrecision(count)) === v;
  if (!all) return { text: digits(v, count), all };
  let few = 1;
  while (Number(v.toPrecision(few)) !== v) few++;
  const whole = Number.isInteger(v) && Math.abs(v) < 10 ** count;
  return { text: digits(v, whole ? count : few).replace(/\.0+$/, ""), all };
}

// In a sum: four digits, enough to add it up by hand. `sums` remembers whether one of
// them was rounded, which makes a sum's = an ≈.
const sums = { rounded: false };

function brief(v) {
  const { text, all } = rounded(v, 4);
  if (!all) sums.rounded = true;
  return text;
}

// Six digits.
const exact = (v) => rounded(v, 6).text;
// What was made of rounded numbers is rounded itself.
const equals = (v) =>
  !isNumber(v) || (!sums.rounded && rounded(v, 6).all) ? "=" : "≈";

// Inside a sum a negative number needs brackets.
const bracketed = (text) => (text.startsWith(MINUS) ? `(${text})` : text);

// As a cell shows a number of a grid: a score that stands for −∞ as that, and rounding
// noise, which has no colour, as ≈ 0.
const meant = (v, grid) => (isNumber(v) && v <= (grid.least ?? -Infinity) ? "-inf" : v);
const isNoise = (v, grid) => isNumber(v) && v !== 0 && Math.abs(v) <= (grid.noise ?? 0);
const inCell = (v, grid) => (isNoise(v, grid) ? "≈ 0" : short(meant(v, grid), grid.power));

function colourIn(grid, v, largest) {
  return colour(isNoise(v, grid) ? 0 : meant(v, grid), grid.palette, largest);
}
