"""Pictures and pages show themselves: in a notebook, trusted or not; from a script."""

from __future__ import annotations

import copy
import pickle
import sys
import webbrowser
from html.parser import HTMLParser
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from conftest import svg_in

import nn
from tinygrad_attn import Tensor, Value, draw, draw_attention, play, randn, unfold

# What JupyterLab keeps of the HTML of a notebook that it does not trust, as far as it
# matters here: https://github.com/jupyterlab/jupyterlab (packages/apputils, sanitizer).
KEPT = {"div", "p", "img", "table", "thead", "tbody", "tr", "th", "td", "pre", "span"}
SILENT = {"script", "style"}  # whose texts go with them


class Sanitised(HTMLParser):
    """What is left of HTML where nobody is trusted: elements and words."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.words, self.silent = [], [], 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.silent += tag in SILENT
        if tag in KEPT:
            self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        self.silent -= tag in SILENT

    def handle_data(self, data):
        if not self.silent and data.strip():
            self.words.append(data.strip())


def loss():
    x = Tensor([[1.0, 2.0]], requires_grad=True)
    return (x * x).sum()


THINGS = {
    "tensor": lambda: randn(2, 3),
    "value": lambda: Value(2.0) * 3.0,
    "graph": lambda: unfold(loss()),
    "drawing": lambda: draw(loss()),
    "own": lambda: draw(loss(), layout="own"),
    "attention": lambda: draw_attention([[1.0, 0.0], [0.5, 0.5]], ["a", "b"]),
    "page": lambda: play(loss(), None),
}


@pytest.mark.parametrize("name", THINGS)
def test_a_saved_picture_is_seen_where_nobody_is_trusted(name):
    left = Sanitised(THINGS[name]()._repr_html_())
    (image,) = (attributes for tag, attributes in left.elements if tag == "img")
    assert image["src"].startswith("data:image/svg+xml;base64,")
    assert image["alt"]
    assert image["style"] == "max-width: none"  # a notebook would make it smaller
    # No rubble of words that stood in the picture.
    assert left.words == (["Run this cell to play it."] if name == "page" else [])


@pytest.mark.parametrize("name", THINGS)
def test_the_same_thing_is_the_same_html(name):
    if name == "tensor":
        x = randn(2, 3)
        assert x._repr_html_() == Tensor(x.tolist())._repr_html_()
    else:
        assert THINGS[name]()._repr_html_() == THINGS[name]()._repr_html_()


@pytest.mark.parametrize("name", THINGS)
def test_a_picture_is_well_formed(name):
    root = ElementTree.fromstring(svg_in(THINGS[name]()._repr_html_()))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"


def test_a_model_is_seen_too():
    left = Sanitised(nn.Linear(2, 3)._repr_html_())
    assert {tag for tag, _ in left.elements} >= {"table", "tr", "td"}
    assert "Linear" in left.words


# === A page is its text ===============================================================


def test_a_page_is_a_str_that_prints_one_line(capsys):
    page = play(loss(), None, title="A page")
    print(page)
    assert capsys.readouterr().out == f"{page!r}\n"
    assert repr(page) == f"<Page 'A page', {len(page.encode()):,} bytes of HTML>"
    assert isinstance(page, str)
    assert type(page.html) is str
    assert page.html == page
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    assert page.heading == "A page"
    assert page.path is None


def test_a_page_says_where_it_was_written(tmp_path):
    file = tmp_path / "x.html"
    page = play(loss(), file)
    assert file.read_text(encoding="utf-8") == page.html
    assert page.path == file
    assert repr(page).endswith(f"bytes of HTML, in {file}>")
    other = page.save(str(tmp_path / "y.html"))
    assert other.read_text(encoding="utf-8") == page.html


def test_a_page_is_copied_whole():
    page = play(loss(), None)
    for other in copy.deepcopy(page), pickle.loads(pickle.dumps(page)):
        assert other.html == page.html
        assert other._repr_html_() == page._repr_html_()
        assert repr(other) == repr(page)


def test_a_page_in_a_notebook_may_only_run_its_own_script(look_at):
    """A frame that may run scripts and nothing else; the image is hidden then."""
    page = play(loss(), None)
    tab = look_at(f"<!doctype html><title>x</title>{page._repr_html_()}")
    assert tab.locator("iframe").get_attribute("sandbox") == "allow-scripts"
    frame = tab.frame_locator("iframe")
    frame.locator("#next").click()
    assert frame.locator("#count").inner_text() == "2 / 5"
    assert not tab.locator("img").is_visible()


def test_a_picture_in_a_notebook_has_its_tooltips(look_at):
    tab = look_at(f"<!doctype html><title>x</title>{draw(loss())._repr_html_()}")
    box = tab.locator("object").bounding_box()
    assert box["width"] > 200
    assert not tab.locator("img").is_visible()


# === From a script ====================================================================

SHOWN = {name: THINGS[name] for name in ("drawing", "attention", "page")}


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """What a browser was asked to open."""
    found = []

    def opened(address):
        found.append(address)
        return True

    monkeypatch.setattr(webbrowser, "open", opened)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return found


@pytest.mark.parametrize("name", SHOWN)
def test_it_is_shown_in_the_browser(name, asked, capsys, tmp_path):
    thing = SHOWN[name]()
    assert thing.show() is None
    (address,) = asked
    assert address.startswith("file://")
    (file,) = tmp_path.glob("tinygrad_attn-*/*")
    assert file.as_uri() == address
    text = thing.svg if name == "drawing" else thing.html
    assert file.read_text(encoding="utf-8") == text
    assert file.suffix == (".svg" if name == "drawing" else ".html")
    assert capsys.readouterr().out == ""
    thing.show()
    assert len(set(asked)) == 2  # the first one stays


@pytest.mark.parametrize("why", ["no display", "no browser", "an error"])
def test_without_a_browser_one_line_says_where_it_is(
    why, asked, capsys, monkeypatch, tmp_path
):
    def refuse(address):
        if why == "an error":
            raise webbrowser.Error("could not locate runnable browser")
        return False

    if why == "no display":
        monkeypatch.setattr(sys, "platform", "linux")
        for name in "DISPLAY", "WAYLAND_DISPLAY", "BROWSER":
            monkeypatch.delenv(name, raising=False)
    else:
        monkeypatch.setattr(webbrowser, "open", refuse)
    draw(loss()).show()
    (file,) = tmp_path.glob("tinygrad_attn-*/*")
    said = capsys.readouterr().out
    assert said == f"There is no browser to show it; it is in {file}\n"
    assert asked == []  # none that would take over the terminal


def test_in_a_notebook_it_is_shown_below_the_cell(asked, monkeypatch):
    shown = []
    kernel = SimpleNamespace(kernel=1)
    python = SimpleNamespace(get_ipython=lambda: kernel)
    monkeypatch.setitem(sys.modules, "IPython", python)
    display = SimpleNamespace(display=shown.append)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    picture = draw(loss())
    picture.show()
    assert shown == [picture]
    assert asked == []
