// Names, which anybody may have chosen, and elements that show them.

// Made visible: control characters, halves of characters, what turns a text's direction.
const UNSEEN = /[\p{Cc}\p{Cs}\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;

const visible = (text) => String(text ?? "").replace(UNSEEN, "\ufffd");

function clipped(text, length) {
  const seen = visible(text.length > 4 * length ? text.slice(0, 4 * length) : text);
  const letters = Array.from(seen);
  return letters.length > length ? letters.slice(0, length - 1).join("") + "…" : seen;
}

// A name within a sentence or a sum: a right-to-left one must not turn its neighbours.
function inline(text, length = 24) {
  const shown = clipped(String(text ?? ""), length);
  return RIGHT_TO_LEFT.test(shown) ? `\u2068${shown}\u2069` : shown;
}

// Sets the text of an element, clipped; what was cut off is in its title.
function write(element, text, length = 200) {
  const whole = String(text ?? "");
  element.textContent = clipped(whole, length);
  if (element.textContent !== whole) element.title = clipped(whole, 1000);
  return element;
}

// <tag class="...">text</tag>
function make(tag, className = "", text = null) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== null) element.textContent = text;
  return element;
}
