// How a number came about, written out: {lines, lights}. This file: forward.

const MOST_TERMS = 12; // written in one sum
const product = (numbers) => numbers.reduce((p, q) => p * q, 1);

// A number of a formula, such as the 2 in S / 2.
function plain(v) {
  if (!isNumber(v)) return short(v);
  if (Number.isInteger(v) && Math.abs(v) < 1e6) return String(v).replace("-", MINUS);
  return brief(v);
}

// What a formula says of one number: {symbol, number, light}. Null if it was left out.
function part(card, which, row, column, prefix = "") {
  const grid = which === "value" ? card.value : gradientAt(card, STATE.step);
  const v = grid ? numberAt(grid, row, column) : undefined;
  if (v === undefined) return null;
  const symbol = prefix + element(nameOf(card), grid, row, column);
  const number = bracketed(brief(v));
  return { symbol, number, v, light: { card: card.id, which, row, column } };
}

// "a·b + c·d + … (384 terms in all)" as symbols and as numbers.
function sumOf(products, count) {
  const known = products.filter((parts) => parts.every(Boolean));
  const some = known.slice(0, MOST_TERMS);
  const rest = some.length < count ? [`… (${count} terms in all)`] : [];
  const written = (key) => [...some.map((parts) => parts.map((p) => p[key]).join("·")), ...rest];
  const cells = known.flat().map((p) => p.light);
  return { symbols: written("symbol").join(" + "), numbers: written("number").join(" + "), known, cells };
}

// The lights of a sum's factors: one band for a row or column, or its cells one by one.
function bands(known) {
  const lights = [];
  for (const side of [0, 1]) {
    const cells = known.map((parts) => parts[side]?.light).filter(Boolean);
    if (!cells.length) continue;
    const { card, which, row, column } = cells[0];
    const whole = (key, value) => cells.every((cell) => cell[key] === value);
    const flat = CARDS.get(card).value.shape.length < 3;
    if (cells.length > 1 && whole("row", row)) lights.push({ card, which, row });
    else if (cells.length > 1 && flat && whole("column", column)) lights.push({ card, which, column });
    else lights.push(...cells);
  }
  return lights;
}

// Where a factor of a matrix product has its number [i, k], for the matrix of z at an
// index of its leading axes (which broadcast).
function factorCell(card, turned, lead, i, k) {
  const shape = card.value.shape;
  const own = shape.slice(0, -2);
  const index = own.map((size, axis) => (size === 1 ? 0 : lead[axis + lead.length - own.length]));
  if (index.includes(undefined)) return null;
  const block = index.reduce((at, n, axis) => at * own[axis] + n, 0);
  const [down, across] = turned ? [k, i] : [i, k];
  const height = shape.length > 1 ? shape.at(-2) : 1;
  return { row: block * height + down, column: across };
}

// Which row of x and column of y meet at a number of z = x y, and at which index of the
// leading axes. A vector as y is a column, as x a row, and z has no axis for it.
function meeting(z, x, y, row, column) {
  const index = fullIndex(z.value, row, column);
  if (y.value.shape.length === 1) return { lead: index.slice(0, -1), i: index.at(-1) ?? 0, j: 0 };
  if (x.value.shape.length === 1) return { lead: index.slice(0, -1), i: 0, j: index.at(-1) ?? 0 };
  return { lead: index.slice(0, -2), i: index.at(-2), j: index.at(-1) };
}

const factor = (card, at) => at && part(card, "value", at.row, at.column);

function productSum(z, how, row, column) {
  const [x, y] = [CARDS.get(how.x), CARDS.get(how.y)];
  const yTurned = how.y_turned !== (y.value.shape.length === 1);
  const { lead, i, j } = meeting(z, x, y, row, column);
  const terms = [];
  for (let k = 0; k < how.k; k++) {
    terms.push([
      factor(x, factorCell(x, how.x_turned, lead, i, k)),
      factor(y, factorCell(y, yTurned, lead, k, j)),
    ]);
  }
  const { symbols, numbers, known, cells } = sumOf(terms, how.k);
  const lights = bands(known);
  const bias = how.plus && operand(z, how.plus, row, column);
  if (!bias) return { right: [symbols, numbers], lights, cells };
  lights.push(bias.light);
  cells.push(bias.light);
  return { right: [`${symbols} + ${bias.symbol}`, `${numbers} + ${bias.number}`], lights, cells };
}

