"""The still picture of a page: small, and the same to look at as a drawing."""

from __future__ import annotations

import re

import pytest
from played import encoder, moved

from tinygrad_attn import Tensor, play, record, unfold
from tinygrad_attn.pictures.draw import shortened
from tinygrad_attn.pictures.sheets.sheet import Look
from tinygrad_attn.pictures.sheets.tensors import tensors
from tinygrad_attn.pictures.writing.placing import lay_out
from tinygrad_attn.pictures.writing.svg import svg_text

NUMBER = r"(-?[\d.]+)"
RECT = rf'<rect x="{NUMBER}" y="{NUMBER}" width="28" height="17" fill="(#\w+)">'
WORD = (
    rf'<text x="{NUMBER}" y="{NUMBER}" font-size="8"[^>]* fill="(#\w+)" p[^>]*>([^<]*)'
)


def both(loss):
    sheet = tensors(unfold(loss), Look(), "x", "")
    placed = lay_out(shortened(sheet, fold=True, step=1))
    return svg_text(placed), svg_text(placed, tips=False)


def cells_of(small):
    """The boxes and numbers of a small picture: as a usual one has them."""
    boxes, words = [], []
    for d, fill in re.findall(r'<path d="(M[^"C]*z)" fill="(#\w+)"/>', small):
        boxes += [(float(x), float(y), fill) for x, y in BOX.findall(d)]
    group = r'<g font-size="8" text-anchor="middle" fill="(#\w+)">(.*?)</g>'
    for ink, texts in re.findall(group, small):
        for y, own, line in re.findall(
            rf'<text y="{NUMBER}"(?: fill="(#\w+)")?>(.*?)</text>', texts
        ):
            words += [
                (float(x), float(y), own or ink, text)
                for x, text in re.findall(rf'<tspan x="{NUMBER}">([^<]*)</tspan>', line)
            ]
    return sorted(boxes), sorted(words)


BOX = re.compile(rf"M{NUMBER} {NUMBER}h28v17h-28z")


@pytest.mark.parametrize("model", [encoder, moved])
def test_without_tooltips_it_shows_the_same(model):
    whole, small = both(model()[0])
    assert len(small) < 0.5 * len(whole)
    boxes = [(float(x), float(y), c) for x, y, c in re.findall(RECT, whole)]
    words = [(float(x), float(y), i, t) for x, y, i, t in re.findall(WORD, whole)]
    assert len(boxes) == len(words) > 100
    assert cells_of(small) == (sorted(boxes), sorted(words))
    for rest in ("<marker", "<path d=", ' rx="6"', 'font-weight="bold"'):
        assert small.count(rest) >= whole.count(rest)


def test_a_page_has_the_small_one():
    x = Tensor([[0.5, 2.0]], requires_grad=True)
    with record():
        loss = (x * x).sum()
    text = play(loss, None).html
    still = text[text.index("<noscript>") : text.index("</noscript>")]
    assert still.count("<tspan") == 2 * 2 + 2 * 2 + 2  # numbers, and their gradients
    assert "pointer-events" not in still
