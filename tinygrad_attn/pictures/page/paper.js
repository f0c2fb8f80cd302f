// On paper one cannot move the drawing: all of it is printed, as large as the page is wide.

const PAPER = { w: 700, h: 900 }; // px of A4 or Letter, within their margins
const PRINTED = 3; // dots a px
let onScreen = null; // where one looked

function toPaper() {
  if (onScreen) return;
  onScreen = { ...CAMERA };
  const room = { w: PAPER.w / (VIEW.width + 2 * MARGIN), h: PAPER.h / (VIEW.height + 2 * MARGIN) };
  const zoom = Math.min(room.w, room.h, 1);
  const [w, h] = [PAPER.w, (VIEW.height + 2 * MARGIN) * zoom];
  STAGE.style.setProperty("--paper", `${h}px`);
  stageAsSeen = { w, h };
  look((w - VIEW.width * zoom) / 2, MARGIN * zoom, zoom);
  clearTimeout(settling);
  settle();
}

function fromPaper() {
  if (!onScreen) return;
  STAGE.style.removeProperty("--paper");
  measureAnew();
  look(onScreen.x, onScreen.y, onScreen.zoom);
  CAMERA.moved = onScreen.moved;
  onScreen = null;
}

function buildPaper() {
  window.addEventListener("beforeprint", toPaper);
  window.addEventListener("afterprint", fromPaper);
}
