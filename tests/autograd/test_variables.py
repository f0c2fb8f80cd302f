"""What a running line calls a tensor."""

from __future__ import annotations

import sys
from types import ModuleType

from tinygrad_attn import Tensor
from tinygrad_attn.autograd import variables
from tinygrad_attn.autograd.variables import MOST, names_in, names_of

x, y = Tensor([1.0]), Tensor([2.0])
GLOBAL = Tensor([3.0])


def called(*given):
    """What the line that calls this one calls what it gives."""
    return names_in(sys._getframe(1), given)


class Holder:
    """An object with an attribute."""

    def __init__(self, w):
        self.w = w


class Slots:
    """An object with a place for an attribute."""

    __slots__ = ("w",)


def test_a_variable_an_attribute_a_key_and_nothing():
    a, holder, table = x, Holder(y), {"key": GLOBAL}
    assert called(a, holder.w, table["key"]) == ("a", "w", "key")
    assert called(Tensor([1.0]), 2.0, None) == ("", "", "")
    assert called(GLOBAL) == ("GLOBAL",)


def test_what_is_no_tensor_has_a_name_too_but_no_number():
    rows, n, flag, nothing = [1.0], 1.0, True, None
    assert called(rows, n, flag, nothing) == ("rows", "", "", "")


def test_of_two_names_the_first_of_the_line():
    a = b = x
    assert called(b, a) == ("b", "b")
    assert called(a) == ("a",)
    assert b is a


def test_a_variable_comes_before_what_another_holds():
    assert names_of([x], [(("held",), [x]), (("h", "w"), Holder(x)), (("a",), x)]) == (
        "a",
    )
    assert names_of([x], [(("held",), [x]), (("h", "w"), Holder(x))]) == ("w",)


def test_what_is_not_there_does_not_end_the_search():
    missing = [(("a", "w"), Slots()), (("a", "b"), Holder(y)), (("a", "w"), None)]
    assert names_of([x], [*missing, (("h", "w", "w"), Holder(Holder(x)))]) == ("w",)
    slots = Slots()
    slots.w = x
    assert names_of([x], [*missing, (("a", "w"), slots)]) == ("w",)
    assert names_of([GLOBAL], missing) == ("",)


def test_a_place_in_a_list_and_a_key_that_is_no_name():
    for held, name in (
        ([y, x], "ws.1"),
        ((x,), "ws.0"),
        ({"W_Q": x}, "W_Q"),
        ({"W Q": x}, "ws.W Q"),
        ({3: x}, "ws.3"),
        (Holder(x), "w"),
        ([y] * (MOST - 1) + [x], f"ws.{MOST - 1}"),
        ([y] * MOST + [x], ""),
        ({**dict.fromkeys(range(MOST - 1)), "last": x}, "last"),
        ({**dict.fromkeys(range(MOST)), "last": x}, ""),
    ):
        assert names_of([x], [(("ws",), held)]) == (name,)
    assert MOST == 100


def test_a_result_has_no_name_for_its_place():
    z = Tensor([1.0], requires_grad=True) * 2.0
    assert names_of([z], [(("zs",), [z])]) == ("",)
    assert names_of([z], [(("h", "w"), Holder(z))]) == ("w",)


def test_a_module_is_not_looked_through():
    module = ModuleType("module")
    module.weight = x
    assert names_of([x], [(("module",), module)]) == ("",)
    assert names_of([x], [(("module", "weight"), module)]) == ("weight",)


def test_comprehensions_of_every_kind():
    w = y
    assert [called(v, w) for v in [*(x, GLOBAL)]] == [("x", "w"), ("GLOBAL", "w")]
    both = x, y
    assert [called(v) for v in both] == [("v",), ("v",)]
    a = x
    assert [called(v, w) for v in (a,)] == [("a", "w")]
    assert {called(v, w) for v in (a,)} == {("a", "w")}
    assert {called(v, w): 1 for v in (a,)} == {("a", "w"): 1}
    assert tuple(called(v, w) for v in (a,)) == (("a", "w"),)
    assert [[called(v, w) for v in (a,)] for _ in (1,)] == [[("a", "w")]]
    later = (called(v, w, GLOBAL) for v in (a,))
    assert next(later) == ("v", "w", "GLOBAL")
    v = y
    assert [called(v) for v in [Tensor([4.0])]] == [("v",)]
    assert v is y


def test_the_caller_has_no_say_in_a_function():
    def inner(hidden):
        return called(hidden[0]) if hidden else only_outside  # noqa: F821

    only_outside = x
    del only_outside
    caller = {"inner": inner, "only_outside": x}
    exec("found = inner([only_outside])", caller)
    assert caller["found"] == ("hidden.0",)


def test_without_source_all_variables_are_looked_at():
    found = {"called": called, "GLOBAL": GLOBAL, "x": x}
    program = """
def function(a, b):
    c = b
    def inner():
        return called(a, b, GLOBAL)
    return called(c, a, x, GLOBAL), inner()
"""
    exec(program, found)
    local, inner = found["function"](Tensor([1.0]), y)
    assert local == ("b", "a", "x", "GLOBAL")
    assert inner == ("a", "b", "GLOBAL")


def test_code_that_a_program_makes_is_not_kept_for_ever():
    frame = sys._getframe()
    key = id(frame.f_code), frame.f_lasti
    for i in range(10_001):
        variables._paths[i, 0] = frame.f_code, ()
    a = x
    assert called(a) == ("a",)
    assert len(variables._paths) < 100
    assert key not in variables._paths
