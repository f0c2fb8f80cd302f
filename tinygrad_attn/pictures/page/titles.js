// The names of cards and frames, which stay large enough to be read where the drawing is
// small: there they grow, as far as a card has room for them (titles.css).

const PLAIN = 12.5; // px, of a title in the drawing
const FAR = 2.5; // times larger at most
const ABOUT = 4; // steps of growing: each takes a layout of all cards

const RULER = document.createElement("canvas").getContext("2d");

// Writes a card's title, and at which size it just fits, with the mark beside it.
function entitle(button, text, width) {
  write(button.querySelector(".card-title"), text, 60);
  RULER.font = `bold ${PLAIN}px Helvetica, Arial, sans-serif`;
  const natural = RULER.measureText(`${clipped(String(text ?? ""), 60)}   +`).width;
  button.style.setProperty("--fits", `${((PLAIN * (width - 2 * PAD)) / natural).toFixed(1)}px`);
}

function growTitles(zoom) {
  const far = Math.min(FAR, Math.max(1, Math.ceil(ABOUT / zoom) / ABOUT));
  WORLD.style.setProperty("--far", String(far));
  WORLD.classList.toggle("far", zoom < READABLE);
}