// The cell of an input that a cell of z reads elementwise (broadcasting as NumPy does).
function aligned(z, row, column, input) {
  const index = fullIndex(z, row, column);
  const shape = input.shape;
  const own = shape.map((size, axis) => (size === 1 ? 0 : index[axis + index.length - shape.length]));
  if (own.includes(undefined)) return null;
  const down = own.slice(0, -1).reduce((at, i, axis) => at * shape[axis] + i, 0);
  return { row: down, column: own.at(-1) ?? 0 };
}

// An input of z = x · y at one number of z: of another card, or a plain number.
function operand(z, input, row, column) {
  if (input === undefined) return null;
  const card = CARDS.get(input);
  if (!card) return { symbol: plain(input), number: bracketed(plain(input)) };
  const at = aligned(z.value, row, column, card.value);
  return at && part(card, "value", at.row, at.column);
}

// A formula or rule with its inputs {0}, {1}, ... and z filled in: their symbols, or
// their numbers.
function filled(template, key, parts, z, arrived) {
  return template
    .replaceAll("∂{z}", () => arrived?.[key])
    .replaceAll("{z}", () => z?.[key])
    .replace(/\{(\d+)\}/g, (_, i) => parts[i]?.[key])
    .replaceAll(" ⊙ ", "·");
}

// The inputs of z at one of its numbers.
function operands(z, how, row, column) {
  return how.inputs.map((input) => {
    if (input === null) return null;
    const found = operand(z, input, row, column);
    return found ?? { symbol: nameOf(CARDS.get(input)), number: "…" };
  });
}

function elementwiseSum(z, how, row, column) {
  const parts = operands(z, how, row, column);
  const right = ["symbol", "number"].map((key) => filled(how.formula, key, parts));
  return { right, lights: parts.flatMap((p) => p?.light ?? []) };
}

// "H[1,j]": a whole row.
function rowName(card, row) {
  const index = fullIndex(card.value, row, 0);
  return `${nameOf(card)}[${[...index.slice(0, -1), "j"].join(",")}]`;
}

// The row of an input that a number of z is made of. A vector, such as a norm's weight,
// has one for all; a z without the last axis, such as a loss, has a number for each row.
function lineOf(card, z, row, column) {
  const shape = card.value.shape;
  if (shape.length < 2) return 0;
  return z.value.shape.length < shape.length ? row * (z.value.shape.at(-1) ?? 1) + column : row;
}

function rowwiseSum(z, how, row, column) {
  const inputs = how.inputs.map((id) => CARDS.get(id)).filter(Boolean);
  const x = inputs[0];
  const lines = inputs.map((card) => lineOf(card, z, row, column));
  const lights = inputs
    .map((card, i) => ({ card: card.id, which: "value", row: lines[i] }))
    .filter((light) => placeOf(CARDS.get(light.card).value).row.has(light.row));
  const shown = x?.value.columns.map((c) => part(x, "value", lines[0], c)).filter(Boolean) ?? [];
  const own = x && part(x, "value", lines[0], column);
  const others = inputs.slice(1).map((card, i) => part(card, "value", lines[i + 1], column)?.light);
  const cells = [...shown.map((p) => p.light), ...others];
  const some = shown.slice(0, MOST_TERMS);
  const all = x?.value.shape.at(-1) ?? 0;
  const rest = some.length < all ? [`… (${all} numbers in all)`] : [];
  if (how.formula === "softmax({0})" && own) {
    const powers = [...some.map((p) => `exp ${p.number}`), ...rest].join(" + ");
    const symbols = `exp ${own.symbol} / Σⱼ exp ${rowName(x, row)}`;
    return { right: [symbols, `exp ${own.number} / (${powers})`], lights, cells };
  }
  const names = inputs.map((card, i) => rowName(card, lines[i]));
  const numbers = shown.length ? [[...some.map((p) => p.number), ...rest].join(", ")] : [];
  return { right: [`${inline(how.op)} of ${names.join(", ")}`, ...numbers], lights, cells };
}

