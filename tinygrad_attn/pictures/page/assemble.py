"""The page that plays, as one HTML file.

The data hold everything that the page shows at each step: the values and gradients of
the cards, and the contributions that each step sends. If programs come with them, the
script computes all that anew, when a number is changed (live.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..look.pages import SHARED, page_of

FOLDER = Path(__file__).parent
STYLES = (
    *(
        "page.css",
        "drawing.css",
        "titles.css",
        "panel.css",
        "lab.css",
        "handles.css",
        "depths.css",
    ),
    *("why.css", "predict.css", "paths.css", "tour.css"),
    *("history.css", "heads.css", "bar.css", "phone.css", "print.css"),
)
SCRIPTS = (
    *("numbers.js", "data.js", "places.js", "titles.js"),
    *("painting.js", "cards.js"),
    *("links.js", "views.js", "depths.js", "strips.js", "camera.js", "paper.js"),
    "operations.js",
    "widening.js",
    *("sums.js", "chain.js", "why.js", "predict.js"),
    *("grids.js", "panel.js", "inside.js", "point.js", "tree.js"),
    *("live.js", "edits.js", "ghost.js", "handles.js", "plain_numbers.js"),
    *("switches.js", "following.js", "downhill.js", "lab.js", "paths.js"),
    *("history.js", "heads.js", "words.js", "tabs.js", "tour.js", "player.js"),
)
FILES = (*SHARED, *(FOLDER / name for name in SCRIPTS))  # the whole script


def page(data: dict[str, Any], still: str = "", programs: Sequence[str] = ()) -> str:
    """The whole page as a text: of its title, cards, links and steps, as `play` makes
    them, and the programs that compute them. `look/pages.py` has the arguments and the
    errors."""
    styles = [FOLDER / name for name in STYLES]
    return page_of(FOLDER / "page.html", styles, FILES, data, still, programs)
