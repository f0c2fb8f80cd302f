"""A training step as a list of lines: what backprop does, without an engine.

    python3 examples/lesson_program.py

One attention head runs once, not on numbers but on names, and writes down what it
computes. The walk backward writes down its gradients, and the optimizer its update. You
read the list from top to bottom, then the backward lines beside the forward ones, from
the bottom; and you see that the list, run by itself, trains the head as the engine
does.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # without installing

import examples.interpreter  # first: it refuses an old Python
import nn
from examples.common import lesson, section
from tinygrad_attn import Tensor, manual_seed, randn, use_backend, write
from tinygrad_attn.arrays.backends import current_backend
from tinygrad_attn.functional import mse_loss
from tinygrad_attn.program.anatomy import Buffer
from tinygrad_attn.program.listing import Program
from tinygrad_attn.program.saying import Sayings
from tinygrad_attn.program.traced import Traced

T, D_MODEL, D_K = 3, 4, 2
Line = tuple[str, str]  # what is computed, and the shape of it


def told(program: Program, part: str) -> list[Line]:
    """What the lines of a part compute, in their order. A gradient that is the same
    numbers as another, or another view of them, has no line of its own in the program;
    here it has."""
    said, lines = Sayings(program), list[Line]()
    for step in program.steps:
        if step.origin.part == part and step in said.beside:
            shape = "×".join(map(str, step.out.shape)) or "one number"
            lines.append((said.beside[step], shape))
            lines += [(text, "the same numbers") for text in said.also.get(step, ())]
    return lines


def table(lines: Sequence[Line]) -> None:
    """Lines and their shapes."""
    for text, shape in lines:
        print(f"    {text:58} {shape}".rstrip())


def made(line: str) -> str:
    """What a line makes: "Q" of "Q = x W_Q", "∂sub" of "∂sub: the sum of both"."""
    return re.split(r":? ", line)[0]


def beside(forward: Sequence[Line], backward: Sequence[Line]) -> None:
    """Each forward line, the last first, with the lines that go back through it."""
    for text, _ in reversed(forward):
        name, sent = made(text), list[str]()
        for back, _ in backward:
            adds = any(line.startswith(f"{made(back)} +=") for line in sent)
            if uses(back, name) or (adds and "the sum of" in back):
                sent.append(back)
        if sent:
            print(f"    {text}")
            for back in sent:
                print(f"        {back}")


def uses(line: str, name: str) -> bool:
    """Whether the right side of a line has the gradient of a name, perhaps turned."""
    return any(word.strip("()ᵀ,") == f"∂{name}" for word in line.split()[2:])


def teach() -> None:
    manual_seed(0)
    head = nn.AttentionHead(D_MODEL, D_K)
    optimizer = nn.optim.SGD(head.parameters(), lr=0.5)
    x, target = randn(T, D_MODEL), randn(T, D_K)

    def loss_of(x: Tensor, target: Tensor) -> Tensor:
        z, _ = head(x)
        return mse_loss(z, target)

    section("1. An array that is a name")
    name = Traced(Buffer((T, D_MODEL), "float64", "input", "x"))
    print(
        f"The input x is, for once, no array of numbers. It has a shape, {name.shape},"
    )
    print(
        f"a dtype, {name.dtype}, and a name. What is computed with it has a shape and"
    )
    print("a name too, and each computation is noted as a line (what only leads to the")
    print("next stands inside of that). So the head, called once, writes its own")
    print("forward down:\n")
    step = write(loss_of, {"x": x, "target": target}, update=optimizer, target="python")
    program = step.program
    forward, backward = told(program, "forward"), told(program, "backward")
    table(forward)
    print(f"\nThat is all: {len(forward)} lines for one head and its loss.")
    print("(highest keeps exp from overflowing: it changes e, but not weights.)")

    section("2. The same rules, backward")
    print("The walk of loss.backward() goes through the recorded graph, and asks each")
    print("operation for its rule. The rules are written against a namespace; here the")
    print("namespace notes lines. ∂Q is short for ∂loss/∂Q:\n")
    table(backward)
    print("\nsub is used twice, as both factors of sub ⊙ sub. So it gets two")
    print("contributions, the lines with +=, and their sum. ∂z is ∂sub: subtracting")
    print("the target changes no slope. Every ∂ that a line reads is made above it.")

    section("3. Backprop is nothing but these lines, beside the others")
    print(
        "Take the forward lines, the last one first. Through each of them the gradient"
    )
    print("of what it makes is sent back to what it was made of, by its rule:\n")
    beside(forward, backward)
    print("\nsoftmax is one operation with one rule: highest, e and the sum of e are")
    print("on its way, and nothing is sent back to them. x is used three times and")
    print("would get three contributions; but it is an input, and nobody asks for its")
    print("gradient.")

    section("4. The update")
    print("The gradients of the parameters are known, and the optimizer moves each")
    print("parameter against its own. They lie end to end, so it is one line:\n")
    table([(note, "") for note in Sayings(program).notes(program.steps)])
    table(told(program, "update"))

    section("5. The list runs by itself")
    print("Written in plain Python it is a file without an engine in it (the same list")
    print(
        "can be had in NumPy, C and JavaScript: examples/write_program.py). Beside it,"
    )
    print("from the same weights, the engine:\n")
    manual_seed(0)
    twin = nn.AttentionHead(D_MODEL, D_K)
    other = nn.optim.SGD(twin.parameters(), lr=0.5)
    print("    step   loss, by the list    by the engine")
    for i in range(1, 6):
        ours = step(x, target).item()
        loss = mse_loss(twin(x)[0], target)
        twin.zero_grad()
        loss.backward()
        other.step()
        print(f"    {i:4}   {ours:<20.15f} {loss.item():.15f}")
    lines = step.source.count("\n")
    print(f"\nThe file has {lines} lines, memory and comments included.")


def on_arrays() -> None:
    """The lesson; on the backend "scalar", which has no arrays, that of "python"."""
    if current_backend().name == "scalar":
        with use_backend("python"):
            teach()
    else:
        teach()


def main(argv: Sequence[str] | None = None) -> int:
    title = "A training step is a list of lines"
    return lesson(title, on_arrays, argv, __file__)


if __name__ == "__main__":
    sys.exit(examples.interpreter.run(main))
