// Numbers and names: how they are written, and the colours of numbers.

const MINUS = "\u2212";
const SPECIAL = { nan: "nan", inf: "∞", "-inf": MINUS + "∞" };

const isNumber = (v) => typeof v === "number";

// The data's JSON has strings for what is not finite.
function real(v) {
  if (v === "inf") return Infinity;
  if (v === "-inf") return -Infinity;
  return v === "nan" ? NaN : Number(v);
}

// Like Python's ".2f": a tie (.125) goes to the even digit.
function fixed2(size) {
  const hundredths = size * 100;
  const below = Math.floor(hundredths);
  const tie = hundredths - below === 0.5 && Number.isInteger(size * 8);
  return tie ? ((below + (below % 2)) / 100).toFixed(2) : size.toFixed(2);
}

// As a cell shows it: two decimals, no leading zero, a real minus; 0 only if exactly 0.
function short(v, power = 0) {
  if (typeof v === "boolean") return v ? "✓" : "✗";
  if (!isNumber(v)) return SPECIAL[v] ?? String(v);
  if (v === 0) return "0";
  const size = Math.abs(v) / 10 ** power;
  const text = size < 1e5 ? fixed2(size).replace(/^0/, "") : size.toPrecision(3);
  return (v < 0 && text !== ".00" ? MINUS : "") + text;
}

function superscript(n) {
  const digits = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  return String(n).replace(/\d/g, (d) => digits[d]).replace("-", "⁻");
}

const timesTen = (power) => (power ? ` ×10${superscript(power)}` : "");

function digits(v, count) {
  const [mantissa, power] = v.toPrecision(count).split("e");
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
const equals = (v) => (rounded(v, 6).all ? "=" : "≈");

// Inside a sum a negative number needs brackets.
const bracketed = (text) => (text.startsWith(MINUS) ? `(${text})` : text);

// --- colours ---

// "2166ac" as "rgb(33,102,172)".
const rgb = (hex) => `rgb(${hex.match(/../g).map((pair) => parseInt(pair, 16)).join(",")})`;

// The steps of each palette as {fill, ink}, taken apart once: a picture has many cells.
const RAMPS = Object.fromEntries(
  Object.entries(LOOK.ramps).map(([name, { fills, inks }]) => [
    name,
    Array.from(inks, (ink, i) => ({
      fill: rgb(fills.slice(6 * i, 6 * i + 6)),
      ink: LOOK.inks[ink],
    })),
  ]),
);
const [NAN, LOW, YES] = ["nan", "low", "yes"].map((name) => {
  const [fill, ink] = LOOK.plain[name];
  return { fill, ink };
});

// {fill, ink} of a number; `largest` is what the darkest colour stands for.
function colour(v, palette, largest) {
  if (typeof v === "boolean") return v ? YES : LOW;
  const x = real(v);
  if (Number.isNaN(x)) return NAN;
  if (x === -Infinity) return LOW;
  const colours = RAMPS[palette] ?? RAMPS.value;
  const share = largest > 0 ? x / largest : 0;
  const at = palette === "probability" ? x : (share + 1) / 2;
  return colours[Math.round(Math.min(1, Math.max(0, at)) * (colours.length - 1))];
}

const gradientOf = (name) => `linear-gradient(90deg, ${LOOK.ramps[name].stops.join(", ")})`;

// --- names, which anybody may have chosen ---

// Made visible: control characters, halves of characters, what turns a text's direction.
const UNSEEN = /[\p{Cc}\p{Cs}\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;

const visible = (text) => String(text ?? "").replace(UNSEEN, "\ufffd");

function clipped(text, length) {
  const seen = visible(text.length > 4 * length ? text.slice(0, 4 * length) : text);
  const letters = Array.from(seen);
  return letters.length > length ? letters.slice(0, length - 1).join("") + "…" : seen;
}

// A name within a sentence or a sum: a right-to-left one must not turn its neighbours.
function inline(text, length = 24) {
  const shown = clipped(String(text ?? ""), length);
  return RIGHT_TO_LEFT.test(shown) ? `\u2068${shown}\u2069` : shown;
}

// Sets the text of an element, clipped; what was cut off is in its title.
function write(element, text, length = 200) {
  const whole = String(text ?? "");
  element.textContent = clipped(whole, length);
  if (element.textContent !== whole) element.title = clipped(whole, 1000);
  return element;
}

// <tag class="...">text</tag>
function make(tag, className = "", text = null) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== null) element.textContent = text;
  return element;
}
