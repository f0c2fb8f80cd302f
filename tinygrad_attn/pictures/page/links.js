// Behind the cards: clusters and links. In front of them: what a pointed-at number is
// made from, and the rules that are at work.

const SVG = "http://www.w3.org/2000/svg";
let LINE_VIEWS = new Map(); // line of the view → {forward, spark, back, end}
let GROUND = null;
let LIGHTS = null;

function draw(tag, attributes, parent) {
  const shape = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
  parent?.append(shape);
  return shape;
}

function buildLinks() {
  GROUND = document.getElementById("ground");
  LIGHTS = document.getElementById("lights");
  LINE_VIEWS = new Map();
  for (const svg of [GROUND, LIGHTS]) {
    svg.replaceChildren();
    svg.setAttribute("width", VIEW.width);
    svg.setAttribute("height", VIEW.height);
  }
  const marks = draw("defs", {}, GROUND);
  for (const name of ["idle", "forward", "back"]) {
    const size = { markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse" };
    const view = { viewBox: "0 0 10 10", refX: 9, refY: 5, orient: "auto-start-reverse" };
    const marker = draw("marker", { id: `tip-${name}`, ...size, ...view }, marks);
    draw("path", { d: "M0 0L10 5L0 10z", class: `tip ${name}` }, marker);
  }
  for (const { name, x, y, w, h } of VIEW.clusters) {
    draw("rect", { class: "cluster", x, y, width: w, height: h, rx: 10 }, GROUND);
    const text = draw("text", { class: "cluster-name", x: x + 12, y: y + 18 }, GROUND);
    text.textContent = inline(name, Math.max(4, Math.floor(w / 8)));
  }
  for (const line of VIEW.lines) {
    const forward = draw("path", { d: line.path, class: "link forward" }, GROUND);
    const spark = draw("path", { d: line.path, class: "link spark" }, GROUND);
    // Without a path of its own the gradient goes back along the forward one.
    const back = draw("path", { d: line.back ?? line.path, class: "link back" }, GROUND);
    const end = line.back ? "marker-end" : "marker-start";
    if (!line.back) back.classList.add("reversed");
    LINE_VIEWS.set(line, { forward, spark, back, end });
  }
}

// A forward link is drawn firmly once its source's number was used, a backward one once
// a gradient went along it; those of this step are active.
function showLinks() {
  const step = stepNow();
  const active = new Set(linksAtWork());
  const sent = new Set(ACTIVE.flatMap(([at, s]) => (at <= STATE.step ? (s.sends ?? []) : [])).map((x) => x.link));
  for (const [{ links }, { forward, spark, back, end }] of LINE_VIEWS) {
    const used = links.some((i) => hasValue(CARDS.get(DATA.links[i].target), STATE.step));
    const atWork = links.some((i) => active.has(i));
    forward.classList.toggle("on", used);
    for (const path of [forward, spark]) {
      path.classList.toggle("active", atWork && !isBackward(step));
    }
    forward.setAttribute("marker-end", `url(#tip-${used ? "forward" : "idle"})`);
    back.classList.toggle("on", links.some((i) => sent.has(i)));
    back.classList.toggle("active", atWork && isBackward(step));
    back.setAttribute(end, "url(#tip-back)");
  }
  showRules(step);
  drawPath();
}

// The rules at work, written where there is room: by their links, or by the card that
// receives. Where there is none, the panel must do.
function showRules(step) {
  for (const old of LIGHTS.querySelectorAll(".rule")) old.remove();
  const taken = [...DRAWN.values()].map(({ x, y, w, h }) => ({ x, y, w, h }));
  for (const send of HOLDER.has(step.card) ? [] : (step.sends ?? [])) {
    if (!send.rule || !LINE_OF.has(send.link)) continue;
    const text = draw("text", { class: "rule" }, LIGHTS);
    text.textContent = inline(send.rule, 60);
    const { width: w, height: h } = text.getBBox();
    const spot = spotsFor(send, w, h).find(({ x, y }) => isFree({ x, y, w, h }, taken));
    if (!spot) {
      text.remove();
      continue;
    }
    taken.push({ ...spot, w, h });
    text.setAttribute("x", spot.x + w / 2);
    text.setAttribute("y", spot.y + 0.8 * h);
  }
}

function spotsFor(send, w, h) {
  const { back: path } = LINE_VIEWS.get(LINE_OF.get(send.link));
  const length = path.getTotalLength();
  const along = [0.5, 0.4, 0.6, 0.3, 0.7].map((share) => {
    const { x, y } = path.getPointAtLength(share * length);
    return { x: x - w / 2, y: y - h - 3 };
  });
  const { x, y, w: width, h: height } = endsOf(send.link)[0];
  const left = x + (width - w) / 2;
  return [...along, { x: left, y: y + height + 6 }, { x: left, y: y - h - 6 }];
}

function isFree({ x, y, w, h }, taken) {
  const inside = x >= 0 && y >= 0 && x + w <= VIEW.width && y + h <= VIEW.height;
  const apart = (box) =>
    x + w < box.x || y + h < box.y || x > box.x + box.w || y > box.y + box.h;
  return inside && taken.every(apart);
}

// Lights rows, columns and cells on the cards: [{card, which, row, column, own}].
function showLights(lights) {
  for (const old of LIGHTS.querySelectorAll(".light")) old.remove();
  for (const light of lights) {
    const card = DRAWN.get(light.card);
    const place = PLACES.get(light.card)?.[light.which];
    const found = card && place && boxOf(place, light);
    if (!found) continue;
    const at = { x: card.x + found.x - 1, y: card.y + found.y - 1, rx: 2 };
    const size = { width: found.w + 2, height: found.h + 2 };
    draw("rect", { class: light.own ? "light own" : "light", ...at, ...size }, LIGHTS);
  }
}
