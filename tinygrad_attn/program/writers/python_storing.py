"""What becomes of a step's numbers, in plain Python: a list gets its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..anatomy import Step, View
from ..loops import merged
from ..naming import Namer
from ..nesting import told
from ..signs import Signs
from .python_layout import Listing, assigned
from .python_lists import Lists, lasts, zero
from .python_matrices import Matrices
from .python_words import Words

CAUGHT = "(ArithmeticError, ValueError)"


class Storing:
    """The lines of a text, and the lists that they name.

    Attributes:
        lines: so far.
        indent: of the next ones.
        said: what stands beside them, if anything.
    """

    def __init__(
        self,
        steps: list[Step],
        namer: Namer,
        signs: Signs,
        often: Mapping[Any, int],
        said: Any = None,
    ) -> None:
        self.namer, self.said = namer, said
        self.lines: list[str] = []
        self.indent = ""
        self.words = Words(signs)
        self.lists = Lists(steps, namer, self.assign)
        self.matrices = Matrices(self.lists, self.words, often, self.assign)

    def assign(self, name: str, value: str | Listing, said: str = "") -> None:
        self.lines += assigned(self.indent, name, value, said)

    def comment(self, step: Step) -> str:
        """What stands beside a step."""
        return self.said.comment(*told(step, self.said.beside)) if self.said else ""

    def store(
        self,
        step: Step,
        value: str | Listing,
        single: bool = False,
        careful: Listing | None = None,
    ) -> None:
        """Gives the numbers of a step their name.

        Args:
            single: whether the value is a number, if the buffer is one.
            careful: the value in case the other raises.
        """
        out, home = step.out, step.out.buffer.place[0]
        if home in self.lists.changing:
            self.change(step, value)
            return
        if home in self.lists.numbers and not single:
            value = f"{value}[0]"
        name = self.name_for(out)
        said = self.comment(step)
        if careful is None:
            self.assign(name, value, said)
        else:
            self.lines.append(f"{self.indent}try:")
            self.indent += "    "
            self.assign(name, value, said)
            self.lines.append(f"{self.indent[:-4]}except {CAUGHT}:")
            self.assign(name, careful)
            self.indent = self.indent[:-4]
        self.lists.place(out, name)

    def name_for(self, out: View) -> str:
        """What a new list is called."""
        home, start = out.buffer.place
        if out.size == home.size:
            wish = home.name
        elif out.size == out.buffer.size:
            wish = out.buffer.name
        else:
            wish = self.namer.views.get(out.key, "")
            wish = wish or self.namer.free(f"{home.name}_part")
        if lasts(home):
            return self.namer.free(f"new_{wish}")
        used = {
            s.name
            for s in self.lists.segments.get(home, ())
            if s.stop <= start + out.offset or start + out.offset + out.size <= s.start
        }
        return self.namer.free(wish) if wish in used else wish

    def change(self, step: Step, value: str | Listing) -> None:
        """Puts numbers into a list that changes."""
        out, (home, start) = step.out, step.out.buffer.place
        low = start + out.offset
        known = self.lists.segments.get(home, ())
        name = next((s.name for s in known if s.name != home.name), home.name)
        if lasts(home) and name == home.name:
            name = self.namer.free(f"new_{name}")
            self.assign(name, f"[*{home.name}]")
        whole = out.contiguous and out.size == home.size
        if not known and not whole:
            self.assign(name, f"[{zero(home)}] * {home.size}")
        part = "" if whole else self.part(out, low)
        if part is None:
            self.words.used.add("put")
            loops = merged(out.shape, [out.strides])
            places = self.lists.places(loops.sizes, loops.strides[0], low)
            self.lines.append(f"{self.indent}put({name}, {places}, {value})")
        else:
            self.assign(f"{name}{part}", value, self.comment(step))
        self.lists.known(home, name)
        self.lists.written(home)

    def part(self, out: View, low: int) -> str | None:
        """A slice of a list; None if it takes several."""
        sizes, (strides,) = merged(out.shape, [out.strides])
        if not sizes:
            return f"[{low}:{low + 1}]"
        if len(sizes) > 1 or strides[0] <= 0:
            return None
        stop = low + (sizes[0] - 1) * strides[0] + 1
        return f"[{low}:{stop}" + (f":{strides[0]}]" if strides != (1,) else "]")
