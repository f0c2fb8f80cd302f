// Numbers and names: how they are written, and the colours of numbers.

const PALETTES = {
  value: ["#2166ac", "#67a9cf", "#d1e5f0", "#f7f7f7", "#fddbc7", "#ef8a62", "#b2182b"],
  gradient: ["#762a83", "#af8dc3", "#e7d4e8", "#f7f7f7", "#d9f0d3", "#7fbf7b", "#1b7837"],
  probability: ["#ffffff", "#0b4f8a"],
};
const NAN = "#ff4fd8";
const SLATE = "#52606d"; // −∞, and what a mask marks
const DARK_INK = "#1f2933";
const LIGHT_INK = "#ffffff";

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

// In a sum: as short as in a cell, unless that would say nothing.
function brief(v) {
  if (!isNumber(v) || v === 0) return short(v);
  const size = Math.abs(v);
  return size < 0.01 || size >= 1e4 ? digits(v, 3) : short(v);
}

// Six digits.
const exact = (v) => (!isNumber(v) || v === 0 ? short(v) : digits(v, 6));

// Inside a sum a negative number needs brackets.
const bracketed = (text) => (text.startsWith(MINUS) ? `(${text})` : text);

// --- colours ---

function channels(hex) {
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

// 256 steps of each palette, made once: a picture has many cells.
const RAMPS = Object.fromEntries(
  Object.entries(PALETTES).map(([name, stops]) => [name, ramp(stops.map(channels))]),
);

function ramp(stops) {
  return Array.from({ length: 256 }, (_, step) => {
    const at = (step / 255) * (stops.length - 1);
    const left = Math.min(Math.floor(at), stops.length - 2);
    const mixed = stops[left].map((c, i) => c + (stops[left + 1][i] - c) * (at - left));
    const fill = `rgb(${mixed.map(Math.round).join(",")})`;
    return { fill, ink: inkOn(mixed) };
  });
}

// Relative luminance and contrast as WCAG defines them.
function luminance(rgb) {
  const [r, g, b] = rgb.map((c) =>
    c <= 10 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(p, q) {
  const [low, high] = [luminance(p), luminance(q)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

// The first ink that stands out; only black does on some colours between.
function inkOn(rgb) {
  const inks = [DARK_INK, LIGHT_INK, "#000000"];
  return inks.find((ink) => contrast(channels(ink), rgb) >= 4.5) ?? LIGHT_INK;
}

// {fill, ink} of a number; `largest` is what the darkest colour stands for.
function colour(v, palette, largest) {
  if (typeof v === "boolean") {
    return v ? { fill: "#e4e9ee", ink: DARK_INK } : { fill: SLATE, ink: LIGHT_INK };
  }
  if (v === "nan") return { fill: NAN, ink: DARK_INK };
  if (!isNumber(v)) return { fill: SLATE, ink: LIGHT_INK };
  const colours = RAMPS[palette] ?? RAMPS.value;
  const share = largest > 0 ? v / largest : 0;
  const at = palette === "probability" ? v : (share + 1) / 2;
  return colours[Math.round(Math.min(1, Math.max(0, at)) * 255)];
}

// As a cell shows a number of a grid: a score that stands for −∞ as that, and rounding
// noise, which has no colour, as ≈ 0.
const meant = (v, grid) => (isNumber(v) && v <= (grid.least ?? -Infinity) ? "-inf" : v);
const isNoise = (v, grid) => isNumber(v) && v !== 0 && Math.abs(v) <= (grid.noise ?? 0);
const inCell = (v, grid) => (isNoise(v, grid) ? "≈ 0" : short(meant(v, grid), grid.power));

function colourIn(grid, v, largest) {
  return colour(isNoise(v, grid) ? 0 : meant(v, grid), grid.palette, largest);
}

const gradientOf = (name) => `linear-gradient(90deg, ${PALETTES[name].join(", ")})`;

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
