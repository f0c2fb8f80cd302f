"""What users call stays: public_names.txt has every public name and parameter.

A name that comes is added there; one that goes breaks somebody's program.
"""

from __future__ import annotations

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest
from stubs import PACKAGE, STUBS, stub

import tinygrad_attn

HERE = Path(__file__).resolve().parent
TEXT = (HERE / "public_names.txt").read_text(encoding="utf-8").replace("\n    ", " ")
NAMES = {
    owner: names.split() for owner, names in re.findall(r"^([\w.]+): (.*)$", TEXT, re.M)
}
CALLS = {
    name: parameters.split(", ")
    for name, parameters in re.findall(r"^([\w.]+)\((.*)\)$", TEXT, re.M)
}


def find(dotted):
    """What `import` and attributes find under a dotted name."""
    top, *rest = dotted.split(".")
    found = import_module(top)
    for name in rest:
        if not hasattr(found, name):
            import_module(f"{found.__name__}.{name}")
        found = getattr(found, name)
    return found


@pytest.mark.parametrize("owner", NAMES)
def test_every_public_name_is_there(owner):
    found = find(owner)
    slots = {
        name
        for kind in getattr(found, "__mro__", ())
        for name in (*vars(kind), *vars(kind).get("__annotations__", ()))
    }
    assert [n for n in NAMES[owner] if not hasattr(found, n) and n not in slots] == []


def test_every_parameter_is_there():
    gone = {
        name: missing
        for name, listed in CALLS.items()
        if (missing := set(listed) - set(inspect.signature(find(name)).parameters))
    }
    assert gone == {}


def test_what_the_package_offers_is_listed():
    assert sorted(tinygrad_attn.__all__) == sorted(
        {*NAMES["tinygrad_attn"], "graph", "nn"}
    )
    assert set(tinygrad_attn.__all__) <= set(dir(tinygrad_attn))
    with pytest.raises(AttributeError, match="tinygrad_attn has no 'nothing'"):
        _ = tinygrad_attn.nothing
    with pytest.raises(ImportError, match="cannot import name 'nothing'"):
        from tinygrad_attn import nothing  # noqa: F401


@pytest.mark.parametrize("name", STUBS)
def test_type_checkers_are_told_the_same(name):
    """`python tests/stubs.py` writes them."""
    written = (PACKAGE / f"{name}.pyi").read_text(encoding="utf-8")
    assert ast.dump(ast.parse(written)) == ast.dump(ast.parse(stub(name)))
