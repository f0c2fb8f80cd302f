"""What the examples draw is what its title says."""

import re
from math import inf, nan

import pytest
from conftest import call, needs_numpy

import nn
from examples import train_reverse, translate_dates
from examples.common import clearest, draw_losses
from tinygrad_attn import Tensor

SMALL = ("--backend", "numpy", "--batch", 4, "--d-model", 8, "--steps")


def test_a_model_that_made_no_step_has_no_curve(tmp_path):
    assert draw_losses([], tmp_path / "loss.svg", "Learning", "digit") == (
        "loss curve: none, as no step was made"
    )
    assert not (tmp_path / "loss.svg").exists()


@pytest.mark.parametrize("losses", [[2.0], [2.0, 1.5], [2.0, 1.5, 1.0]])
def test_a_curve_has_its_title_and_is_seen(losses, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "loss.svg"
    draw_losses(losses, path, "Learning to test", "digit")
    svg = path.read_text(encoding="utf-8")
    assert "<dc:title>Learning to test</dc:title>" in svg
    assert "<!-- Learning to test -->" in svg  # the letters are paths
    line = svg[svg.index('id="line2d_', svg.index('id="axes_1"')) :]
    assert "#2166ac" in line
    points = svg.count("<use", svg.index("stroke: #2166ac"))
    assert points >= len(losses) if len(losses) < 3 else True
    steps = svg[
        svg.index('id="matplotlib.axis_1"') : svg.index('id="matplotlib.axis_2"')
    ]
    written = re.findall(r"<!-- ([\d.]+) -->", steps)  # there is no half step
    assert written
    assert all(step.isdigit() for step in written)


def test_a_loss_that_is_nan_is_seen_in_its_curve(tmp_path, monkeypatch):
    """Where it stood was a gap, or between two such no curve at all."""
    figure = pytest.importorskip("matplotlib.figure").Figure
    path = tmp_path / "loss.svg"
    said = draw_losses([nan, nan], path, "Learning", "digit")
    assert said == "loss curve: none, as every loss was nan"
    assert not path.exists()
    drawn = []
    monkeypatch.setattr(figure, "savefig", lambda self, *_, **__: drawn.append(self))
    for losses, points, crosses in (
        ([2.0, inf, 1.0], [1, 3], [2]),
        ([2.0, 1.5, nan, 1.0, 0.5, nan], [], [3, 6]),
        ([2.0, 1.5, 1.0], [], []),
        ([1.0, -0.5, 0.2], [], []),
    ):
        draw_losses(losses, path, "Learning", "digit")
        (axes,) = drawn.pop().axes
        line, alone, *lost = [[*map(int, each.get_xdata())] for each in axes.lines]
        assert line == [*range(1, len(losses) + 1)]
        assert alone == points
        assert lost == ([crosses] if crosses else [])
        assert axes.get_ylim()[0] <= min(0.0, *[x for x in losses if x == x])
        texts = axes.get_legend().get_texts() if crosses else []
        assert [text.get_text() for text in texts] == ["nan or inf"] * bool(crosses)


def test_a_curve_that_cannot_be_drawn_leaves_no_empty_file(tmp_path, monkeypatch):
    figure = pytest.importorskip("matplotlib.figure").Figure

    def broken(self, file, **_):
        file.write(b"<svg")
        raise OSError("no space left on device")

    monkeypatch.setattr(figure, "savefig", broken)
    with pytest.raises(OSError, match="no space"):
        draw_losses([1.0, 2.0], tmp_path / "loss.svg", "Learning", "digit")
    assert not (tmp_path / "loss.svg").exists()


def test_the_clearest_head_is_the_most_decided():
    blurred = [[0.5, 0.5], [0.5, 0.5]]
    clear = [[0.9, 0.1], [0.2, 0.8]]
    maps = {"a": Tensor([[blurred, blurred]]), "b": Tensor([[blurred, clear]])}
    assert clearest(maps) == ("b", 1)


@needs_numpy
def test_dates_show_all_their_cross_attention_and_the_clearest_head(tmp_path):
    saved = tmp_path / "x.safetensors"
    made = call(translate_dates.main, *SMALL, 2, "--heads", 2, "--save", saved)
    assert made.returncode == 1, made.stderr
    call(translate_dates.main, "--load", saved, "--out", tmp_path)
    svg = (tmp_path / "cross_attention.svg").read_text(encoding="utf-8")
    assert "where it looks to write each letter of" in svg
    for layer in range(2):
        assert f">decoder.layers.{layer}.cross_attn<" in svg
    shown = re.search(r">decoder\.layers\.(\d)\.cross_attn, head (\d): row", svg)
    assert shown
    options = translate_dates.parse(["--load", str(saved)])
    with translate_dates.use_backend(options.backend, options.dtype):
        run = translate_dates.Run(options)
        run.restore(options.saved)
        text = run.test()[0][0]
        src = run.letters.tokens([text])
        tgt = nn.shift_right(Tensor(nn.greedy_decode(run.model, src)))
        maps = nn.attention_maps(run.model, src, tgt)
        sharpest = clearest({p: m for p, m in maps.items() if "cross" in p})
    assert sharpest == (f"decoder.layers.{shown[1]}.cross_attn", int(shown[2]))


@needs_numpy
def test_the_curve_of_a_reversal_is_titled_so(tmp_path):
    pytest.importorskip("matplotlib")
    for model in "encoder", "encoder-decoder":
        call(train_reverse.main, *SMALL, 2, "--model", model, "--out", tmp_path)
        assert "Learning to reverse" in (tmp_path / "loss.svg").read_text()
