// How a gradient came about, written out: the local rule times what arrived.

// What arrived at a result: ∂z[i,j].
const arrivedAt = (card, row, column) => part(card, "gradient", row, column, "∂");

// ∂x of z = x y: ∂x[i,k] = Σⱼ ∂z[i,j]·y[k,j]; and ∂y[k,j] = Σᵢ x[i,k]·∂z[i,j].
function productChain(z, how, position, row, column) {
  if (position > 1) return biasChain(z, column);
  const [x, y] = [CARDS.get(how.x), CARDS.get(how.y)];
  const shapes = [x, y, z].map((card) => card.value.shape);
  // A factor that several matrices share collects from all of them: too long a sum.
  const leads = shapes.map((shape) => shape.slice(0, -2).join());
  if (shapes.some((shape) => shape.length < 2) || leads.some((lead) => lead !== leads[2])) return null;
  const [input, turned] = position ? [y, how.y_turned] : [x, how.x_turned];
  const index = fullIndex(input.value, row, column);
  const lead = index.slice(0, -2);
  const [first, second] = turned ? [index.at(-1), index.at(-2)] : [index.at(-2), index.at(-1)];
  const length = position ? shapes[2].at(-2) : shapes[2].at(-1);
  const terms = [];
  for (let n = 0; n < length; n++) {
    const at = position ? [n, second] : [first, n]; // in ∂z
    const other = position
      ? factor(x, factorCell(x, how.x_turned, lead, n, first))
      : factor(y, factorCell(y, how.y_turned, lead, second, n));
    const cell = factorCell(z, false, lead, ...at);
    const arrived = arrivedAt(z, cell.row, cell.column);
    terms.push(position ? [other, arrived] : [arrived, other]);
  }
  const { symbols, numbers, known, cells } = sumOf(terms, length);
  return { right: [symbols, numbers], lights: bands(known), cells };
}

// ∂b of z = x y + b: b was added to every row, so it collects from all: Σᵢ ∂z[i,j].
function biasChain(z, column) {
  const rows = product(z.value.shape.slice(0, -1));
  const terms = Array.from({ length: rows }, (_, i) => [arrivedAt(z, i, column)]);
  const { symbols, numbers, known, cells } = sumOf(terms, rows);
  return { right: [symbols, numbers], lights: bands(known), cells };
}

const timesParts = (parts) => {
  const written = (key) => parts.map((p) => p[key]).join("·");
  return { right: [written("symbol"), written("number")], lights: parts.flatMap((p) => p.light ?? []) };
};

// The rule of an input at one number of z, with what arrived there.
function ruleAt(z, how, position, row, column) {
  const parts = operands(z, how, row, column);
  const [own, arrived] = [part(z, "value", row, column), arrivedAt(z, row, column)];
  if (!arrived) return null;
  const rule = how.rules[position];
  const [symbol, number] = ["symbol", "number"].map((key) => filled(rule, key, parts, own, arrived));
  const used = parts.filter((_, i) => rule.includes(`{${i}}`));
  const lights = [arrived, ...used, ...(/(^|[^∂])\{z\}/.test(rule) ? [own] : [])];
  return { symbol, number, lights: lights.flatMap((p) => p?.light ?? []) };
}

// A term of a sum: in parentheses if it is a sum or a choice itself, or has a sign.
const term = (text) => (/^−| [+−] | where /.test(text) ? `(${text})` : text);

// An x that was broadcast collects from all its copies.
function copiesChain(z, how, own, position, row, column) {
  const { shape, rows, columns } = z.value;
  if (product(shape) !== rows.length * columns.length) return null;
  const terms = [];
  for (const i of rows) {
    for (const j of columns) {
      const at = aligned(z.value, i, j, own.value);
      if (at?.row === row && at.column === column) terms.push(ruleAt(z, how, position, i, j));
    }
  }
  if (!terms.every(Boolean)) return null;
  const some = terms.slice(0, MOST_TERMS);
  const rest = some.length < terms.length ? [`… (${terms.length} terms in all)`] : [];
  const right = ["symbol", "number"].map((key) => [...some.map((t) => term(t[key])), ...rest].join(" + "));
  return { right, lights: some.flatMap((t) => t.lights) };
}

