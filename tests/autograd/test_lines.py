"""Which line of source asked for an operation, and what it does with the result."""

from __future__ import annotations

import linecache
import sys
from types import SimpleNamespace

import pytest
from conftest import ROOT

from tinygrad_attn import Tensor
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

    @property
    def mT(self):
        return here_of_caller()


def here_of_caller():
    frame = sys._getframe(2)
    return SourceLine(frame.f_code, frame.f_lasti)


def run(source, file, **given):
    """What the source, compiled as that file, leaves in its variables."""
    names = {"here": here, "a": Operand(), "b": Operand(), **given}
    exec(compile(source, file, "exec"), names)
    return names


def test_the_file_the_number_and_the_text():
    line = here()
    number = here.__code__.co_firstlineno
    assert line.file == __file__
    assert line.text == "line = here()"
    assert str(line) == f"{__file__}:{line.number}: line = here()"
    assert line.number > number
    assert SourceLine(here.__code__, -1).number == number  # before its first step


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
    targets = [t.target for t in (product, first, second, both, typed, named)]
    assert targets == ["product", "first", "second", "", "typed", "named"]
    pair = (a @ b, b @ a)
    assert [t.target for t in pair] == ["", ""]
    a.line = a @ b
    assert a.line.target == ""
    assert here(a).target == ""


@by_columns
def test_what_the_operation_was_applied_to():
    a, b = Operand(), Operand()
    assert (a @ b).operands == ["a", "b"]
    assert (a < b).operands == ["a", "b"]
    a.line = b
    assert (a.line @ a).operands == ["", "a"]
    assert a.mT.operands == here(a, b).operands == []  # beside no operator


@by_columns
def test_what_cannot_be_known_is_left_open(tmp_path):
    nowhere = run("x = a @ b", "<nowhere>")["x"]
    assert (nowhere.target, nowhere.operands) == ("", [])
    file = tmp_path / "changed.py"
    file.write_text("x = a @ b\n")
    line = run(file.read_text(), str(file))["x"]
    assert (line.target, line.operands) == ("x", ["a", "b"])
    file.write_text("x = = no Python\n")
    linecache.checkcache(str(file))
    assert (line.target, line.operands) == ("", [])
    assert source.expressions(str(file)) == {}
    beyond = SourceLine(here.__code__, 100_000)
    assert (beyond.target, beyond.operands) == ("", [])


def test_outside_the_packages_the_innermost_line_is_the_callers_own():
    assert users_line().file == source_line().file == __file__


# --- what the line calls the operation's inputs ---------------------------------------

GLOBAL = Tensor([1.0])


@by_columns
def test_h_with_equals_is_read_and_assigned_to():
    h, b = Operand(), Operand()
    h @= b
    assert (h.target, h.operands) == ("h", ["h", "b"])


def test_two_operations_of_one_line():
    a = here()
    line = SourceLine(a.code, a.instruction)
    assert (line.names, line.time) == ((), 0)
    assert line.same_as(SourceLine(a.code, a.instruction, ("x",)))
    assert SourceLine(a.code, a.instruction, ("x",)).same_as(line)
    assert not line.same_as(SourceLine(a.code, a.instruction + 2))
    assert not line.same_as(SourceLine(here.__code__, a.instruction))
    assert not line.same_as(None)


def test_an_input_is_called_by_the_variable_bound_to_it():
    x, y = Tensor([1.0]), Tensor([2.0])
    line = source_line([x, 2.0, y])
    assert line.names == ("x", "", "y")
    assert source_line([GLOBAL]).names == ("GLOBAL",)
    assert source_line([Tensor([1.0])]).names == ()
    names = run("line = source_line([a])", "<nowhere>", source_line=source_line, a=x)
    assert names["line"].names == ("a",)


def test_in_a_comprehension_the_variable_around_it_has_the_name():
    weights = Tensor([1.0])
    (in_list,) = [source_line([w]) for w in [weights]]
    (in_set,) = {source_line([w]) for w in [weights]}
    in_dict = {i: source_line([w]) for i, w in enumerate([weights])}
    (in_generator,) = (source_line([w]) for w in [weights])
    ((nested,),) = [[source_line([w]) for w in [weights]] for _ in [0]]
    for line in (in_list, in_set, in_dict[0], in_generator, nested):
        assert line.names == ("weights",)


def test_a_leaf_is_also_called_by_where_a_variable_holds_it():
    x = Tensor([1.0], requires_grad=True)
    y = x * 2.0
    first = [0.0] * 99
    many = {f"k{i}": i for i in range(99)}
    for variables, name in (
        ({}, ""),
        ({"a": 1, "x": x}, "x"),
        ({"ws": [0, x, x]}, "ws.1"),
        ({"ws": [*first, x]}, "ws.99"),
        ({"ws": [*first, 0, x]}, ""),
        ({"ws": {"W_Q": x}}, "W_Q"),
        ({"ws": {"W Q": x}}, "ws.W Q"),
        ({"ws": {0: x}}, "ws.0"),
        ({"ws": {**many, "last": x}}, "last"),
        ({"ws": {**many, "a": 0, "last": x}}, ""),
        ({"ws": SimpleNamespace(w=x)}, "w"),
        ({"ws": [x], "x": x}, "x"),
    ):
        assert lines.name_of(x, variables) == name
    assert lines.name_of(y, {"y": y}) == "y"
    assert lines.name_of(y, {"ws": [y]}) == ""  # a result, and no leaf
    assert lines.name_of(2.0, {"two": 2.0}) == ""


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
