"""The colours of pages, light and dark, and what their scripts know of colours.

A page's style sheet names a colour as `var(--mute)`; which it is, is said here, and
nowhere else. The light ones are those of pictures. What a page's script needs, the
colour of each number and the ink on it, is worked out here too: the rules for both
stand in colours.py, once.
"""

from __future__ import annotations

import json

from . import colours
from .colours import BACKWARD, BLACK, EDGE, EMPTY, FORWARD, INK, MUTED, PANEL, WHITE
from .looks import LOOKS

# name → (light, dark)
GROUNDS = {
    "ground": (WHITE, "#11181f"),
    "panel": (PANEL, "#19222c"),
    "card": (WHITE, "#202b37"),
}
HEADS = {
    "head": (LOOKS["op"][1], "#2a3643"),
    "head-parameter": (LOOKS["parameter"][1], "#4d3f17"),
    "head-input": (LOOKS["input"][1], "#25405a"),
    "head-softmax": (LOOKS["softmax"][1], "#174066"),
    "head-loss": (LOOKS["loss"][1], "#572830"),
}
TEXTS = {  # readable on every ground
    "ink": (INK, "#e8eef4"),
    "mute": (MUTED, "#a3b3c2"),
    "forward": (FORWARD, "#8fc0ea"),
    "backward": (BACKWARD, "#cfa5ea"),
    "play": ("#2b5c8a", "#7cb7ea"),
}
SIGNS = {  # lines and rings that tell something: visible on every ground
    "weight": (colours.PROBABILITIES[-1], "#7cb7ea"),  # a line of attention
    "idle": ("#7f8e9d", "#64788c"),
    "focus": ("#b7791f", "#f7c948"),
    "current": ("#c77700", "#f7c948"),
}
REST = {
    "play-ink": (WHITE, "#0c1a26"),  # on a ground of --play
    "line": (EDGE, "#354453"),  # between areas
    "empty": (EMPTY, "#2c3946"),
}
THEME = GROUNDS | HEADS | TEXTS | SIGNS | REST

STEPS = 256  # of a palette, as a script has it


def theme_css() -> str:
    """The colours as a style sheet: what is light, then what the dark changes."""
    light, dark = (
        "".join(f"--{name}:{pair[i]};" for name, pair in THEME.items()) for i in (0, 1)
    )
    return (
        f":root{{color-scheme:light;{light}}}\n"
        "@media (prefers-color-scheme:dark){"
        f":root{{color-scheme:dark;{dark}}}}}\n"
    )


def theme_js() -> str:
    """The colours of numbers as a line of JavaScript.

    `LOOK.ramps[palette]` has 256 steps: `fills`, six hexadecimal digits each, and
    `inks`, a digit each, which counts in `LOOK.inks`.
    """
    inks = [INK, WHITE, BLACK]
    ramps = {}
    for name, palette in colours.PALETTES.items():
        one_sided = palette is colours.PROBABILITIES
        places = [i / (STEPS - 1) for i in range(STEPS)]
        numbers = places if one_sided else [2.0 * place - 1.0 for place in places]
        fills = [colours.shade(x, 1.0, palette) for x in numbers]
        ramps[name] = {
            "stops": palette,
            "fills": "".join(fill.removeprefix("#") for fill in fills),
            "inks": "".join(str(inks.index(colours.ink_on(fill))) for fill in fills),
        }
    plain = {"nan": colours.NAN, "low": colours.MINUS_INFINITY, "yes": colours.YES}
    look = {
        "inks": inks,
        "ramps": ramps,
        "plain": {name: [c, colours.ink_on(c)] for name, c in plain.items()},
    }
    return f"const LOOK = {json.dumps(look, separators=(',', ':'))};\n"
