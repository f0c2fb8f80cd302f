// A number as a cell shows it: its few digits, its colour, and the ink on that.

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
