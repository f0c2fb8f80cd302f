"""The notebook shows what it should, keeps it, and teaches what is true.

It is committed with what its cells show, which docs/notebook.py makes without Jupyter.
Here a process of its own also executes a copy of it with nbclient, from a copy of the
packages, as in a bare clone.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from xml.etree import ElementTree

import pytest
from conftest import ROOT, svg_in

import nn
from docs import notebook as runner
from tinygrad_attn import Tensor, manual_seed, randn, unfold, use_backend
from tinygrad_attn.functional import mse_loss

NOTEBOOK = ROOT / "examples" / "one_head.ipynb"
CELLS = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
CODE = [cell for cell in CELLS if cell["cell_type"] == "code"]
MISSING = [
    name for name in ("nbclient", "nbformat", "ipykernel") if not find_spec(name)
]
TOKENS = ["the", "cat", "sat", "down"]
VOID = {"br", "img", "input", "link", "meta"}  # elements of HTML that have no end

# Not in this process: zmq and asyncio warn of matters that are not ours, and here every
# warning is an error.
EXECUTE = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], 4)
nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
nbformat.validate(notebook)
nbformat.write(notebook, sys.argv[2])
"""


# === As it is committed ===============================================================


def test_the_committed_notebook_has_stable_ids():
    whole = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (whole["nbformat"], whole["nbformat_minor"]) == (4, 5)
    assert set(whole["metadata"]) == {"kernelspec", "language_info"}
    assert not any(cell["metadata"] for cell in CELLS)
    ids = [cell["id"] for cell in CELLS]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][a-z-]+", name) for name in ids)  # chosen, by hand


@pytest.fixture(scope="module")
def now():
    """The notebook with what its cells show now, without Jupyter."""
    return runner.executed(json.loads(NOTEBOOK.read_text(encoding="utf-8")))


def test_its_outputs_are_fresh(now):
    kept = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    old = runner.stale(kept, now)
    assert old == [], "python3 docs/notebook.py writes them anew"


def test_what_is_stale_is_found(now):
    """One digit of a number, a word, a colour, a cell that was not run."""
    changes = [
        ("loss-code", lambda text: text.replace("0.188", "0.189", 1)),
        ("loss-code", lambda text: text.replace("through", "thru", 1)),
        ("learn-code", lambda text: text.replace("1.453", "1.454", 1)),
    ]
    for id, change in changes:
        kept = json.loads(json.dumps(now))
        (cell,) = (c for c in kept["cells"] if c["id"] == id)
        text = json.dumps(cell["outputs"])
        cell["outputs"] = json.loads(change(text))
        assert cell["outputs"] != json.loads(text)
        assert runner.stale(kept, now) == [id]
    kept = json.loads(json.dumps(now))
    kept["cells"][1]["execution_count"] = None
    assert runner.stale(kept, now) == [kept["cells"][1]["id"]]


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("loss 0.000008", "loss 0.000009", True),  # added up in another order
        ("x = −1.234567", "x = −1.234568", True),
        ("x = −1.2345", "x = 1.2345", False),
        ("off 2e-17", "off 0", True),
        ("x = 1.23", "x = 1.24", False),
        ('fill="#2166ac"', 'fill="#2166ad"', True),
        ('fill="#2166ac"', 'fill="#2166b0"', False),
        ("W_Q 1", "W_K 1", False),
        ("W2 1", "W3 1", False),
    ],
)
def test_alike_means_but_for_the_last_digit(a, b, same):
    assert runner.alike(a, b) == runner.alike(b, a) == same


def test_what_is_kept_needs_no_trust():
    """No script, style, frame or inline SVG: JupyterLab and GitHub would drop them."""
    shown = [o for cell in CODE for o in cell["outputs"] if "data" in o]
    html = ["".join(o["data"].get("text/html", [])) for o in shown]
    assert sum("<img " in text for text in html) >= 12
    for text in html:
        assert not re.search(r"<(script|style|svg|iframe|object|link)\b", text)
        if "<img " in text:
            ElementTree.fromstring(svg_in(text))
            assert re.search(r' alt="[^"]+', text)
    (played,) = (c for c in CODE if c["id"] == "play-code")
    assert "Run this cell to play it." in str(played["outputs"])


def test_no_machine_is_in_it():
    text = "".join(runner.readable(cell["outputs"]) for cell in CODE)
    text += json.dumps([cell["source"] for cell in CELLS])
    assert not re.search(r"/(home|root|tmp|Users|work)\b|[A-Z]:\\\\", text)
    assert str(ROOT) not in text


def test_it_is_a_lesson_of_short_cells():
    assert len(CELLS) <= 25
    for cell in CODE[1:]:  # the first one imports
        assert len("".join(cell["source"]).splitlines()) <= 18, cell["id"]


