"""Pictures of something large, timed: one head of a 6-layer encoder, d_model 384.
And an edit on a living page of some 300 cards.

    python3 benchmarks/pictures.py

Six heads, sequences of 256 tokens, on NumPy in float32 (one thread). The head is drawn
at level op, by dot and by our own layout, and a page is made of it. Where Playwright
and a Chromium are installed the page is stepped through, and the slowest step told:
from the key to the frame after the panel and the cards have been painted. On the living
page a number is changed by the arrow keys: from the key until all is computed and what
is in sight is painted.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # without installing

import examples.interpreter  # first: it refuses an old Python
import nn
from docs.headless import browser
from examples import terminal
from examples.options import check_numpy
from tinygrad_attn import Tensor, draw, manual_seed, play, randn, record, use_backend

STEP = """async (key) => {
    const began = performance.now();
    document.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    return performance.now() - began;
}"""

EDIT = """async () => {
    const times = [];
    for (let i = 0; i < 40; i++) {
        const began = performance.now();
        const field = document.getElementById("number");
        const key = i < 20 ? "ArrowUp" : "ArrowDown";
        field.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
        times.push(performance.now() - began);
        await new Promise((done) => setTimeout(done, 300));
    }
    return times.sort((a, b) => a - b);
}"""
CLICK = "(selector) => document.querySelector(selector).click()"


def encoder() -> Tensor:
    """A loss that six layers led to, recorded."""
    model = nn.Sequential(
        *(nn.TransformerEncoderLayer(384, 6, d_ff=1536, dropout=0.0) for _ in range(6))
    )
    with record():
        z = model(randn(1, 256, 384))
        loss = (z * z).mean()
    return loss  # type: ignore[no-any-return]


def timed(what: str, call: Callable[[], Any]) -> Any:
    """What a call returns; its time is printed."""
    began = time.perf_counter()
    found = call()
    print(f"  {what:34} {time.perf_counter() - began:5.2f} s")
    return found


def step_through(page: Path) -> None:
    """Each step of a page, forward and backward, in a headless Chromium."""
    times: list[float] = []
    try:
        with browser() as window:
            if window is not None:
                tab = window.new_page(viewport={"width": 1440, "height": 900})
                tab.goto(page.resolve().as_uri())
                times = [tab.evaluate(STEP, "ArrowRight") for _ in range(60)]
    except ImportError:
        pass
    if not times:
        print("  (the page is not stepped through: needs Playwright and a Chromium)")
        return
    print(f"  {'slowest step of the page':34} {max(times) / 1000:5.2f} s")


def living() -> Tensor:
    """A loss that layers of growing width led to, none equal to another."""
    layers: list[nn.Module] = []
    for width in (8, 12, 16, 20):
        layers.append(nn.TransformerEncoderLayer(width, 2, 2 * width, dropout=0.0))
        layers.append(nn.Linear(width, width + 4))
    model = nn.Sequential(*layers[:-1])
    with record():
        z = model(randn(1, 4, 8))
        loss = (z * z).mean()
    return loss  # type: ignore[no-any-return]


def edited(page: Path) -> None:
    """A number of a page with all its cards open, changed again and again."""
    try:
        with browser() as window:
            if window is None:
                return
            tab = window.new_page(viewport={"width": 1440, "height": 900})
            tab.goto(page.resolve().as_uri())
            tab.evaluate(CLICK, "#unfold")
            cards = tab.evaluate("CARDS.size")
            tab.evaluate(CLICK, "#cards .editable")
            tab.evaluate(CLICK, "td.editable")
            tab.wait_for_timeout(1000)
            times = tab.evaluate(EDIT)
    except ImportError:
        return
    middle, most = times[len(times) // 2], times[-1]
    what = f"an edit, {cards} cards (slowest)"
    print(f"  {what:34} {middle / 1000:6.3f} s ({most / 1000:.3f} s)")


def main() -> int:
    for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[threads] = "1"  # NumPy is not imported yet
    check_numpy("this benchmark")
    manual_seed(0)
    with use_backend("numpy"), tempfile.TemporaryDirectory() as folder:
        print("one head of 6 layers, d_model 384, 6 heads, 256 tokens")
        loss = timed("forward, recorded", encoder)
        head = ("3.self_attn", 2)
        path = Path(folder) / "head.html"

        def by_dot() -> str:
            return draw(loss, head=head).svg

        def by_us() -> str:
            return draw(loss, head=head, layout="own").svg

        def played() -> str:
            return play(loss, path, head=head)

        if shutil.which("dot"):
            timed("draw, laid out by dot", by_dot)
        timed("draw, laid out by us", by_us)
        timed("play", played)
        print(f"  {'size of the page':34} {path.stat().st_size / 1e6:5.2f} MB")
        step_through(path)
        page = Path(folder) / "living.html"
        play(living(), page, limit=400)
        edited(page)
    return 0


if __name__ == "__main__":
    examples.interpreter.begin({"numpy"})
    sys.exit(terminal.run("pictures", main))
