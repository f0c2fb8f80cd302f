"""Pictures of something large, timed: one head of a 6-layer encoder, d_model 384.

    python3 benchmarks/pictures.py

Six heads, sequences of 256 tokens, on NumPy in float32 (one thread). The head is drawn
at level op, by dot and by our own layout, and a page is made of it. Where Playwright
and a Chromium are installed the page is stepped through, and the slowest step told:
from the key to the frame after the panel and the cards have been painted.
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

import nn
from docs.headless import browser
from tinygrad_attn import Tensor, draw, manual_seed, play, randn, record, use_backend

STEP = """async (key) => {
    const began = performance.now();
    document.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    return performance.now() - began;
}"""


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


def main() -> int:
    for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[threads] = "1"  # NumPy is not imported yet
    manual_seed(0)
    try:
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
    except RuntimeError as error:
        print(f"pictures: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
