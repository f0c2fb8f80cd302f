"""Pictures and pages are written where they can be, or one sentence says why not."""

from __future__ import annotations

import pytest

from tinygrad_attn import Tensor, draw, draw_attention, play

LOSS = (Tensor([1.0, 2.0], requires_grad=True) * 2.0).sum()
WRITERS = {
    "play": lambda path: play(LOSS, path),
    "Page.save": play(LOSS, None).save,
    "save": draw(LOSS).save,
    "Picture.save": draw_attention([[1.0, 0.0], [0.5, 0.5]]).save,
}
ENDINGS = {
    "play": ".html",
    "Page.save": ".html",
    "save": ".svg",
    "Picture.save": ".svg",
}


@pytest.fixture(params=WRITERS)
def who(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return request.param


def refused(who, path, error):
    with pytest.raises(error) as caught:
        WRITERS[who](path)
    said = str(caught.value)
    assert said.startswith(f"{who}: ")
    assert "\n" not in said
    return said


@pytest.mark.parametrize("name", ["x.txt", "x", "", "x.html.gz", "html"])
def test_a_name_of_another_kind_is_refused_before_anything_is_written(
    who, name, tmp_path
):
    said = refused(who, name, ValueError)
    assert f"{name!r} given; the name must end in " in said
    assert ENDINGS[who] in said
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_nothing_but_an_ending_is_refused(who, tmp_path):
    ending = ENDINGS[who]
    said = refused(who, ending, ValueError)
    assert said.endswith(f"{ending!r} given; a name must stand before {ending}")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_or_in_the_way_is_named(who, tmp_path):
    ending = ENDINGS[who]
    said = refused(who, f"no/such{ending}", FileNotFoundError)
    assert said.endswith("there is no folder 'no'")
    (tmp_path / f"x{ending}").mkdir()
    assert refused(who, f"x{ending}", IsADirectoryError).endswith("that is a folder")


@pytest.mark.parametrize("path", [3, b"x.html", ["x.html"]])
def test_what_is_no_path_is_refused(who, path):
    assert "it must be a str or a PathLike" in refused(who, path, TypeError)


def test_a_good_name_is_written(who, tmp_path):
    WRITERS[who](tmp_path / f"x{ENDINGS[who].upper()}")
    (file,) = tmp_path.iterdir()
    assert file.stat().st_size > 1000
