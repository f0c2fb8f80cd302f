// The tour: stops one after the other, each at a card, with a few words.

const TOUR = DATA.tour ?? [];
const GUIDE = Object.fromEntries(
  ["tour", "take-tour", "tour-title", "tour-words", "tour-back", "tour-on", "tour-end", "tour-stops"].map((id) => [
    id,
    document.getElementById(id),
  ]),
);
let stopAt = -1; // where one is; -1 without a tour

const linkTo = ({ name }) => `#tour=${name}`;

// The number of the stop that an address names, or -1.
function stopOf(address) {
  const name = /(?:^#|&)tour=([A-Za-z0-9-]+)(?:&|$)/.exec(address)?.[1];
  return TOUR.findIndex((halt) => halt.name === name);
}

function visit(i) {
  const { card, step, leaf } = TOUR[i];
  stopAt = i;
  if (isHidden(step)) predictFirst(false); // a tour tells all
  stop();
  approach();
  OPENED.delete(STEPS[step].card); // its words are those of the whole operation
  const opened = openAround(STEPS[step].card);
  if (opened || step !== STATE.step) go(step, opened);
  else showStep();
  if (leaf) {
    if (openAround(card)) showLinks();
    showLeaf(card);
    if (DRAWN.has(card)) showAround(DRAWN.get(card), [DRAWN.get(card)]);
    CAMERA.moved = true; // it stays there
  }
  showStop();
  writeAddress();
}

function endTour() {
  stopAt = -1;
  showStop();
  writeAddress();
}

function showStop() {
  const here = TOUR[stopAt];
  GUIDE.tour.hidden = !here;
  GUIDE["take-tour"].hidden = Boolean(here) || !TOUR.length;
  document.getElementById("panel").classList.toggle("touring", Boolean(here));
  if (!here) return;
  GUIDE["tour-title"].href = linkTo(here);
  GUIDE["tour-title"].textContent = `${stopAt + 1} of ${TOUR.length}: ${here.name}`;
  write(GUIDE["tour-words"], here.words, 600);
  GUIDE["tour-back"].setAttribute("aria-disabled", stopAt === 0);
  GUIDE["tour-on"].textContent = stopAt + 1 < TOUR.length ? "next" : "end";
  GUIDE["tour-stops"].querySelectorAll("a").forEach((link, i) => {
    if (i === stopAt) link.setAttribute("aria-current", "step");
    else link.removeAttribute("aria-current");
  });
}

// What the address says of where one is: a stop, or a step.
function whereInAddress() {
  const here = TOUR[stopAt];
  return here?.step === STATE.step ? `tour=${here.name}` : `step=${stepLabel(STATE.step)}`;
}

function buildTour() {
  for (const halt of TOUR) {
    const link = make("a", "", halt.name);
    link.href = linkTo(halt);
    const item = make("li");
    item.append(link);
    GUIDE["tour-stops"].append(item);
  }
  GUIDE["take-tour"].addEventListener("click", () => visit(0));
  GUIDE["tour-back"].addEventListener("click", () => stopAt > 0 && visit(stopAt - 1));
  GUIDE["tour-on"].addEventListener("click", () => (stopAt + 1 < TOUR.length ? visit(stopAt + 1) : endTour()));
  GUIDE["tour-end"].addEventListener("click", endTour);
  // A link to where one is changes no address: it leads back there all the same.
  GUIDE.tour.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link) return;
    event.preventDefault();
    visit(stopOf(link.hash));
  });
  showStop();
  const first = stopOf(location.hash);
  if (first >= 0) visit(first);
}
