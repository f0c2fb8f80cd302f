// A head as lines: from each query to each key that it looks at, as thick as the weight.

const LINES = document.getElementById("lines");
const THRESHOLD = 0.02; // smaller weights have no line
const LEAST = 3; // px from one token to the next
const NUMBER = 34; // px that a number takes

function shape(tag, attributes, text = null) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== null) element.textContent = text;
  return element;
}

function buildLines(head, room) {
  const { top, size } = MEASURES;
  const pitch = Math.max(MEASURES.cell, LEAST);
  const brush = MAP.getContext("2d");
  const left = Math.max(widest(brush, DATA.queries, size, true) + 10, 42); // "query"
  const right = widest(brush, DATA.keys, size, true) + 12;
  const every = everyFor((size + 1) / pitch);
  const beside = NUMBER + (every > 1 ? right : 0);
  const span = Math.max(60, Math.min(170, room - left - right - beside));
  const most = Math.max(head.rows.length, head.rows[0].length);
  const [width, height] = [left + span + right + beside, top + most * pitch + 6];
  const place = { top, size, pitch, every, left, end: left + span, numbers: left + span + right };
  for (const [name, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}` })) {
    LINES.setAttribute(name, value);
  }
  const heading = { y: top - 12, "font-size": 12, class: "mute" };
  const parts = [
    shape("text", { ...heading, x: left - 6, "text-anchor": "end" }, "query"),
    shape("text", { ...heading, x: place.end + 8 }, "key"),
  ];
  for (let j = 0; j < head.rows[0].length; j += every) {
    const y = top + (j + 0.5) * pitch + size * 0.35;
    const at = { x: place.end + 8, y, "font-size": size, class: every > 1 ? "few" : "key" };
    parts.push(shape("text", at, labelOf(DATA.keys[j * head.block])));
  }
  head.rows.forEach((_, i) => parts.push(lineGroup(head, i, place)));
  LINES.replaceChildren(...parts);
}

function lineGroup(head, i, { top, size, pitch, every, left, end, numbers }) {
  const y = top + (i + 0.5) * pitch;
  const group = shape("g", { class: "query", tabindex: 0, "data-query": i, role: "button" });
  group.setAttribute("aria-label", queryStory(head, i));
  group.append(shape("rect", { class: "hit", x: 0, y: y - pitch / 2, width: left, height: pitch }));
  const hidden = i % every ? " number" : "";
  const at = { x: left - 6, y: y + size * 0.35, "font-size": size, "text-anchor": "end" };
  group.append(shape("text", { ...at, class: `name${hidden}` }, labelOf(DATA.queries[i * head.block])));
  head.rows[i].forEach((weight, j) => {
    const w = Math.min(real(weight), 1);
    if (!(w >= THRESHOLD)) return;
    const to = top + (j + 0.5) * pitch;
    const middle = (left + end) / 2;
    const d = `M${left} ${y}C${middle} ${y} ${middle} ${to} ${end} ${to}`;
    const thick = Math.min(0.5 + 5.5 * w, pitch);
    const line = shape("path", { class: "line", d, "stroke-width": thick, "stroke-opacity": 0.15 + 0.8 * w });
    group.append(line);
  });
  for (const [j, text] of numbersBeside(head, i, pitch, every)) {
    const to = top + (j + 0.5) * pitch + 4;
    group.append(shape("text", { class: "number", x: every > 1 ? end + 8 : numbers, y: to, "font-size": 11 }, text));
  }
  return group;
}

// The weights of a query, beside its keys; where these stand too close, the strongest
// ones, with their names.
function numbersBeside(head, i, pitch, every) {
  if (every === 1) {
    const seen = head.rows[i].map((w, j) => [j, short(w)]);
    return seen.filter(([j]) => !grey(head, i, j));
  }
  const found = [];
  for (const [w, j] of strongest(head, i)) {
    if (w < THRESHOLD || found.length === 8) break;
    if (found.every(([k]) => Math.abs(k - j) * pitch >= 12)) {
      found.push([j, `${labelOf(DATA.keys[j * head.block])} ${short(w)}`]);
    }
  }
  return found;
}

function showFocus() {
  LINES.classList.toggle("focus", STATE.query !== null);
  for (const group of LINES.querySelectorAll(".query")) {
    const on = Number(group.dataset.query) === STATE.query;
    group.classList.toggle("on", on);
    if (on && group !== LINES.lastChild && !group.matches(":focus")) LINES.append(group); // on top
  }
}