// Where a card has the number of an index.
function cellAt(card, index) {
  const { shape } = card.value;
  const down = index.slice(0, -1).reduce((at, i, axis) => at * shape[axis] + i, 0);
  return { row: down, column: index.at(-1) ?? 0 };
}

const IS_SUM = /^Σ \{0\}( over ax[ie]s [\d, ]+)?$/;
const IS_MAX = /^max \{0\}( over ax[ie]s [\d, ]+)?$/;
const MOST_WALKED = 4096; // numbers of a reduction that are looked at

// z = Σ x or max x along some axes: the numbers of x there.
function reducedSum(z, how, row, column) {
  if (!IS_SUM.test(how.formula) && !IS_MAX.test(how.formula)) return otherSum(z, how);
  const x = CARDS.get(how.x);
  const shape = x.value.shape;
  const own = fullIndex(z.value, row, column);
  const keeps = z.value.shape.length === shape.length;
  const kept = shape.map((_, axis) => axis).filter((axis) => !how.axes.includes(axis));
  const count = product(how.axes.map((axis) => shape[axis]));
  const terms = [];
  for (let n = 0; n < Math.min(count, MOST_WALKED); n++) {
    const index = shape.map(() => 0);
    kept.forEach((axis, i) => (index[axis] = own[keeps ? axis : i]));
    let rest = n;
    for (const axis of [...how.axes].reverse()) {
      index[axis] = rest % shape[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    const at = cellAt(x, index);
    terms.push([part(x, "value", at.row, at.column)]);
  }
  const { symbols, numbers, known, cells } = sumOf(terms, count);
  const everything = count === product(shape);
  const lights = everything ? [{ card: x.id, which: "value" }] : bands(known);
  if (IS_SUM.test(how.formula)) return { right: [symbols, numbers], lights, cells };
  const listed = (text) => `max(${text.replaceAll(" + ", ", ")})`;
  return { right: [listed(symbols), listed(numbers)], lights, cells };
}

function otherSum(z, how) {
  const inputs = how.inputs.map((id) => CARDS.get(id)).filter(Boolean);
  const names = inputs.map(nameOf).join(" and ");
  const lights = inputs.map((card) => ({ card: card.id, which: "value" }));
  if (how.kind === "moved") {
    return { right: [`a number of ${names}, only moved`], lights };
  }
  const count = product(inputs[0]?.value.shape ?? []);
  const which = how.kind === "all" ? `all ${count} numbers` : "numbers";
  return { right: [`${inline(how.op)} of ${which} of ${names}`], lights };
}

function movedSum(z, how, row, column) {
  const places = placeOf(z.value);
  const line = how.origins?.[places.row.get(row)];
  if (!line) return otherSum(z, how);
  const from = line[places.column.get(column)];
  if (!from) return { right: ["0, as nothing was put there"], lights: [] };
  const x = CARDS.get(how.inputs[from[0]]);
  const width = x.value.shape.at(-1) ?? 1;
  const at = { row: Math.floor(from[1] / width), column: from[1] % width };
  const light = { card: x.id, which: "value", ...at };
  return { right: [element(nameOf(x), x.value, at.row, at.column)], lights: [light] };
}

const SUMS = {
  product: productSum,
  elementwise: elementwiseSum,
  rowwise: rowwiseSum,
  reduced: reducedSum,
  moved: movedSum,
};

// A value: its name, the sum behind it, and the number itself; `cells` are what the sum
// is made of.
function valueStory(card, row, column) {
  const v = numberAt(card.value, row, column);
  const name = element(nameOf(card), card.value, row, column);
  const own = { card: card.id, which: "value", row, column, own: true };
  sums.rounded = false;
  if (!card.how) return { lines: [`${name} ${equals(v)} ${exact(v)}`], lights: [own] };
  const found = (SUMS[card.how.kind] ?? otherSum)(card, card.how, row, column);
  const lines = linesOf(`${name} =`, found.right, v);
  return { lines, lights: [...found.lights, own], cells: cellsOf(found) };
}

// A sum in symbols, in numbers, and the number itself.
function linesOf(start, [symbols, ...numbers], v, end = "") {
  const sign = sums.rounded ? "≈" : "=";
  const last = `${equals(v)} ${exact(v)}${end}`;
  return [`${start} ${symbols}`, ...numbers.map((text) => `${sign} ${text}`), last];
}
