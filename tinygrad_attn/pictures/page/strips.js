// Strips: on the small card that stands for the other turns of a loop, or for equal
// layers, a bar for each turn: the size of the gradient at its result. So one sees a
// gradient vanish, or explode. A click on a bar leads to its turn.

const STRIP_HEIGHT = 26;

function buildStrips() {
  const parent = document.getElementById("cards");
  for (const old of parent.querySelectorAll(".strip")) old.remove();
  const done = new Set();
  for (const { id, x, y, w, h, turns } of VIEW.folded) {
    const key = turns?.join();
    if (!turns || done.has(key) || !turns.some((turn) => CARDS.get(turn)?.gradient)) continue;
    done.add(key);
    const strip = make("div", "strip");
    strip.setAttribute("role", "group");
    strip.setAttribute("aria-label", "the size of each copy's gradient");
    strip.dataset.strip = id;
    const at = { left: x + 8, top: y + h - STRIP_HEIGHT - 6, width: w - 16, height: STRIP_HEIGHT };
    for (const [name, size] of Object.entries(at)) strip.style[name] = `${size}px`;
    turns.forEach((turn, i) => {
      const bar = make("button");
      bar.type = "button";
      bar.dataset.turn = turn;
      bar.dataset.number = i + 1;
      bar.classList.toggle("drawn", DRAWN.has(turn) || HOLDER.has(turn));
      bar.append(make("i"));
      strip.append(bar);
    });
    parent.append(strip);
  }
}

// Brings the bars to the gradients that have arrived.
function showStrips() {
  for (const strip of document.querySelectorAll(".strip")) {
    const bars = [...strip.children];
    const sizes = bars.map(({ dataset }) => {
      const arrived = gradientAt(CARDS.get(dataset.turn), STATE.step);
      return arrived ? real(arrived.largest) : null;
    });
    const most = Math.max(...sizes.filter((size) => size !== null), 0) || 1;
    bars.forEach((bar, i) => {
      const size = sizes[i];
      const told = size === null ? "no gradient yet" : `the largest |${derivative(CARDS.get(bar.dataset.turn))}| is ${exact(size)}`;
      bar.title = `${bar.dataset.number} of ${bars.length}: ${told}`;
      bar.setAttribute("aria-label", bar.title);
      bar.firstChild.style.height = size === null ? "0" : `${Math.max(2, (100 * size) / most)}%`;
    });
  }
}

function buildStripping() {
  document.getElementById("cards").addEventListener("click", (event) => {
    const bar = event.target.closest(".strip button");
    if (bar && (dragged < 5 || event.detail === 0)) openTurn(bar.dataset.turn);
  });
}
