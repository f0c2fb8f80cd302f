"""The attention map: well-formed, labelled, escaped, exact."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest

from tinygrad_attn.graph import attention_svg
from tinygrad_attn.graph.attention import two_decimals

WEIGHTS = [[1.0, 0.0], [0.25, 0.75]]


def test_cells_carry_their_weight():
    picture = attention_svg([("head 0", WEIGHTS)], ["a", "b"], ["x", "y"], "title")
    ElementTree.fromstring(picture)
    tips = re.findall(r"<title>(. → .): (\S+)</title>", picture)
    assert tips == [
        ("a → x", "1.0000"),
        ("a → y", "0.0000"),
        ("b → x", "0.2500"),
        ("b → y", "0.7500"),
    ]
    assert 'fill="#0b4f8a"' in picture  # 1 is the darkest
    assert 'fill="#ffffff" stroke' in picture  # 0 is white


def test_hostile_labels_and_numbers():
    nasty = "<script>&\"'\x00\n"
    weights = [[math.nan, math.inf], [-1.0, 2.0]]
    picture = attention_svg([(nasty, weights)], [nasty] * 2, [nasty] * 2, nasty)
    ElementTree.fromstring(picture)
    assert "<script>" not in picture
    assert "\x00" not in picture


def test_weights_and_labels_must_fit():
    with pytest.raises(ValueError, match="2 rows for 1 queries"):
        attention_svg([("head", WEIGHTS)], ["a"], ["x", "y"], "title")


def test_numbers_as_the_pictures_write_them():
    said = [two_decimals(v) for v in (0.0, 1.0, 0.25, -0.3, 0.001)]
    assert said == ["0", "1.00", ".25", "\N{MINUS SIGN}.30", ".00"]
