"""The house: every module has a numbered place, and imports point down.

A reader who opens a file needs only what stands below it. So no import leads up and
none in a circle, be it at the top of a file, inside a function, or for the type checker
only. Each folder is a room, and its `__init__` says what it teaches.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT

from benchmarks import hops
from tinygrad_attn.rules import (
    activations,
    comparisons,
    composites,
    movement,
    primitives,
)
from tinygrad_attn.rules.operation import Op

# From the ground up: a module may import those that stand before it. Modules of the
# engine go without `tinygrad_attn.` in front; a folder's own name is its `__init__`.
ORDER = """
    floats errors owners switching context printing wiring devices
        whole_file docstrings
    by_hand scalar
    arrays arrays.dtypes arrays.precision arrays.shapes arrays.batches arrays.mixed
        arrays.reading arrays.array arrays.python
        arrays.values arrays.numpy arrays.backends
    rules rules.operation rules.primitives rules.comparisons rules.movement
        rules.activations rules.composites
    autograd autograd.source autograd.variables autograd.lines autograd.debugging
        autograd.recording autograd.walk autograd.differentiate
    functions functions.spelling functions.operands functions.elementwise
        functions.movement functions.places functions.indexing
        functions.reductions functions.products
        functions.shaping
        functions.activations functions.layers functions.attention functions.losses
        functions.own_rules functions.aliases functions.updates functions.setting
        functions.numpys
    torch_names torch_names.instead torch_names.keywords
        torch_names.rounding torch_names.reducing
        torch_names.repeating torch_names.sorting torch_names.arithmetic
        torch_names.moving torch_names.picking torch_names.objectives
        torch_names.methods
    copies ops as_object tensor creation
        torch_names.making torch_names.distributions torch_names.own_function
        torch_names.package functional check_gradients utils.data utils
    graph.check graph.data graph.order graph.roles graph.trace graph.noise graph.names
        graph.notation graph.notation.formulas graph.notation.tidy
        graph.levels graph.levels.opening graph.levels.single_numbers
        graph.levels.value_graph graph.levels.fold
        graph.parts graph.parts.slices graph.parts.cutting graph.parts.blocks
        graph.parts.head graph.parts.focus graph.unfold graph.inside
        graph.explaining graph.explaining.differences graph.explaining.explanation
        graph.explaining.explain graph
    program program.anatomy program.traced program.tape program.namespace
        program.drafting program.updating program.arranging program.naming
        program.listing program.wording program.saying program.loops
        program.fusing program.nesting
        program.signs program.memory program.writers program.writers.preface
        program.writers.numpy_words
        program.writers.numpy_blocks program.writers.numpy_choices
        program.writers.numpy_text
        program.writers.dialect
        program.writers.bodies program.writers.c_words
        program.writers.c_products program.writers.c_tiles program.writers.c_blocks
        program.writers.c_rows program.writers.c_lanes
        program.writers.c_text
        program.writers.javascript_words program.writers.javascript_products
        program.writers.javascript_frame program.writers.javascript_text
        program.writers.python_layout program.writers.python_words
        program.writers.python_lists program.writers.python_matrices
        program.writers.python_storing program.writers.python_maps
        program.writers.python_steps program.writers.python_text
        program.compiling program.blas program.machines program.python_machine
        program.keys
        program.proving program.sharing program.files program.saving_c program.saving
        program.running program.write
        program.compiled program.living
    pictures
        pictures.look pictures.look.colours pictures.look.looks pictures.look.theme
        pictures.look.pages pictures.look.text
        pictures.look.paths pictures.look.showing pictures.look.grids
        pictures.sheets pictures.sheets.sheet pictures.sheets.labels
        pictures.sheets.merging
        pictures.sheets.stages pictures.sheets.frames pictures.sheets.scales
        pictures.sheets.tensors pictures.sheets.repeats pictures.sheets.boxes
        pictures.sheets.numbers pictures.sheets.expressions pictures.sheets.runs
        pictures.sheets.lists pictures.sheets.folding pictures.sheets.reuse
        pictures.sheets.closing pictures.sheets.glance
        pictures.layout pictures.layout.pieces pictures.layout.ranks
        pictures.layout.following
        pictures.layout.layers pictures.layout.narrow pictures.layout.ordering
        pictures.layout.straight pictures.layout.springs pictures.layout.coordinates
        pictures.layout.rows pictures.layout.routes pictures.layout.steps
        pictures.layout.breaking pictures.layout.wrapping
        pictures.layout.squeezing
        pictures.writing pictures.writing.framing pictures.writing.captions
        pictures.writing.geometry pictures.writing.cells
        pictures.writing.narrow_cards pictures.writing.placing
        pictures.writing.fitting
        pictures.writing.svg pictures.writing.dot_captions pictures.writing.dot_rows
        pictures.writing.dot pictures.writing.graphviz
        pictures.drawing pictures.history
        pictures.page pictures.page.sizes pictures.page.sums pictures.page.summary
        pictures.page.neighbours pictures.page.views
        pictures.page.attending pictures.page.plain_numbers pictures.page.switches
        pictures.page.live pictures.page.moments
        pictures.page.playable pictures.page.tour pictures.page.script
        pictures.page.operations
        pictures.page.assemble
        pictures.heads pictures.heads.given pictures.heads.panels pictures.heads.curves
        pictures.heads.overview pictures.heads.explore pictures.heads.picture
        pictures.heads.draw_attention
        pictures.draw pictures.play pictures.notebook
    tinygrad_attn.nn tinygrad_attn
    nn.parameter nn.tree nn.moves nn.hooks nn.modes nn.state nn.module nn.containers
        nn.init nn.layers nn.stateless
    nn.transformer nn.transformer.tokens nn.transformer.positions nn.transformer.masks
        nn.transformer.cache nn.transformer.multi_head nn.transformer.shared
        nn.transformer.encoder nn.transformer.decoder nn.transformer.seq2seq
        nn.transformer.decoding
    nn.optim.groups nn.optim.joining nn.optim.states nn.optim.base nn.optim.optimizers
        nn.optim.clipping nn.optim.schedules nn.optim.lr_scheduler nn.optim
    nn.looking nn.looking.attention_maps nn.looking.gradients nn.looking.counting
    nn.testing nn.tensor_file nn.foreign nn.checkpoint nn.saved nn.convert nn.pytorch
        nn.utils nn
    __main__