function elementwiseChain(z, how, position, row, column) {
  if (!how.rules[position]) return null;
  const own = CARDS.get(how.inputs[position]);
  if (own && own.value.shape.join() !== z.value.shape.join()) {
    return copiesChain(z, how, own, position, row, column);
  }
  const found = ruleAt(z, how, position, row, column);
  return found && { right: [found.symbol, found.number], lights: found.lights };
}

const ROW_SUM = /Σⱼ (∂?\{z\}(?: ⊙ ∂?\{z\})*)/g;

// ∂x of a softmax: z ⊙ (∂z − Σⱼ ∂z ⊙ z). Rules of rows that name only z and ∂z.
function rowChain(z, how, position, row, column) {
  const rule = how.rules[position];
  const plainRule = rule?.replace(ROW_SUM, "").replace(/∂?\{z\}|exp\(|[()⊙−+ ]/g, "") === "";
  const x = CARDS.get(how.inputs[position]);
  if (plainRule && x && x.value.shape.join() !== z.value.shape.join()) {
    return rule.includes("Σ") ? null : copiesChain(z, how, x, position, row, column); // a bias
  }
  const [own, arrived] = [part(z, "value", row, column), arrivedAt(z, row, column)];
  if (!plainRule || !own || !arrived) return null;
  const cells = z.value.columns.map((c) => ({
    "∂{z}": arrivedAt(z, row, c)?.v,
    "{z}": part(z, "value", row, c)?.v,
  }));
  const whole = cells.length === z.value.shape.at(-1) && cells.every((c) => Object.values(c).every(isNumber));
  const name = rowName(z, row);
  const factors = (text) => text.split(" ⊙ ");
  const written = (_, text) => `Σⱼ ${factors(text).map((f) => f.replace("{z}", name)).join("·")}`;
  const added = (_, text) =>
    bracketed(brief(cells.reduce((sum, c) => sum + product(factors(text).map((f) => c[f])), 0)));
  const right = [filled(rule.replace(ROW_SUM, written), "symbol", [], own, arrived)];
  if (whole) right.push(filled(rule.replace(ROW_SUM, added), "number", [], own, arrived));
  const lights = GRIDS.map((which) => ({ card: z.id, which, row }));
  return { right, lights, cells: z.value.columns.flatMap((column) => lights.map((l) => ({ ...l, column }))) };
}

const SPREAD = /^∂\{z\}, repeated( over ax[ie]s [\d, ]+)?$/;

// ∂x of z = Σ x: each of the numbers that were added receives the same.
function reducedChain(z, how, position, row, column) {
  if (!SPREAD.test(how.rules[position] ?? "")) return null;
  const x = CARDS.get(how.x);
  const index = fullIndex(x.value, row, column);
  const keeps = z.value.shape.length === x.value.shape.length;
  const kept = index.map((i, axis) => (how.axes.includes(axis) ? 0 : i));
  const own = keeps ? kept : index.filter((_, axis) => !how.axes.includes(axis));
  const at = cellAt(z, own);
  const arrived = arrivedAt(z, at.row, at.column);
  return arrived && timesParts([arrived]);
}

// ∂x of a z that has x's numbers elsewhere: what arrived there, of all copies.
function movedChain(z, how, position, row, column) {
  if (!how.back[position]) return null;
  const { shape, rows, columns } = z.value;
  if (product(shape) !== rows.length * columns.length) return null;
  const flat = row * (CARDS.get(how.inputs[position]).value.shape.at(-1) ?? 1) + column;
  const terms = how.origins.flatMap((line, i) =>
    line.flatMap((from, j) =>
      from?.[0] === position && from[1] === flat ? [[arrivedAt(z, rows[i], columns[j])]] : [],
    ),
  );
  if (!terms.length) return { right: ["0, as it was not taken"], lights: [] };
  const { symbols, numbers, known } = sumOf(terms, terms.length);
  return { right: [symbols, numbers], lights: known.map(([p]) => p.light) };
}

const CHAINS = {
  product: productChain,
  elementwise: elementwiseChain,
  rowwise: rowChain,
  reduced: reducedChain,
  moved: movedChain,
};

// The local rule and the numbers it takes, or null if it is not known number by number.
function chainOf(step, send, row, column) {
  const z = CARDS.get(step.card);
  const position = DATA.links[send.link]?.position ?? 0;
  sums.rounded = false;
  return (z.how && CHAINS[z.how.kind]?.(z, z.how, position, row, column)) ?? null;
}

const chainLines = (start, chain, v, end = "") =>
  chain ? linesOf(start, chain.right, v, end) : [`${start} ${exact(v)}${end}`];

// A contribution: what a step sends along one link.
function sendStory(step, send, row, column) {
  const x = CARDS.get(send.to);
  const v = numberAt(send.grid, row, column);
  const name = `∂${element(nameOf(x), send.grid, row, column)}`;
  const chain = chainOf(step, send, row, column);
  const lights = [
    { card: x.id, which: "gradient", row, column },
    { card: x.id, which: `send${send.link}`, row, column, own: true },
  ];
  const lines = chainLines(`${name} +=`, chain, v);
  return { lines, lights: [...(chain?.lights ?? []), ...lights], cells: cellsOf(chain ?? {}) };
}

// What has been sent to a card so far.
function arrivalsAt(card) {
  const shown = ACTIVE.filter(([at]) => at <= STATE.step && !isHidden(at));
  return shown.flatMap(([, step]) =>
    (step.sends ?? []).filter((send) => send.to === card.id).map((send) => ({ step, send })),
  );
}

// A gradient: the contributions that have arrived so far; a single one is told in full.
function gradientStory(card, row, column) {
  const grid = gradientAt(card, STATE.step);
  const own = { card: card.id, which: "gradient", row, column, own: true };
  const index = fullIndex(card.gradient, row, column);
  const name = derivative(card) + (index.length ? `[${index.join(",")}]` : "");
  if (!grid) return { lines: [`${name}: not arrived yet`], lights: [own] };
  const v = numberAt(grid, row, column);
  const arrivals = arrivalsAt(card);
  // In a part of a computation some of it comes from outside of the part.
  const outside = STEPS.slice(0, STATE.step + 1).find((step) => step.grid && step.card === card.id);
  const paths = outside?.paths ?? arrivals.at(-1)?.send.paths ?? 0;
  const missing = paths - arrivals.length - (outside ? 1 : 0);
  const end = missing > 0 ? ` so far, ${missing} of ${paths} paths to come` : "";
  if (arrivals.length + (outside ? 1 : 0) < 2) {
    const chain = arrivals.length ? chainOf(arrivals[0].step, arrivals[0].send, row, column) : null;
    const lines = chainLines(`${name} =`, chain, v, end);
    return { lines, lights: [...(chain?.lights ?? []), own], cells: cellsOf(chain ?? {}) };
  }
  sums.rounded = false;
  const terms = arrivals.slice(0, MOST_TERMS).map(({ step, send }) => {
    const number = numberAt(send.grid, row, column);
    return `${bracketed(brief(number))} from ${nameOf(CARDS.get(step.card))}`;
  });
  if (outside) terms.unshift(`${bracketed(brief(numberAt(outside.grid, row, column)))} from outside`);
  if (arrivals.length > MOST_TERMS) terms.push(`… (${arrivals.length} paths)`);
  const sign = sums.rounded ? "≈" : "=";
  return {
    lines: [`${name} ${sign} ${terms.join(" + ")}`, `${equals(v)} ${exact(v)}${end}`],
    lights: [own],
    cells: arrivals.map(({ step, send }) => ({ card, which: `send${send.link}`, row, column, step, send })),
  };
}
