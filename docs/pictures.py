"""A screenshot of every picture and page, for a person to look at.

    python3 docs/pictures.py --out out/pictures     # `make pictures`
    python3 docs/pictures.py --readme               # those that the README shows

Pictures are drawn by Graphviz's dot, where it is, and by our own layout. A headless
Chromium makes the screenshots: what a reader's browser shows, not what another program
makes of the file.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # without installing

import nn
from docs.headless import NEEDED, browser
from tinygrad_attn import (
    Tensor,
    Value,
    draw,
    draw_attention,
    manual_seed,
    play,
    randn,
    record,
)
from tinygrad_attn.errors import how_to_install
from tinygrad_attn.functional import cross_entropy, mse_loss
from tinygrad_attn.functions.attention import causal_mask

DOCS = Path(__file__).resolve().parent
TOKENS = ["the", "cat", "sat", "down"]
WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}

# === What is drawn ====================================================================


class OneHead(nn.Module):
    """One attention head, causal, and how far its result is from a target."""

    def __init__(self) -> None:
        self.head = nn.AttentionHead(8, 4)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        z, _ = self.head(x, mask=causal_mask(x.shape[0]))
        return mse_loss(z, y)


def one_head() -> tuple[OneHead, Tensor]:
    """The head of the README: four tokens, d_model 8, d_k 4."""
    manual_seed(4)
    model = OneHead()
    x, y = randn(4, 8).requires_grad_(), randn(4, 4)
    with record():
        loss = model(x, y)
    return model, loss


def whole_model() -> tuple[nn.Module, Tensor]:
    """Six encoder layers, to be folded to one."""
    manual_seed(0)
    model = nn.Sequential(
        nn.Embedding(10, 8),
        *(nn.TransformerEncoderLayer(8, 2, d_ff=16, dropout=0.0) for _ in range(6)),
        nn.Linear(8, 10),
    )
    with record():
        logits = model(Tensor([[1, 2, 3]]))
        loss = cross_entropy(logits.reshape(3, 10), Tensor([3, 2, 1]))
    return model, loss


def neuron() -> Value:
    """micrograd's neuron: tanh(w₁x₁ + w₂x₂ + b)."""
    x1, x2 = Value(2.0, label="x1"), Value(0.0, label="x2")
    w1, w2 = Value(-3.0, label="w1"), Value(1.0, label="w2")
    b = Value(6.8814, label="b")
    out = (x1 * w1 + x2 * w2 + b).tanh()
    out.label = "out"
    out.backward()
    return out


def drawings() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Each picture by name, as a function of the layout ("own" or "dot")."""
    model, loss = one_head()
    _, large = whole_model()

    def of(root: Any, *args: Any, **settings: Any) -> Callable[..., Any]:
        def make(layout: str | None) -> Any:
            return draw(root, *args, layout=layout, **settings)

        return make

    yield "head_op", of(loss, title="One attention head")
    yield "head_module", of(loss, "module", title="One attention head")
    yield "head_primitive", of(loss, "primitive", module=model.head)
    yield "head_focus", of(loss, "scalar", focus="z[1,0]")
    yield "model_module", of(large, "module", title="Six layers, folded to one")
    yield "neuron", of(neuron(), title="One neuron")


# === Screenshots ======================================================================


def photograph(
    window: Any, source: Path, target: Path, keys: str = "", **settings: Any
) -> None:
    """A screenshot of a file, after some keys; of a whole SVG, whatever its size."""
    if window is None:
        raise RuntimeError(NEEDED)
    page = window.new_page(viewport=settings.pop("viewport", WIDE), **settings)
    page.goto(source.resolve().as_uri())
    for key in keys.split():
        page.keyboard.press(key)
    page.wait_for_timeout(400)
    if source.suffix == ".svg":
        box = page.locator("svg").first.bounding_box()
        size = {"width": int(box["width"]) + 1, "height": int(box["height"]) + 1}
        page.set_viewport_size(size)
    page.screenshot(path=str(target))
    page.close()
    print(f"  {target}")


def everything(out: Path) -> None:
    """All pictures and pages."""
    out.mkdir(parents=True, exist_ok=True)
    with browser() as window:
        for name, make in drawings():
            for layout, ending in ("dot", "dot"), ("own", "own"):
                path = make(layout).save(out / f"{name}.{ending}.svg")
                photograph(window, path, out / f"{name}.{ending}.png")
        page = out / "player.html"
        model, loss = one_head()
        play(loss, page, tokens=TOKENS, title="One attention head")
        dark: dict[str, Any] = {"color_scheme": "dark"}
        photograph(window, page, out / "player_first.png")
        photograph(window, page, out / "player_forward.png", "ArrowRight " * 3)
        photograph(window, page, out / "player_backward.png", "b" + " ArrowRight" * 8)
        photograph(window, page, out / "player_last.png", "End")
        photograph(
            window, page, out / "player_dark.png", "b" + " ArrowRight" * 8, **dark
        )
        photograph(
            window, page, out / "player_phone.png", "b ArrowRight", viewport=PHONE
        )
        maps = nn.attention_maps(model, randn(4, 8), randn(4, 4))
        picture = draw_attention(maps, TOKENS, TOKENS)
        for ending in ("svg", "html"):
            picture.save(out / f"attention.{ending}")
        photograph(window, out / "attention.svg", out / "attention.png")
        manual_seed(1)
        maps = nn.attention_maps(nn.MultiHeadAttention(48, 12), randn(1, 4, 48))
        page = out / "heads.html"
        draw_attention(maps, TOKENS).save(page)
        photograph(window, page, out / "heads.png")
        photograph(window, page, out / "heads_dark.png", **dark)
        photograph(window, page, out / "heads_phone.png", viewport=PHONE)
        shown = out / "notebook.html"
        parts = (Tensor([[1.0, -2.0], [0.5, 3.0]]), neuron(), model)
        shown.write_text("<br>".join(part._repr_html_() for part in parts))
        photograph(window, shown, out / "notebook.png")


def for_the_readme() -> None:
    """The hero picture and a still of the page."""
    _, loss = one_head()
    hero = DOCS / "head.svg"
    draw(loss, title="One attention head").save(hero)
    page = DOCS / "head.html"
    play(loss, page, tokens=TOKENS, title="One attention head")
    with browser() as window:
        photograph(window, hero, DOCS / "head.png")
        photograph(window, page, DOCS / "player.png", "b" + " ArrowRight" * 8)
    hero.unlink()
    page.unlink()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", metavar="DIR", default="out/pictures")
    parser.add_argument("--readme", action="store_true", help="into docs/, two of them")
    options = parser.parse_args()
    try:
        if options.readme:
            for_the_readme()
        else:
            everything(Path(options.out))
    except RuntimeError as error:
        print(f"pictures: {error}", file=sys.stderr)
        return 2
    except ImportError:
        advice = how_to_install("playwright")
        print(f"pictures: Playwright is missing: {advice}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
