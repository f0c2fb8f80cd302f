"""A training step as a list of lines: what backprop does, without an engine.

    python3 examples/lesson_program.py

One attention head runs once, not on numbers but on names, and writes down what it
computes. The walk backward writes down its gradients, and the optimizer its update. You
read the list from top to bottom, then the lower half beside the upper one, from the
bottom; and you see that the list, run by itself, trains the head as the engine does.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # without installing

import examples.interpreter  # first: it refuses an old Python
import nn
from examples.common import lesson, section
from tinygrad_attn import Tensor, manual_seed, randn, write
from tinygrad_attn.functional import mse_loss
from tinygrad_attn.program.anatomy import Buffer
from tinygrad_attn.program.listing import Program
from tinygrad_attn.program.saying import Sayings
from tinygrad_attn.program.traced import Traced

T, D_MODEL, D_K = 3, 4, 2
Line = tuple[str, str]  # what is computed, and the shape of it


def told(program: Program, part: str) -> list[Line]:
    """What each step of a part computes, of those that have a formula or a rule."""
    said = Sayings(program)
    return [
        (said.beside[step], "×".join(map(str, step.out.shape)) or "one number")
        for step in program.steps
        if step.origin.part == part and step in said.beside
    ]


def table(lines: Sequence[Line]) -> None:
    """Lines and their shapes."""
    for text, shape in lines:
        print(f"    {text:58} {shape}".rstrip())


def made(line: str) -> str:
    """What a forward line makes: "Q" of "Q = x W_Q"."""
    return line.partition(" = ")[0]


def beside(forward: Sequence[Line], backward: Sequence[Line]) -> None:
    """Each forward line, the last first, with the lines that go back through it."""
    for text, _ in reversed(forward):
        name = made(text)
        inside = [back for back, _ in backward if uses(rule(back), name)]
        if inside:
            print(f"    {text}")
            for back in inside:
                print(f"        {back}")


def uses(rule: str, name: str) -> bool:
    """Whether a rule has the gradient of a name, perhaps transposed."""
    return any(word.rstrip("ᵀ") == f"∂{name}" for word in rule.split())


def rule(line: str) -> str:
    """The right side of a backward line."""
    return line.partition(" += ")[2]


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
    print("a name too, and each computation is noted as a line. So the head, called")
    print("once, writes its own forward down:\n")
    step = write(loss_of, {"x": x, "target": target}, update=optimizer, target="python")
    forward, backward = (told(step.program, part) for part in ("forward", "backward"))
    table(forward)
    print(f"\nThat is all: {len(forward)} lines for one head and its loss.")

    section("2. The same rules, backward")
    print("The walk of loss.backward() goes through the recorded graph, and asks each")
    print("operation for its rule. The rules are written against a namespace; here the")
    print("namespace notes lines. ∂Q is short for ∂loss/∂Q:\n")
    table(backward)

    section("3. Backprop is nothing but this list, read from the bottom")
    print(
        "Take the forward lines, the last one first. Through each of them the gradient"
    )
    print("of what it makes is sent back to what it was made of, by its rule:\n")
    beside(forward, backward)
    print(
        "\nWhat is used three times, as x is, gets three contributions; x is an input"
    )
    print("here, so nobody asks for them.")

    section("4. The list runs by itself")
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


def main(argv: Sequence[str] | None = None) -> int:
    title = "A training step is a list of lines"
    return lesson(title, teach, argv, __file__)


if __name__ == "__main__":
    sys.exit(examples.interpreter.run(main))
