"""Names: what the program calls its buffers and views.

They are the model's own. An input has the name that the caller gave it; a parameter its
path (`tokens_weight`); a result the variable that it was assigned to (`q`, `scores`),
as in the pictures; a step inside a rule the rule's variable (`energies`). What is sent
back to x is `d_x`. A word that a language has itself becomes another (NOUNS).

Equal names are numbered, in three rounds: first the tensors, which have the numbers
that they have in the pictures, then their gradients, then what stands inside of rules;
each round in the order of the lines.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable
from typing import Any
from unicodedata import normalize

from ..arrays.shapes import Shape
from ..autograd.lines import SourceLine
from ..graph.names import Names, name_at
from ..graph.trace import Trace, history, inputs_of
from ..tensor import Tensor
from .anatomy import Buffer, Check, Step, View
from .drafting import Draft

# What a program uses itself: words of its languages, and its own functions.
WORDS = """
    np math step self once differentiate update check_range check_true check_finite
    check_given erf where keep drop add_many add_rows aligned rows rows_of s m p
    use_library sgemm dgemm linux unix MAXFLOAT NAN INFINITY auto break case char
    const continue default do double else enum extern float for goto if int long
    register return short signed sizeof static struct switch typedef union unsigned
    void volatile while inline main var let function new delete typeof instanceof in
    of this null true false undefined NaN Infinity Math export import exp log sqrt sin
    cos tanh pow log1p abs max min sum arguments catch debugger eval extends finally
    implements interface package private protected public super throw undefined Array
    Error Float32Array Float64Array Number Object RangeError Set String TypeError
    Uint8Array createProgram program given numbers notLoaded makeTensor sizeOf memory
    flatNumbers putNumbers loadNumbers takeGiven takeNumber readTensor erfSeries power
    whole spelled inf nan isnan times itemgetter sumprod any all bool map zip iter
    range isinstance len largest largest_at larger over put IndexError ValueError
    RuntimeError ArithmeticError OverflowError ZeroDivisionError
    load_numbers base64 pathlib struct globals hasattr enumerate arenas wrong memcpy
    load run NULL EOF BUFSIZ at restrict asm nullptr constexpr thread_local alignas
    alignof static_assert typeof_unqual bool math_errhandling floor_divide floor_over
    floor_divide_whole floorDivide put_rows fmod floor
