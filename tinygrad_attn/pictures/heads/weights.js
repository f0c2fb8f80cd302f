// What the data say: heads, tokens, weights; and what is chosen and pointed at.

const DATA = JSON.parse(document.getElementById("data").textContent);
const STATE = { head: DATA.chosen, query: DATA.query, key: null };

const chosen = () => DATA.heads[STATE.head];
const has = (part) => DATA.parts.includes(part);

// A masked weight of 0 is grey; one that is not 0 is a leak, and keeps its colour.
const hides = (head, i, j) => head.hidden[i][j] === "1";
const grey = (head, i, j) => hides(head, i, j) && head.rows[i][j] === 0;

// Whether one is anywhere.
const leaks = (head) => head.rows.some((row, i) => row.some((_, j) => hides(head, i, j) && !grey(head, i, j)));

// The token of a row or column; in a coarse head, the first of its block and the last.
function tokenOf(tokens, block, i) {
  const first = inline(tokens[i * block], 40);
  const last = Math.min((i + 1) * block, tokens.length) - 1;
  return last > i * block ? `${first} … ${inline(tokens[last], 40)}` : first;
}

const queryOf = (head, i) => tokenOf(DATA.queries, head.block, i);
const keyOf = (head, j) => tokenOf(DATA.keys, head.block, j);

function weightText(w) {
  const x = real(w);
  return Number.isFinite(x) ? x.toFixed(4).replace("-", MINUS) : SPECIAL[w];
}

function weightStory(head, i, j) {
  const arrow = `${queryOf(head, i)} → ${keyOf(head, j)}: ${weightText(head.rows[i][j])}`;
  const coarse = head.block > 1 ? `, the largest of ${head.block} × ${head.block}` : "";
  if (grey(head, i, j)) return `${arrow} (masked)`;
  return arrow + coarse + (hides(head, i, j) ? " (masked, and yet not 0)" : "");
}

// A query's keys, the strongest first.
function strongest(head, i) {
  const row = head.rows[i].map((w, j) => [real(w), j]);
  return row.filter(([w]) => w > 0).sort((p, q) => q[0] - p[0]);
}

function queryStory(head, i) {
  const told = strongest(head, i)
    .slice(0, 3)
    .map(([w, j]) => `${keyOf(head, j)} ${w.toFixed(2)}`);
  return `${queryOf(head, i)} → ${told.join(", ") || "nothing"}`;
}
