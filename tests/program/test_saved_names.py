"""A saved text uses names itself: words of its language, functions, loops, memory. None
of them is taken from a model, whatever its parameters and inputs are called.

The names are collected from the texts of programs that need much. Then programs whose
inputs, or parameters, are called all that must compute what the functions do.
"""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import symtable
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from conftest import needs_cc, needs_numpy
from in_node import NODE

import nn
from tinygrad_attn import Tensor, manual_seed, randint, randn, use_backend, where, write
from tinygrad_attn.functional import cross_entropy, dropout, gelu
from tinygrad_attn.program import compiling, saving
from tinygrad_attn.program.naming import FAMILIES, RESERVED
from tinygrad_attn.program.writers import (
    c_products,
    c_words,
    javascript_words,
    numpy_blocks,
    numpy_text,
    numpy_words,
    python_words,
)

pytestmark = needs_numpy
needs_node = pytest.mark.skipif(NODE is None, reason="needs Node.js")
SUFFIX = {"numpy": ".py", "python": ".py", "c": ".c", "javascript": ".js"}


@pytest.fixture(autouse=True)
def on_numpy():
    with use_backend("numpy", "float64"):
        manual_seed(0)
        yield


class Rich(nn.Module):
    """Has what makes a text bring something along. Beside it `own` parameters."""

    def __init__(self, own=(), drop=0.0):
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=drop)
        self.last = nn.Linear(8, 4)
        self.drop = drop
        self.own = [name for name in own if not hasattr(self, name)]
        for name in self.own:
            setattr(self, name, nn.Parameter(randn(8) * 0.1))

    def loss(self, x, labels, *others):
        others = [*others, *(getattr(self, name) for name in self.own)]
        for k, other in enumerate(others):
            x = x + other * (1 + k % 7)
        x = (x * 0.1).tanh()
        z = where(x > 0.5, 0.0, gelu(self.layer(x)))
        z = z + dropout(z, self.drop) ** 3.0 + (1.0 / (z * z + 1.0)).sqrt().log()
        z = z + z.max(axis=-1, keepdims=True) + z.sum(axis=0, keepdims=True)
        z = z[:, ::-1] + z[[1, 0]]
        return cross_entropy(self.last(z).reshape(-1, 4), labels)


def rich(target: str, model: Rich, others: Sequence[str] = ()) -> Any:
    """A step of training, with some inputs more, and what it is given."""
    x, labels = randn(2, 5, 8), randint(0, 4, (10,))
    more = {name: randn(8) * 0.1 for name in others}
    given = {"x0": x, "labels0": labels} | more
    adam = nn.optim.AdamW(model.parameters(), lr=0.1)
    language = "numpy" if target == "c" else target
    step = write(model.loss, given, update=adam, clip=1.0, target=language)
    return step, [*given.values()]


def saved(step: Any, folder: Path, target: str, stem: str = "step") -> str:
    """The text of a saved file."""
    path = folder / f"{stem}{SUFFIX[target]}"
    step.save(path)
    return path.read_text(encoding="utf-8")


def demanding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes texts as for large programs."""
    monkeypatch.setattr(numpy_text, "ENOUGH", 0)
    for module in (numpy_text, numpy_blocks):
        monkeypatch.setattr(module, "BLOCK", 8)


@cache
def words() -> tuple[str, ...]:
    """All that texts call anything, in any language."""
    import tempfile

    texts, own = [c_words.HEAD, c_products.GEMM], set[str]()
    for module in (numpy_words, python_words, javascript_words):
        texts += module.HELPERS.values()
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        for many in (False, True):
            if many:
                patch.setattr(saving, "MOST", 1)
                demanding(patch)
            for target in SUFFIX:
                step, _ = rich(target, Rich(drop=0.1))
                texts.append(saved(step, Path(name), target))
                own |= step.program.namer.taken - RESERVED
    found = re.findall(r"(?<![\w.])[A-Za-z]\w*", "\n".join(map(bare, texts)))
    derived = re.compile(r"\w+_\w+_\w+|\w+_(rows|columns|i|is|part)|[a-z]+(\d\d|[2-9])")
    found = [w for w in found if w not in own and not derived.fullmatch(w)]
    return tuple(sorted({*found, "__proto__", "x_at", "memory_of_float64_at"}))


def bare(text: str) -> str:
    """A text without its comments and strings."""
    text = re.sub(r'"""[\w\W]*?"""|/\*[\w\W]*?\*/', "", text)
    return re.sub(r'#[^\n]*|//[^\n]*|"[^"\n]*"|\'[^\'\n]*\'', "", text)


# --- what a text uses is known --------------------------------------------------------


@pytest.mark.parametrize("many", [False, True], ids=["few", "many"])
@pytest.mark.parametrize("target", ["numpy", "python"])
def test_all_that_python_uses_is_reserved(target, many, tmp_path, monkeypatch):
    """What a module defines, what its functions find outside themselves, and what a
    step in NumPy assigns: either the program's own or reserved."""
    if many:
        monkeypatch.setattr(saving, "MOST", 1)
        demanding(monkeypatch)
    step, _ = rich(target, Rich(drop=0.1))
    text = saved(step, tmp_path, target)
    module = symtable.symtable(text, "step.py", "exec")
    used = {s.get_name() for s in module.get_symbols()}
    for function in functions_in(module):
        symbols = function.get_symbols()
        used |= {s.get_name() for s in symbols if s.is_global()}
        if function.get_name() == "step" and target == "numpy":
            used |= {s.get_name() for s in symbols if s.is_assigned()}
    found = used - step.program.namer.taken - {"__file__"}
    freed = re.compile(
        r"(products?|inner|linear|order)(_\d+)*|\w+_at"
    )  # if nobody has it
    known = (FAMILIES, freed)
    assert {w for w in found if not any(k.fullmatch(w) for k in known)} == set()


