// What the panel shows below the lab: this step; the heads; or what the model says.

const TABS = document.getElementById("tabs");
const SHEETS = { step: EXPLANATION, heads: EYE.heads, says: SAYS.says };
const isOpen = (name) => !SHEETS[name].hidden;

function openTab(name) {
  if (TABS.hidden) return;
  for (const button of TABS.children) {
    const on = button.dataset.tab === name;
    button.setAttribute("aria-selected", String(on));
    button.tabIndex = on ? 0 : -1;
  }
  for (const [key, sheet] of Object.entries(SHEETS)) sheet.hidden = key !== name;
  SAYS.words.hidden = name === "step" || !SELECTS.length;
  showHeads();
  showSays();
}

function walkTabs(event) {
  const side = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!side || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  event.stopPropagation();
  const shown = [...TABS.children].filter((button) => !button.hidden);
  const next = shown[(shown.indexOf(event.target) + side + shown.length) % shown.length];
  openTab(next.dataset.tab);
  next.focus();
}

// Tabs are there if there is more than this step to show.
function buildTabs() {
  const there = { step: true, heads: HEADS.length > 0, says: LIVE !== null && READS.logits };
  for (const button of TABS.children) button.hidden = !there[button.dataset.tab];
  TABS.hidden = !there.heads && !there.says;
  TABS.addEventListener("click", (event) => {
    const { tab } = event.target.dataset;
    if (!tab) return;
    openTab(tab);
    (PAST ? TIME.past : TABS).scrollIntoView({ block: "start" }); // on a phone there is little room
  });
  TABS.addEventListener("keydown", walkTabs);
  openTab("step");
}
