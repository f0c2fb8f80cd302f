"""A picture or page shown: in a notebook, or from a script in the reader's browser.

What a notebook saves is later shown by programs that trust nobody: JupyterLab before a
cell was run, GitHub, a static page. They throw away scripts, styles, frames and inline
SVG, and keep the SVG's words as rubble. An `<img>` that contains its picture they keep.
So everything here has one; where more is allowed, something livelier hides it.
"""

from __future__ import annotations

import os
import sys
import tempfile
import webbrowser
from base64 import b64encode
from html import escape
from importlib import import_module
from pathlib import Path
from typing import Any

from ...whole_file import write_text
from .text import fit_text, scrolling

ALT = 300  # letters of a description
RUN = "Run this cell to play it."
FRAME = "tinygrad-attn-page"  # the class of a frame, for its style


def data_uri(svg: str) -> str:
    """An SVG as an address that contains it; the same SVG gives the same address.

    >>> data_uri('<?xml version="1.0"?><svg/>')
    'data:image/svg+xml;base64,PHN2Zy8+'
    """
    text = svg[max(0, svg.find("<svg")) :]  # without <?xml ...?>
    return f"data:image/svg+xml;base64,{b64encode(text.encode()).decode()}"


def still_html(svg: str, alt: str) -> str:
    """An SVG as an image: what every program shows. Made smaller to fit, its numbers
    would be unreadable, so it keeps its size."""
    told = escape(fit_text(alt, ALT))
    return f'<img src="{data_uri(svg)}" alt="{told}" style="max-width: none"/>'


def picture_html(svg: str, alt: str) -> str:
    """An SVG for a notebook. Within an object its tooltips live; a program that keeps
    no objects shows the image in it."""
    live = (
        f'<object type="image/svg+xml" data="{data_uri(svg)}" style="max-width: none">'
    )
    return scrolling(f"{live}{still_html(svg, alt)}</object>")


def page_html(page: str, still: str, alt: str) -> str:
    """A page for a notebook, in a frame that may run its own script and do nothing
    else. A program that keeps no frames keeps no style either, and shows the image."""
    return scrolling(
        f"<style>.{FRAME} + div {{display: none}}</style>"
        f'<iframe class="{FRAME}" width="100%" height="680" sandbox="allow-scripts" '
        f'style="border: 0" srcdoc="{escape(page)}"></iframe>'
        f"<div><p>{RUN}</p>{still_html(still, alt)}</div>"
    )


# === From a script ====================================================================


def show(thing: Any, text: str, name: str) -> None:
    """Shows a picture or page: in a notebook below the cell, otherwise in the browser.
    Where there is no browser, one line says where the file is.

    Args:
        thing: what a notebook shows.
        text: what is written for a browser, into a new folder.
        name: of the file.
    """
    if in_notebook():
        import_module("IPython.display").display(thing)
        return
    path = Path(tempfile.mkdtemp(prefix="tinygrad_attn-")) / name
    write_text(path, text)
    if not opens(path):
        print(f"There is no browser to show it; it is in {path}")


def in_notebook() -> bool:
    """Whether this runs in a notebook, and not in a script or at a prompt."""
    known = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return known is not None and hasattr(known(), "kernel")


def opens(path: Path) -> bool:
    """Opens a file in the reader's browser, if there is one. One that would take over
    the terminal is none."""
    windows = "DISPLAY", "WAYLAND_DISPLAY", "BROWSER"
    graphical = sys.platform in ("darwin", "win32") or any(map(os.environ.get, windows))
    try:
        return graphical and webbrowser.open(path.resolve().as_uri())
    except webbrowser.Error:
        return False