def functions_in(table: symtable.SymbolTable) -> list[symtable.SymbolTable]:
    inside = [*table.get_children()]
    return [f for child in inside for f in (child, *functions_in(child))]


@needs_cc
def test_all_macros_are_reserved(tmp_path):
    """Those of the headers that a saved program includes: what a macro replaces can be
    nobody's name."""
    headers = ("math.h", "stdio.h", "string.h")
    (tmp_path / "all.c").write_text("".join(f"#include <{h}>\n" for h in headers))
    command = [*compiling.some_compiler(), "-dM", "-E", "all.c"]
    found = re.findall(r"#define ([A-Za-z]\w*) (.*)", done(command, tmp_path))
    macros = {name for name, meaning in found if meaning != name}
    assert {name for name in macros - RESERVED if not FAMILIES.match(name)} == set()


# --- running a saved file -------------------------------------------------------------


def run_python(path: Path, arrays: list[Any], numbers: list[float]) -> float:
    (loss,) = runpy.run_path(str(path))["step"](*arrays, *numbers)
    return float(loss)


def run_numpy(path: Path, given: list[Tensor], numbers: list[float]) -> float:
    return run_python(path, [t.array for t in given], numbers)


def run_plain(path: Path, given: list[Tensor], numbers: list[float]) -> float:
    return run_python(path, [t.reshape(-1).tolist() for t in given], numbers)


def run_c(path: Path, given: list[Tensor], numbers: list[float]) -> float:
    arrays, names = [], []
    for k, t in enumerate(given):
        kind = c_words.TYPES[t.dtype]
        flat = ", ".join(map(repr, t.reshape(-1).tolist()))
        arrays.append(f"static {kind} given_to_main_{k}[] = {{{flat}}};")
        names.append(f"given_to_main_{k}")
    beside = f"{path.name}.numbers"
    load = f'"{beside}"' if path.with_name(beside).exists() else ""
    call = ", ".join([*names, *map(repr, numbers), "&loss_of_main"])
    main = [
        f'#include "{path.name}"',
        *arrays,
        "int main(void) {",
        f"  double loss_of_main; if (load({load})) return 1;",
        f"  if (run({call})) return 2;",
        '  printf("%.17g", loss_of_main); return 0;',
        "}",
    ]
    (path.parent / "main.c").write_text("\n".join(main))
    command = [*compiling.some_compiler(), "-O1", "main.c", "-o", "main", "-lm"]
    done(command, path.parent)
    return float(done(["./main"], path.parent))


def run_javascript(path: Path, given: list[Tensor], numbers: list[float]) -> float:
    found = re.search(r"program\.step\(\{ (.*?) \}\)", joined(path.read_text()))
    assert found
    names = [pair.partition(":")[0] for pair in found[1].split(", ")]
    flat = [t.reshape(-1).tolist() for t in given] + numbers
    code = (
        f"const m = require({json.dumps(str(path))});\n"
        f"const given = Object.fromEntries({json.dumps([*zip(names, flat)])});\n"
        "console.log(m.createProgram(m.numbers).step(given).loss);"
    )
    return float(done([NODE, "-e", code], path.parent))


def joined(text: str) -> str:
    """A text in one line, without the signs of its comments."""
    return re.sub(r"\n// +", " ", text)


def done(command: list[Any], folder: Path) -> str:
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr[:2000] + found.stdout[:2000]
    return found.stdout


RUN = {
    "numpy": run_numpy,
    "python": run_plain,
    "c": run_c,
    "javascript": run_javascript,
}


@pytest.mark.parametrize(
    ("target", "many"),
    [
        pytest.param("numpy", False, id="numpy"),
        pytest.param("numpy", True, id="numpy, many numbers"),
        pytest.param("python", True, id="python"),
        pytest.param("c", True, id="c", marks=needs_cc),
        pytest.param("javascript", False, id="javascript", marks=needs_node),
    ],
)
@pytest.mark.parametrize("where", ["inputs", "parameters"])
def test_whatever_things_are_called(where, target, many, tmp_path, monkeypatch):
    own = words()
    if many:
        monkeypatch.setattr(saving, "MOST", 1)
        demanding(monkeypatch)
    inside = where == "parameters"
    model = Rich(own if inside else ())
    step, given = rich(target, model, () if inside else own)
    saved(step, tmp_path, target)
    numbers = [
        {"lr": 0.1, "weight_decay": 0.01, "clip": 1.0}.get(b.name, 1.0)
        for b in step.program.scalars
    ]
    path = tmp_path / f"step{SUFFIX[target]}"
    want = model.loss(*given).item()
    assert RUN[target](path, given, numbers) == pytest.approx(want, rel=1e-9)


@needs_numpy
def test_what_is_called_as_a_word_of_javascript_is_given_so(tmp_path):
    """An object may have any name but one."""
    names = {"new": randn(2), "__proto__": randn(2), "constructor": randn(2)}

    def total(new, proto, constructor):
        return (new * proto + constructor).sum()

    step = write(total, names, target="javascript")
    text = joined(saved(step, tmp_path, "javascript"))
    assert "program.step({ new: new_2, proto, constructor })" in text
    assert "takes new (2,), proto (2,) and constructor (2,)," in text