"""
RESERVED = frozenset(keyword.kwlist).union(WORDS.split())
# What is named after a function. (`exp_2`, the second one, would read as 2ˣ.)
NOUNS = {
    "abs": "size",
    "cos": "cosines",
    "exp": "exps",
    "log": "logs",
    "log1p": "logs",
    "max": "highest",
    "pow": "raised",
    "sin": "sines",
    "sqrt": "root",
    "sum": "total",
}
# Names of many: the arenas and the loops in C, NumPy's memory, the macros of math.h and
# stdio.h.
FAMILIES = re.compile(
    r"(m|loop_)\d+|memory_of_\w+|(M|FP|HUGE|MATH|L|P|SEEK|TMP|FOPEN|FILENAME)_\w+"
)


class Namer:
    """Gives each buffer a name, once, and knows names for views."""

    def __init__(self) -> None:
        self.taken: set[str] = set(RESERVED)
        self.views: dict[Any, str] = {}
        self.called: dict[Any, str] = {}  # views that have their buffer's name
        self.given: dict[Buffer, str] = {}  # the arguments that bring its numbers
        self.told: set[Buffer] = set()  # those of tensors and their gradients

    def free(self, wish: str) -> str:
        """The name itself, or with a number."""
        wish = normalize("NFKC", wish)  # as Python reads names
        plain = "".join(c if f"a{c}".isidentifier() else "_" for c in wish)
        plain = plain.strip("_") or "x"
        plain = plain if plain[0].isidentifier() else f"_{plain}"
        family = FAMILIES.fullmatch(plain) or FAMILIES.fullmatch(f"{plain}_2")
        return unused(f"own_{plain}" if family else noun(plain), self.taken)

    def name(self, buffer: Buffer, wish: str) -> None:
        if not buffer.name:
            buffer.name = self.free(wish)

    def view(self, view: View, wish: str) -> None:
        """A name for a view, if it is not all of its buffer as it was made, but for
        axes of size 1."""
        buffer = view.buffer
        same = view.shape == buffer.shape
        alike = same or (not buffer.name and longer(view.shape) == longer(buffer.shape))
        if view.whole and alike:
            self.told.add(buffer)
            self.name(buffer, wish)
            if not same:
                self.called[view.key] = buffer.name
            return
        if view.key not in self.views and view.key not in self.called:
            self.views[view.key] = self.free(wish)


def unused(wish: str, taken: set[str]) -> str:
    """The name itself, or with a number; from now on it is taken."""
    name, count = wish, 1
    while name in taken:
        count += 1
        name = f"{wish}_{count}"
    taken.add(name)
    return name


def noun(wish: str) -> str:
    """The same name, with a noun for a function: `d_sum` is `d_total`."""
    found = re.fullmatch(r"(d_)?([a-z]\w*?)(_\d+)?", wish)
    if found is None or found[2] not in NOUNS:
        return wish
    return f"{found[1] or ''}{NOUNS[found[2]]}{found[3] or ''}"


def longer(shape: Shape) -> Shape:
    """A shape without axes of size 1."""
    return tuple(n for n in shape if n != 1)


def name_all(draft: Draft, steps: list[Step]) -> Namer:
    """Names all buffers that the steps use, and those that are returned."""
    namer = Namer()
    used: dict[Buffer, None] = {}
    views = [view for step in steps for view in (step.out, *step.reads())]
    for view in (*views, *(t.array for t in draft.outputs)):
        buffer: Buffer | None = view.buffer
        while buffer is not None:
            used.setdefault(buffer)
            buffer = buffer.home[0] if buffer.home else None
    # those that have a name keep it; the caller's own above all
    for buffer in sorted(used, key=lambda b: b.role != "input"):
        if buffer.name:
            buffer.name = namer.free(buffer.name)
    names = tensor_names(draft)
    for leaf, array in draft.tape.leaves.values():
        path = names.get(id(leaf), "")
        namer.name(array.buffer, path or array.buffer.role)
    for t, name in named_tensors(draft, names):
        namer.view(t.array, name)
    for node, g in draft.reached.items():
        if id(node) in names:
            namer.view(g, f"d_{names[id(node)]}")
    known: dict[tuple[tuple[Any, int], ...], str] = {}  # by the lines: layers repeat
    for step in steps:
        if not isinstance(step, Check) and not step.out.buffer.name:
            lines = (*step.lines,)
            if lines not in known:
                known[lines] = name_in_rule(step.lines)
            own = getattr(step, "function", type(step).__name__.lower())
            namer.name(step.out.buffer, known[lines] or own)
    gradients = {g.buffer for g in draft.gradients.values()}
    wholes: dict[Buffer, str] = {}  # what several lie in, end to end
    for b in used:
        if b.home is not None and wholes.get(b.home[0]) != "gradients":
            wholes[b.home[0]] = "gradients" if b in gradients else "joined"
    for buffer in used:
        namer.name(buffer, wholes.get(buffer, buffer.role))
    return namer


def tensor_names(draft: Draft) -> dict[int, str]:
    """id of a recorded tensor, or of a leaf → its name, as in the pictures."""
    roots = [t for t in draft.outputs if t._inputs]
    if not roots:
        return {}
    trace = Trace(roots, [])
    trace.origin = {t: t for t in history(roots)}
    names = Names(trace)
    found = {id(t): name for t, name in names.of(trace).items()}
    users: dict[int, list[Tensor]] = {}
    for t in history(roots):
        for x in inputs_of(t):
            users.setdefault(id(x), []).append(t)
    for t in history(roots):
        if t._op is not None and re.fullmatch(rf"{t._op.name}(_\d+)?", found[id(t)]):
            found[id(t)] = better(t, found, users) or found[id(t)]
    return found | {id(t): path for t, path in names.parameters.items()}


def better(t: Tensor, names: dict[int, str], users: dict[int, list[Tensor]]) -> str:
    """A name for what the program calls nothing: that of what it turns; or what the
    line calls it that uses it, be it in a layer."""
    axes = t._params.get("axes", ())
    last = len(axes) - 1
    if last > 0 and axes == (*range(last - 1), last, last - 1):
        return f"{names[id(inputs_of(t)[0])]}_T"
    return next((n for user in users.get(id(t), ()) if (n := name_at(t, user))), "")


def named_tensors(draft: Draft, names: dict[int, str]) -> list[tuple[Tensor, str]]:
    """The recorded tensors whose arrays are names, in the order of computing."""
    return [
        (t, names[id(t)])
        for t in history([t for t in draft.outputs if t._inputs])
        if t._op is not None and t._op.kind != "check" and isinstance(t.array, View)
    ]


def name_in_rule(lines: Iterable[tuple[Any, int]]) -> str:
    """The variable of the rule that a step is assigned to. What a function returns is
    what its caller assigns; if that is a part of something larger, it has the
    function's name, `mean`. "" if there is none."""
    name = ""
    for code, instruction in lines:
        line = SourceLine(code, instruction)
        if target := line.target:
            turned = re.fullmatch(r"d([a-z_]*)", target)
            return f"d_{turned[1].strip('_')}" if turned and turned[1] else target
        if not line.returns:
            break
        name = code.co_name
    return "" if name.endswith(("forward", "vjp", "update")) else name