"""
# Where an import may lead up all the same, and why. (There is none: what a low file
# needs from above, wiring.py holds and `tinygrad_attn/__init__.py` fills in; and
# `tinygrad_attn.nn` is a lazy name there, of the folder nn/.)
EXCEPTIONS: dict[tuple[str, str], str] = {}


def short(full: str) -> str:
    """A module's name as ORDER has it."""
    return full if full == "tinygrad_attn.nn" else full.removeprefix("tinygrad_attn.")


def modules() -> dict[str, Path]:
    """The name of every module, as ORDER has it → its file."""
    found = {}
    for top in ("tinygrad_attn", "nn"):
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            full = ".".join(parts)
            found[short(full)] = path
    return found


MODULES = modules()
PLACES = {name: place for place, name in enumerate(ORDER.split())}


def imports(name: str) -> set[str]:
    """The modules that a module imports, wherever in it, however late, and be it for
    the type checker only; also those it names to `import_module`."""
    path = MODULES[name]
    full = (
        name
        if name.split(".")[0] in ("nn", "tinygrad_attn")
        else f"tinygrad_attn.{name}"
    )
    here = full.split(".")[: None if path.name == "__init__.py" else -1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            start = here[: len(here) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            found |= {module_of(f"{base}.{a.name}") for a in node.names}
        elif isinstance(node, ast.Import):
            found |= {module_of(a.name) for a in node.names}
        elif isinstance(node, ast.Call) and "import_module" in ast.unparse(node.func):
            found |= {module_of(v.value) for v in node.args if is_text(v)}
    return found - {"", name}


def is_text(node: ast.expr) -> bool:
    """Whether an expression is a text written out."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def is_folder(name: str) -> bool:
    """Whether a module is a folder's `__init__`."""
    return MODULES[name].name == "__init__.py"


def module_of(full: str) -> str:
    """The module that a dotted name is, or is in; "" outside this house."""
    while full:
        if short(full) in MODULES:
            return short(full)
        full = full.rpartition(".")[0]
    return ""


def test_every_module_has_a_place_and_every_place_a_module():
    assert sorted(MODULES) == sorted(PLACES)
    assert [n for n, times in Counter(ORDER.split()).items() if times > 1] == []


def test_imports_point_down():
    up = {
        (name, m) for name in MODULES for m in imports(name) if PLACES[m] > PLACES[name]
    }
    assert up == set(EXCEPTIONS)


def test_one_name_means_one_module():
    """Rules, the functions that call them, and the modules that call those may bear the
    same name; and what PyTorch calls so (torch.nn.utils, torch.utils.data).
    Nothing else may."""
    stems = Counter(name.rpartition(".")[2] for name in MODULES if name != "nn")
    twice = {stem for stem, times in stems.items() if times > 1}
    assert twice <= {"movement", "activations", "layers", "utils", "data"}


@pytest.mark.parametrize("name", [n for n in MODULES if is_folder(n)])
def test_every_folder_lists_its_files(name):
    """Its `__init__` says in which order to read them, so none may be missing."""
    folder = MODULES[name].parent
    text = ast.get_docstring(ast.parse(MODULES[name].read_text(encoding="utf-8"))) or ""
    files = {p.name for p in folder.glob("*.py") if p.name != "__init__.py"}
    rooms = {p.parent.name for p in folder.glob("*/__init__.py")}
    if folder.name == "tinygrad_attn":  # README.md lists them
        text += (ROOT / "README.md").read_text(encoding="utf-8")
        files = rooms = set()
    assert {f for f in files if f not in text} == set()
    assert {r for r in rooms if f"{r}/" not in text} == set()


OPERATIONS = {
    op.name
    for rules in (activations, comparisons, composites, movement, primitives)
    for op in vars(rules).values()
    if isinstance(op, Op)
}


@pytest.mark.parametrize("room", ["graph", "pictures", "nn/looking", "autograd"])
def test_no_list_of_operations_is_left_outside_the_rules(room):
    """They ask an operation what it is. So none is compared by its name, and nowhere
    stand several names together."""
    folder = ROOT / (room if room.startswith("nn") else f"tinygrad_attn/{room}")
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            sides: list[ast.expr] = []
            if isinstance(node, ast.Compare):
                sides = [node.left, *node.comparators]
            asked = [s.attr for s in sides if isinstance(s, ast.Attribute)]
            assert not ({"op", "name"} & {*asked} and named(sides)), (path, node.lineno)
            if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
                assert len(named(node.elts)) < 2, (path, node.lineno)
            if isinstance(node, ast.Dict):
                keys = [key for key in node.keys if key is not None]
                assert len(named(keys)) < 2, (path, node.lineno)
    for path in folder.rglob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\.op\s*[=!]==", text), path


def named(nodes: list[ast.expr]) -> set[str]:
    """The operations whose names are written out in some expressions."""
    inner = [v for node in nodes for v in ast.walk(node)]
    return {v.value for v in inner if is_text(v)} & OPERATIONS


def test_value_alone_loads_chapter_1_alone():
    code = (
        "import sys; from tinygrad_attn import Value\n"
        "print(sum(m.startswith(('tinygrad_attn', 'nn')) for m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert int(done.stdout) <= 10, done.stderr


def test_a_step_stays_on_few_pages():
    """Before there were rooms x @ w changed the file 27 times, and the step 136 times
    (benchmarks/hops.py)."""
    changes = {line: hops.count(run).changes for line, run in hops.programs().items()}
    assert changes["x @ w"] <= 27 // 2
    assert changes["(x @ w).sum().backward()"] <= 136 // 2
