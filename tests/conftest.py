"""What the tests share: backends to run on, and whether optional packages are there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from base64 import b64decode
from contextlib import redirect_stderr, redirect_stdout
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest

from docs import headless
from tinygrad_attn import manual_seed, use_backend
from tinygrad_attn.program.compiling import compiler

ROOT = Path(__file__).resolve().parent.parent  # of the repository

needs_cc = pytest.mark.skipif(compiler() is None, reason="needs a C compiler")
needs_numpy = pytest.mark.skipif(not find_spec("numpy"), reason="needs NumPy")
needs_torch = pytest.mark.skipif(not find_spec("torch"), reason="needs PyTorch")
needs_safetensors = pytest.mark.skipif(
    not find_spec("safetensors"), reason="needs safetensors"
)
needs_matplotlib = pytest.mark.skipif(
    not find_spec("matplotlib"), reason="needs matplotlib"
)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    return passed_over((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    return passed_over((yield))


def passed_over(report):
    """Where SKIP_NOTHING is set, all is there that the tests need: one that is skipped
    for want of it has failed."""
    if report.skipped and os.environ.get("SKIP_NOTHING"):
        *_, reason = report.longrepr
        if "needs " in reason:
            report.outcome, report.longrepr = "failed", reason
    return report


PYTHON = pytest.param(("python", "float64"), id="python")
NUMPY = pytest.param(("numpy", "float64"), id="numpy", marks=needs_numpy)
SCALAR = pytest.param(("scalar", "float64"), id="scalar")


@pytest.fixture(params=[PYTHON, NUMPY])
def backend(request):
    """The test runs on pure Python and on NumPy, with floats of 64 bits."""
    with use_backend(*request.param):
        manual_seed(0)
        yield request.param[0]


@pytest.fixture
def on_numpy():
    """The test runs on NumPy, with floats of 64 bits."""
    with use_backend("numpy", "float64"):
        manual_seed(0)
        yield


@pytest.fixture(params=[PYTHON, NUMPY, SCALAR])
def any_backend(request):
    """The test runs on every backend, with floats of 64 bits."""
    with use_backend(*request.param):
        manual_seed(0)
        yield request.param[0]


@pytest.fixture
def javascript_runs(monkeypatch):
    """Programs in JavaScript, which do not run here, run in Node.js."""
    from in_node import NodeMachine

    from tinygrad_attn.program import write

    monkeypatch.setitem(write.MACHINES, "javascript", NodeMachine)


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium; without one the test is skipped, and says so."""
    pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    with headless.browser() as window:
        if window is None:
            pytest.skip(headless.NEEDED)
        yield window


@pytest.fixture(scope="module")
def tab(browser):
    """One tab for all pages: a new one takes as long as what most tests do in it."""
    context = browser.new_context(offline=True)
    yield context.new_page()
    context.close()


@pytest.fixture
def look_at(tab, browser, tmp_path):
    """Opens pages (HTML as a text), offline, in the tab, each instead of the one
    before; at the end, whatever they asked for or complained of fails the test."""
    asked, complaints, files, contexts = [], [], [], []

    def complain(event):
        complaints.append(str(event))

    def ask(event):
        asked.append(event.url)

    listeners = {"console": complain, "pageerror": complain, "request": ask}

    def opened(html, address="", size=(1280, 800), own=None, **media):
        """In a tab of its own, if it has settings that a tab has from its birth."""
        shown = tab
        if own:
            contexts.append(browser.new_context(offline=True, **own))
            shown = contexts[-1].new_page()
        for event, listener in listeners.items():
            shown.on(event, listener)
        file = tmp_path / f"page {len(files)}.html"
        file.write_text(html, encoding="utf-8")
        files.append(file.as_uri())
        width, height = size
        shown.set_viewport_size({"width": width, "height": height})
        usual = {"color_scheme": "light", "reduced_motion": "reduce"}
        shown.emulate_media(**(usual | media))
        shown.mouse.move(0, 0)  # where the test before left it, it may point at a card
        shown.goto(files[-1] + address)
        return shown

    yield opened
    for event, listener in listeners.items():
        tab.remove_listener(event, listener)
    tab.goto("about:blank")
    for context in contexts:
        context.close()
    assert complaints == []
    assert [url.partition("#")[0] for url in asked] == files  # each itself, and no more


def call(main, *arguments):
    """What subprocess.run would tell of an example, from its main() in this process:
    starting Python and importing everything takes longer than most of them."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = main([*map(str, arguments)])
        except SystemExit as exit:  # argparse's way
            status = exit.code
    return SimpleNamespace(
        returncode=status, stdout=out.getvalue(), stderr=err.getvalue()
    )


def started(script, *arguments, cwd=None):
    """A script, as it runs in a process of its own."""
    return subprocess.Popen(
        [sys.executable, str(script), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
    )


def after_steps(process, metrics, count=2):
    """The process, once its training has noted so many steps."""
    try:
        while lines_in(metrics) < count:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.02)
    except BaseException:
        process.kill()
        process.communicate()
        raise
    return process


def lines_in(path):
    """How many lines a file has so far. (It may come, go, and come again: whether it
    can be written is tried before a training.)"""
    try:
        return path.read_text().count("\n")
    except FileNotFoundError:
        return 0


def flatten(x):
    """All numbers of nested lists, in order."""
    return [v for row in x for v in flatten(row)] if isinstance(x, list) else [x]


def svg_in(html):
    """The picture that an image in a notebook's HTML contains, and that an object
    around it, if there is one, contains too."""
    uris = re.findall(r'"data:image/svg\+xml;base64,([\w+/=]+)"', html)
    assert len(uris) == html.count("<img ") + html.count("<object ")
    assert len(set(uris)) == html.count("<img ") == 1
    return b64decode(uris[0]).decode()


def near(want):
    """Equal to a number or a list of numbers, up to rounding in float64."""
    return pytest.approx(want, rel=1e-9, abs=1e-12)


def assert_close(got, want, tolerance=1e-12):
    """Two Tensors, arrays or nested lists hold the same numbers, up to rounding."""
    a, b = (flatten(x if isinstance(x, list) else x.tolist()) for x in (got, want))
    assert len(a) == len(b)
    scale = max([1.0, *map(abs, b)])
    worst = max((abs(p - q) for p, q in zip(a, b)), default=0.0)
    assert worst <= tolerance * scale, f"off by {worst} (numbers up to {scale})"
