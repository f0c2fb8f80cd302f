"""The preface, at the head of a text: how it is used, and how it is read."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from keyword import iskeyword

from ..anatomy import Buffer
from ..listing import Program

WIDTH = 84
MANY = 4  # results that a call names one by one
READING = """
Beside a line stand a shape and what the line computes; ∂Q is short for ∂loss/∂Q. A line
without a formula is a stage on the way to the next that has one. `+=` is one of several
contributions: the first is stored, the next are added on a line of their own."""
ABOVE = (
    """Above a call, which may walk through several parts, stand shapes and what it"""
)
RATES = {
    "lr": "the learning rate",
    "weight_decay": "the weight decay",
    "clip": "the bound for the norm of all gradients",
}


def preface(program: Program, language: str, module: str = "step") -> list[str]:
    """The lines: a title, a call, what is given, what lasts, how to read on.

    Args:
        language: "python", "numpy", "c" or "javascript".
        module: what the file is called, without its suffix.
    """
    said = [given_of(program, language), scalars_of(program), lasting_of(program)]
    gradients = [] if program.parts or not program.draft.trains else program.results
    if gradients:
        names = ", ".join(program.gradient_names)
        said.append(f"The gradients are those of {names}, in this order.")
    paragraph = textwrap.wrap(" ".join(filter(None, said)), WIDTH)
    reading = READING.strip()
    if language == "c":
        reading = reading.replace(
            "Beside a line stand a shape and what the line", ABOVE
        )
    reading_lines = textwrap.wrap(reading, WIDTH)
    call = [f"    {line}".rstrip() for line in CALLS[language](program, module)]
    return [f"{program.title}.", "", *call, "", *paragraph, "", *reading_lines]


def inputs_of(program: Program) -> list[Buffer]:
    return [b for b in program.given if b.role == "input"]


def names_given(program: Program) -> dict[Buffer, str]:
    """What an object calls each input: by the caller's own name, also if that is a word
    of the language; but `__proto__` is no object's own."""
    return {
        a.buffer: a.buffer.name if name == "__proto__" else name
        for name, a in program.draft.inputs.items()
    }


def given_of(program: Program, language: str) -> str:
    """What the arrays are that a step is given."""
    kinds = {
        "python": "each a flat list of numbers, row by row",
        "numpy": "each an array",
        "c": "each as numbers side by side, row by row",
        "javascript": "each as numbers, flat or in rows",
    }
    names = names_given(program) if language == "javascript" else {}
    shapes = [f"{names.get(b, b.name)} {b.shape}" for b in inputs_of(program)]
    found = f"A step takes {listed(shapes)}, {kinds[language]}." if shapes else ""
    if randoms := [f"{b.name} {b.shape}" for b in program.given if b.role == "random"]:
        verb = "draws" if language == "javascript" else "takes"
        found += f" It {verb} random numbers from 0 to 1 as {listed(randoms)}."
    return found.strip()


def scalars_of(program: Program) -> str:
    """What the plain numbers are."""
    steps = counts(program)
    found = []
    for b in program.scalars:
        base = b.name.rstrip("0123456789").rstrip("_")
        what = "which step it is, from 1 on" if b in steps else RATES.get(base)
        found.append(f"{b.name}, {what or 'any'}")
    kind = "a plain number" if len(found) == 1 else "plain numbers"
    return f"It takes {kind}: {'; '.join(found)}." if found else ""


def lasting_of(program: Program) -> str:
    """What stays from one step to the next."""
    found = []
    for part in program.parts:
        slots = [b.name for b in part.slots.values()]
        if part.weights is not None:
            found.append(f"`{part.weights.name}` has all of them end to end")
        if slots:
            kind = type(part.optimizer).__name__
            found.append(f"{listed(slots)} {'are' if slots[1:] else 'is'} {kind}'s own")
    more = f" ({'; '.join(found)})" if found else ""
    return f"It moves the parameters{more}." if program.parts else ""


def counts(program: Program) -> list[Buffer]:
    """The scalars that count the steps."""
    return [part.step.buffer for part in program.parts]


def listed(names: Sequence[str]) -> str:
    """Names, the last with an "and"."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def results_of(program: Program) -> list[str]:
    """What a call's results may be called."""
    outputs = len(program.draft.outputs)
    names = ["loss" if program.draft.trains else "result"]
    names += [f"result_{i}" for i in range(2, outputs + 1)]
    more = len(program.results) - outputs
    return [*names, *[f"d_{name}" for name in program.gradient_names[:more]]]


def numbers_of(program: Program) -> list[tuple[str, float]]:
    """The plain numbers, as they are when the program is written."""
    steps = counts(program)
    return [(b.name, 1 if b in steps else b.value or 0.0) for b in program.scalars]


def python_call(program: Program, module: str) -> list[str]:
    results = results_of(program)
    left = ", ".join(results) + ("," if len(results) == 1 else "")
    left = f"({left})" if len(results) == 1 else left
    if len(results) > MANY:
        left = f"{results[0]}, *others"
    given = [*(b.name for b in program.given)]
    given += [f"{name}={value}" for name, value in numbers_of(program)]
    return [*imported(module), "", f"{left} = step({', '.join(given)})"]


def imported(module: str) -> list[str]:
    """How a file's `step` is had, by the file's name."""
    if module.isidentifier() and not iskeyword(module):
        return [f"from {module} import step"]
    return ["from runpy import run_path", f'step = run_path("{module}.py")["step"]']


def c_call(program: Program, module: str) -> list[str]:
    given = [b.name for b in program.given]
    given += [str(value) for _, value in numbers_of(program)]
    results = [
        f"&{r}" if not v.shape else r
        for r, v in zip(results_of(program), program.results)
    ]
    return [
        f"load();  // once, in a file that was saved ({module}.c, with -lm)",
        f"run({', '.join([*given, *results])});  // a step; 0 if all is well",
    ]


def javascript_call(program: Program, module: str) -> list[str]:
    given = [
        name if name == b.name else f"{name}: {b.name}"
        for b, name in names_given(program).items()
    ]
    given += [f"{name}: {value}" for name, value in numbers_of(program)]
    result = "loss" if program.draft.trains else "outputs"
    if not program.parts and program.draft.trains:
        result += ", gradients"
    return [
        "const program = createProgram(numbers);  // numbers: name → those of a tensor",
        f"const {{ {result} }} = program.step({{ {', '.join(given)} }});",
    ]


CALLS = {
    "python": python_call,
    "numpy": python_call,
    "c": c_call,
    "javascript": javascript_call,
}
