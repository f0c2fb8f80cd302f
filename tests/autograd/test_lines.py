"""Which line of source asked for an operation, and what it does with the result."""

from __future__ import annotations

import linecache
import sys

import pytest
from conftest import ROOT

from tinygrad_attn.autograd import lines, source
from tinygrad_attn.autograd.lines import SourceLine, source_line, users_line

by_columns = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="Python 3.10 says no columns"
)


def here(*_):
    """The line that calls."""
    frame = sys._getframe(1)
    return SourceLine(frame.f_code, frame.f_lasti)


class Operand:
    """Each of its operators gives the line that it stands in."""

    def __matmul__(self, other):
        return here_of_caller()

    def __lt__(self, other):
        return here_of_caller()

    def __iter__(self):
        yield here_of_caller()
        yield here_of_caller()

    def itself(self):
        return self

    def times(self, other):
        return here_of_caller()

    @property
    def mT(self):
        return here_of_caller()


def here_of_caller():
    frame = sys._getframe(2)
    return SourceLine(frame.f_code, frame.f_lasti)


def run(source, file):
    """What the source, compiled as that file, leaves in its variables."""
    names = {"here": here, "a": Operand(), "b": Operand()}
    exec(compile(source, file, "exec"), names)
    return names


def test_the_file_the_number_and_the_text():
    line = here()
    number = here.__code__.co_firstlineno
    assert line.file == __file__
    assert line.text == "line = here()"
    assert str(line) == f"{__file__}:{line.number}: line = here()"
    assert line.number > number
    first = SourceLine(here.__code__, -1)  # before its first step
    assert (first.number, first.names, first.time) == (number, (), 0)


def test_without_the_text_the_place_alone():
    line = run("\n\nx = here()", "<nowhere>")["x"]
    assert (line.text, str(line)) == ("", "<nowhere>:3")


@by_columns
def test_what_the_result_is_assigned_to():
    a, b = Operand(), Operand()
    product = a @ b
    first, second = a @ b, b @ a
    [(both)] = [a @ b]
    typed: SourceLine = a @ b
    if named := a < b:
        pass
    either = a @ b if a is not b else b @ a
    (deep, er), _ = (a @ b, b @ a), 1
    given = product, first, second, both, typed, named, either, deep, er
    names = "product first second both typed named either deep er"
    assert [t.target for t in given] == names.split()
    pair = (a @ b, b @ a)
    assert [t.target for t in pair] == ["", ""]
    one, *rest = a @ b, b @ a
    assert [one.target, rest[0].target] == ["", ""]
    held = {}
    a.line, held["key"], held["two words"], held[here] = a @ b, a @ b, a @ b, a @ b
    assert [t.target for t in (a.line, *held.values())] == ["line", "key", "", ""]
    assert here(a).target == ""


def test_what_is_assigned_in_every_version_of_python():
    a, b = Operand(), Operand()
    x = a @ b
    if y := a @ b:
        pass
    global z
    z = a @ b
    held = {}
    held["key"] = a @ b
    held["two words"] = a @ b
    a.line = a @ b
    around = a @ b

    def inner():
        return around

    nothing = [a @ b]
    given = x, y, z, held["key"], held["two words"], a.line, inner(), nothing[0]
    names = ["x", "y", "z", "key", "", "line", "around", ""]
    assert [t.target for t in given] == names
    one, two = a
    assert [one.target, two.target] == ["", ""]  # each would be called one


@by_columns
def test_what_cannot_be_known_is_left_open(tmp_path):
    assert run("x = a @ b", "<nowhere>")["x"].target == ""
    file = tmp_path / "changed.py"
    file.write_text("x = a @ b\n")
    line = run(file.read_text(), str(file))["x"]
    assert line.target == "x"
    file.write_text("x = = no Python\n")
    linecache.checkcache(str(file))
    assert line.target == ""
    assert source.targets(str(file)) == {}
    assert SourceLine(here.__code__, 100_000).target == ""


def test_a_chain_of_methods_in_lines_of_their_own():
    a, b = Operand(), Operand()
    made = (
        a.itself()
        .times(
            b,
        )
    )  # fmt: skip
    assert made.target == "made"
    held = a.itself() \
        .mT  # fmt: skip
    assert held.target == "held"


def test_outside_the_packages_the_innermost_line_is_the_callers_own():
    assert users_line().file == source_line().file == __file__


def test_two_operations_of_one_line():
    a = here()
    line = SourceLine(a.code, a.instruction)
    assert line.same_as(SourceLine(a.code, a.instruction, ("x",)))
    assert SourceLine(a.code, a.instruction, ("x",)).same_as(line)
    assert not line.same_as(SourceLine(a.code, a.instruction + 2))
    assert not line.same_as(SourceLine(here.__code__, a.instruction))
    assert not line.same_as(None)


def test_which_files_are_the_engines():
    engine, layers = ROOT / "tinygrad_attn", ROOT / "nn"
    assert f"{engine}/" == lines.ENGINE
    assert (f"{layers}/", f"{engine}/nn/") == lines.LAYERS
    lessons = [f"{engine}/rules/{name}.py" for name in ("composites", "activations")]
    assert list(lines.LESSONS) == lessons
    assert lines.is_engine(f"{engine}/tensor.py")
    for file in (*lessons, f"{layers}/layers.py", f"{engine}/nn/layers.py"):
        assert not lines.is_engine(file)
    assert not lines.is_engine(f"{ROOT}/tinygrad_attn_demo.py")