# === As it runs =======================================================================


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """The outputs of each code cell, by the cell's id."""
    if MISSING:
        pytest.skip(f"needs {', '.join(MISSING)}")
    clone = tmp_path_factory.mktemp("clone")
    for package in "tinygrad_attn", "nn":
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, clone / package, ignore=ignored)
    folder = clone / "examples"
    folder.mkdir()
    shutil.copy(NOTEBOOK, folder)
    environment = {
        **os.environ,
        "PYTHONPATH": str(clone),
    }  # before one that is installed
    environment.pop("TINYGRAD_ATTN_BACKEND", None)
    for name in "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR":
        environment[name] = str(clone / name.lower())  # nothing of the user's own
    done = subprocess.run(
        [sys.executable, "-c", EXECUTE, NOTEBOOK.name, "done.ipynb"],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=folder,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    whole = json.loads((folder / "done.ipynb").read_text(encoding="utf-8"))
    assert [cell["id"] for cell in whole["cells"]] == [cell["id"] for cell in CELLS]
    return {c["id"]: c["outputs"] for c in whole["cells"] if "outputs" in c}


def printed(outputs, cell):
    """What a cell printed."""
    return "".join("".join(o.get("text", "")) for o in outputs[cell])


def data(outputs, cell, kind):
    """What a cell showed in one form, in order."""
    found = [o["data"][kind] for o in outputs[cell] if kind in o.get("data", {})]
    return ["".join(text) for text in found]


class Read(HTMLParser):
    """HTML in which whatever is opened is closed; the texts and attributes of it."""

    def __init__(self, html):
        super().__init__()
        self.open, self.texts, self.attributes = [], [], {}
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.attributes.update(attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes.update(attrs)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.texts.append(text)


def texts(picture):
    """The texts in an SVG or in HTML, without the space around them."""
    if "<img " in picture:
        picture = svg_in(picture)
    if "<svg" in picture:
        found = ElementTree.fromstring(picture.encode()).itertext()
    else:
        found = Read(picture).texts
    return {" ".join(text.split()) for text in found}


def test_every_cell_runs_without_a_complaint(outputs):
    for cell, shown in outputs.items():
        for output in shown:
            assert output["output_type"] != "error", cell
            assert output.get("name") != "stderr", (cell, output)


def test_an_explanation_names_lines_from_the_package_on(outputs, tmp_path_factory):
    (text,) = data(outputs, "loss-code", "text/plain")
    assert "at nn/transformer/multi_head.py:" in text
    assert str(tmp_path_factory.getbasetemp()) not in text


PICTURES = [  # cell, form, and for each picture what stands in it
    ("task-code", "text/html", [{"Tensor", "4 × 4 float64"}, {"AttentionHead", "24"}]),
    (
        "forward-code",
        "text/html",
        [{"Tensor, from div"}, {"Before learning", *TOKENS}],
    ),
    (
        "modules-and-operations",
        "image/svg+xml",
        [
            {"x", "AttentionHead", "target", "loss"},
            {"x", "W_Q", "W_K", "W_V", "Q = x W_Q", "K = x W_K", "V = x W_V"}
            | {"products = Q Kᵀ", "energies = products / 1.41"}
            | {"weights = softmax(energies)", "z = weights V"}
            | {"∂Q += ∂products K", "∂V += weightsᵀ ∂z"},
        ],
    ),
    (
        "primitives-and-numbers",
        "image/svg+xml",
        [
            {"max = max energies over axis 1", "e = exp sub₂"}
            | {"sum₂ = Σ e over axis 1", "weights = e / sum₂"},
            {"W_Q", "x", "W_K", "Q", "K", "products", "energies", "weights", "[1,0]"},
        ],
    ),
    ("value-code", "image/svg+xml", [{"a", "b", "exp a", "exp b", "+", "w"}]),
    ("backward-code", "text/html", [{"Tensor", "gradient"}]),
    (
        "learned",
        "text/html",
        [{"After learning", *TOKENS}, {"Tensor"}, {"Tensor"}],
    ),
]


@pytest.mark.parametrize(
    ("cell", "kind", "wanted"), PICTURES, ids=[cell for cell, _, _ in PICTURES]
)
def test_a_picture_shows_its_cards(outputs, cell, kind, wanted):
    pictures = data(outputs, cell, kind)
    assert len(pictures) == len(wanted)
    for picture, titles in zip(pictures, wanted):
        assert titles <= texts(picture)


def test_the_page_plays_in_a_frame_that_may_do_nothing_else(outputs):
    (html,) = data(outputs, "play-code", "text/html")
    frame = Read(html).attributes
    assert frame["sandbox"] == "allow-scripts"
    page = frame["srcdoc"]
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    assert "One head, played" in page
    for title in "Q = x W_Q", "weights = softmax(energies)", *TOKENS:
        assert json.dumps(title, ensure_ascii=False) in page


def test_everything_that_is_shown_is_looked_at(outputs):
    """A new picture must be put into the list above."""
    listed = {cell for cell, _, _ in PICTURES} | {"play-code"}
    for cell in outputs:
        for output in outputs[cell]:
            rich = set(output.get("data", {})) & {"text/html", "image/svg+xml"}
            assert not rich or cell in listed


# === What it says =====================================================================


def seated(words):
    """As the notebook's own: words with their places, and the word before each."""
    rows = words.tolist()
    places = [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]
    x = [[word + place for word, place in zip(row, places)] for row in rows]
    return Tensor(x), Tensor([[row[i - 1] for i in range(4)] for row in rows])


@pytest.fixture(scope="module")
def first():
    """The head and the loss of the notebook, before learning."""
    with use_backend("python"):
        manual_seed(0)
        xs, targets = seated(randn(1, 4, 2))
        x = xs[0].requires_grad_()
        head = nn.AttentionHead(4, 2)
        z, weights = head(x)
        return x, head, weights, mse_loss(z, targets[0])


def test_the_soft_look_up_blends_the_values(outputs):
    for line in printed(outputs, "look-up-code").splitlines():
        length, *weights, answer = map(float, re.findall(r"[\d.]+", line))
        raised = [math.exp(length * p) for p in (0.96, 0.28, -0.96)]
        wanted = [p / sum(raised) for p in raised]
        assert weights == pytest.approx(wanted, abs=6e-4)
        blend = sum(w * v for w, v in zip(wanted, (10, 20, 30)))
        assert answer == pytest.approx(blend, abs=6e-3)


def test_unscaled_energies_lose_their_slope_and_scaled_ones_do_not(outputs):
    _, *lines = printed(outputs, "scale-code").splitlines()
    rows = [tuple(map(float, line.split())) for line in lines]
    assert [row[0] for row in rows] == [1, 4, 16, 64, 256]
    for d_k, variance, _, _ in rows:
        assert variance == pytest.approx(d_k, rel=0.2)
    plain, scaled = [row[2] for row in rows], [row[3] for row in rows]
    assert plain == sorted(plain, reverse=True)
    assert plain[-1] < 0.2 * plain[0]
    assert max(scaled) < 1.1 * min(scaled)


def test_the_explained_gradient_is_the_single_numbers_gradient(outputs, first):
    _, _, _, loss = first
    (text,) = data(outputs, "loss-code", "text/plain")
    found = float(re.search(r"∂loss/∂x\[0, 0\] = (\S+)", text)[1])
    measured = float(re.search(r"finite difference  ≈ (\S+)", text)[1])
    truth = unfold(loss, "scalar").node("input[0,0]").gradient
    assert found == pytest.approx(truth, rel=1e-9)
    assert measured == pytest.approx(truth, rel=1e-5)
    assert "sum of 3 uses" in text


def tips(picture, tokens):
    """The weights in a picture of attention, from the tooltips of its cells."""
    picture = svg_in(picture)
    rows = [[0.0] * len(tokens) for _ in tokens]
    for query, key, weight in re.findall(r"(\w+) → (\w+): ([\d.]+)", picture):
        rows[tokens.index(query)][tokens.index(key)] = float(weight)
    return rows


def test_the_map_shows_the_weights_of_the_head(outputs, first):
    _, _, weights, _ = first
    shown = tips(data(outputs, "forward-code", "text/html")[1], TOKENS)
    for row, wanted in zip(shown, weights.tolist()):
        assert row == pytest.approx(wanted, abs=6e-5)


def test_backward_by_hand_is_backward(outputs):
    text = printed(outputs, "backward-code")
    found = re.findall(r"∂loss/∂(W_\w): largest difference (\S+)", text)
    assert [name for name, _ in found] == ["W_Q", "W_K", "W_V"]
    assert all(float(off) < 1e-12 for _, off in found)


def matrix(text):
    """A tensor, from its repr."""
    rows = re.findall(r"\[([^\[\]]+)\]", text)
    return [[float(number) for number in row.split(",")] for row in rows]


def test_the_head_learns_to_look_at_the_word_before(outputs):
    losses = re.findall(r"loss (\S+)", printed(outputs, "learn-code"))
    assert float(losses[0]) > 0.5
    assert float(losses[-1]) < 1e-3
    shown = tips(data(outputs, "learned", "text/html")[0], TOKENS)
    assert all(shown[i][i - 1] > 0.95 for i in range(4))


def test_the_learned_matrices_say_what_the_text_says_of_them(outputs):
    """W_V is an identity over zeros; W_Q W_Kᵀ a quarter turn of the places."""
    _, value, match = map(matrix, data(outputs, "learned", "text/plain"))
    for i, row in enumerate(value):
        wanted = [float(i == j) for j in range(2)]
        assert row == pytest.approx(wanted, abs=0.05)
    (_, left), (right, _) = (row[2:] for row in match[2:])
    assert left < -5 < 5 < right
    rest = [match[i][j] for i in range(4) for j in range(4) if {i, j} != {2, 3}]
    assert max(map(abs, rest)) < 0.2 * min(-left, right)
