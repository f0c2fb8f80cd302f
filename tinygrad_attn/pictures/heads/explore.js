// The page: choosing a head, pointing at a weight or a query, and drawing it all.

const READOUT = document.getElementById("readout");
const MAIN = document.getElementById("main");
const TOUCH = matchMedia("(hover: none)").matches;
const HINT = `${TOUCH ? "Tap" : "Point at"} a cell or a query to read its weights.`;
const BUTTONS = [];

function showHead() {
  const head = chosen();
  const room = MAIN.clientWidth;
  write(document.getElementById("which"), DATA.heads.length > 1 ? head.name : "", 80);
  MEASURES = measure(head, room);
  if (has("lines")) buildLines(head, room);
  const masked = head.hidden.some((row) => row.includes("1"));
  document.getElementById("masked").hidden = !masked;
  document.getElementById("masked-name").textContent = head.mask ? "masked" : "masked (later token)";
  document.getElementById("leak").hidden = !leaks(head);
  document.getElementById("named").textContent = has("map") ? namedStory(MEASURES) : "";
  BUTTONS.forEach((button, i) => button.setAttribute("aria-pressed", i === STATE.head));
  showPointed();
}

function showPointed() {
  const head = chosen();
  const { query, key } = STATE;
  if (has("map")) paintMap(head);
  if (has("lines")) showFocus();
  const cell = query !== null && key !== null;
  const told = cell ? weightStory(head, query, key) : query !== null ? queryStory(head, query) : HINT;
  READOUT.textContent = told;
  READOUT.classList.toggle("hint", query === null);
  MAP.setAttribute("aria-label", `Attention of ${head.name}. Arrow keys walk through it. ${told}`);
}

function pointAt(query, key) {
  if (STATE.query === query && STATE.key === key) return;
  Object.assign(STATE, { query, key });
  showPointed();
}

function choose(i) {
  const before = chosen();
  STATE.head = i;
  // What is pointed at stays, where the other head has the same rows.
  if (chosen().block !== before.block) Object.assign(STATE, { query: null, key: null });
  showHead();
}

// --- the grid ---

function buildGrid() {
  const grid = document.getElementById("grid");
  grid.hidden = !has("grid");
  if (!has("grid")) return;
  let path = null;
  let group = null;
  DATA.heads.forEach((head, i) => {
    if (head.path !== path) {
      path = head.path;
      grid.append(write(make("h3"), path || "all heads", 60));
      group = make("div", "heads");
      const count = DATA.heads.filter((other) => other.path === path).length;
      const columns = count <= 6 ? count : Math.min(8, Math.ceil(count / 2));
      group.style.setProperty("--columns", String(columns));
      grid.append(group);
    }
    const button = make("button");
    button.type = "button";
    button.title = clipped(head.name, 200);
    button.append(make("canvas"), make("span", "", head.short));
    button.addEventListener("click", () => {
      choose(i);
      document.getElementById("which").scrollIntoView({ block: "nearest" });
    });
    BUTTONS.push(button);
    group.append(button);
  });
}

const paintGrid = () =>
  BUTTONS.forEach((button, i) => {
    const head = DATA.heads[i];
    paintSmall(button.querySelector("canvas"), head.rows, fillsOf(head));
  });

// --- pointing ---

const leave = () => pointAt(DATA.query, null);

function onMap(event) {
  const found = cellUnder(event);
  if (found) pointAt(found.i, found.j);
  else if (event.type === "pointermove") leave();
}

function onLines(event) {
  const group = event.target.closest(".query");
  if (group) pointAt(Number(group.dataset.query), null);
  else if (event.type === "pointerdown") leave();
}

function onKey(event) {
  const next = stepOnMap(event, STATE, chosen().rows);
  if (!next) return;
  event.preventDefault();
  pointAt(next.i, next.j);
}

function buildPointing() {
  MAP.addEventListener("pointermove", onMap);
  MAP.addEventListener("pointerdown", onMap);
  MAP.addEventListener("keydown", onKey);
  MAP.addEventListener("blur", leave);
  LINES.addEventListener("pointerover", onLines);
  LINES.addEventListener("pointerdown", onLines);
  LINES.addEventListener("focusin", onLines);
  for (const part of [MAP, LINES]) {
    part.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") leave(); // a finger has left when it is lifted
    });
  }
}

function start() {
  write(document.getElementById("title"), DATA.title, 120);
  write(document.getElementById("told"), DATA.told, 300);
  document.querySelector("#leak i").style.borderColor = NAN.fill;
  document.getElementById("ramp").style.backgroundImage = gradientOf("probability");
  MAIN.hidden = false;
  MAP.hidden = !has("map");
  LINES.toggleAttribute("hidden", !has("lines"));
  buildGrid();
  buildPointing();
  const draw = () => {
    paintGrid();
    showHead();
  };
  draw();
  let width = MAIN.clientWidth;
  new ResizeObserver(() => {
    if (MAIN.clientWidth === width) return;
    width = MAIN.clientWidth;
    showHead();
  }).observe(MAIN);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}

start();
