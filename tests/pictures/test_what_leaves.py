"""What a picture or page has of the machine it was made on: lines of source, if they
were recorded and are wanted, and never a folder."""

from __future__ import annotations

import linecache

import pytest

from tinygrad_attn import draw, ones, play, record, unfold

SECRET = "x = (w * 3.0).tanh()  # of nobody's concern"


@pytest.fixture(
    params=["/home/someone/m.py", "C:\\Users\\someone\\m.py", "/a:3: b/m.py"]
)
def loss(request):
    """A loss that is computed in a file of this path."""
    path = request.param
    text = f"def f(w):\n    {SECRET}\n    return x.sum()\n"
    linecache.cache[path] = (len(text), None, text.splitlines(True), path)
    scope = {}
    exec(compile(text, path, "exec"), scope)
    with record():
        yield scope["f"](ones(2, requires_grad=True))
    del linecache.cache[path]


@pytest.mark.parametrize("level", ["op", "primitive", "scalar"])
def test_no_folder_leaves(loss, level):
    pages = [play(loss, None, level=level).html] if level != "primitive" else []
    for text in (*pages, draw(loss, level=level).svg, draw(loss, level=level).dot):
        assert "someone" not in text
        assert "a:3: b" not in text
    sources = {node.source for node in unfold(loss, level=level) if node.source}
    assert f"m.py:2: {SECRET}" in sources


def test_whoever_makes_a_picture_is_told_of_its_lines(loss):
    for made in (play(loss, None), draw(loss)):
        assert " of source (lines=False: none)" in repr(made)
    for made in (play(loss, None, lines=False), draw(loss, lines=False)):
        assert "source" not in repr(made)


def test_where_no_line_is_noted_none_is_told():
    double = ones(2, requires_grad=True) * 2.0  # not under record()
    assert "source" not in repr(draw(double.sum())) + repr(play(double.sum(), None))


def test_lines_of_source_can_be_left_out(loss):
    assert "concern" in play(loss, None).html
    assert "concern" in draw(loss).svg
    assert "concern" not in play(loss, None, lines=False).html
    picture = draw(loss, lines=False)
    assert "concern" not in picture.svg + picture.dot
    graph = unfold(loss)
    assert "concern" not in play(graph, None, lines=False).html
    assert any("concern" in node.source for node in graph)  # which is left as it is
    with pytest.raises(TypeError, match="play: lines='no'"):
        play(loss, None, lines="no")
