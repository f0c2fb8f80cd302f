"""What a language says in its own words: declarations, numbers, functions.

The loops of a step (bodies.py) are the same in all languages that have no arrays of
their own. A dialect writes what is not.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..anatomy import Operand, View

COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")


class Dialect:
    """A language, as loops need it.

    Attributes:
        counter: what declares the counter of a loop.
        functions: function → its expression, where {0}, {1}, ... are what it is of.
    """

    counter: str
    functions: dict[str, str]

    def element(self, k: int, view: View, where: str) -> str:
        """A number of the k-th operand of a step, the result being the 0th."""
        raise NotImplementedError

    def loaded(
        self, k: int, view: View, where: str, dtype: str
    ) -> tuple[list[str], str]:
        """Such a number to compute with: what has to be said before, and how it is
        called."""
        raise NotImplementedError

    def row(self, k: int, view: View, where: str) -> str:
        """A line that notes where a row of the k-th operand begins."""
        raise NotImplementedError

    def in_row(self, k: int, where: str) -> str:
        """A number of that row."""
        raise NotImplementedError

    def scalar(self, name: str, dtype: str) -> str:
        """A plain number of the program as one of a dtype; `{name}` stands for it."""
        raise NotImplementedError

    def literal(self, v: float, dtype: str) -> str:
        """A number written out."""
        raise NotImplementedError

    def number(self, v: float, dtype: str) -> str:
        """A number that a step computes with."""
        return self.literal(v, dtype)

    def declared(self, dtype: str, name: str, value: str, changes: bool = False) -> str:
        """A line that gives a number a name."""
        raise NotImplementedError

    def computed(
        self,
        function: str,
        args: Sequence[str],
        given: Sequence[Operand],
        dtype: str,
        out: str,
    ) -> str:
        """A function's expression, computed in one dtype, of another.

        Args:
            args: the expressions of what it is of.
            given: what these stand for.
        """
        raise NotImplementedError

    def added(self, to: str, value: str, dtype: str) -> str:
        """A line that adds to a number."""
        return f"{to} += {value};"

    def total(self, value: str, dtype: str) -> str:
        """A sum that is complete."""
        return value

    def before_innermost(self, reduction: str) -> list[str]:
        """What stands before a loop whose turns are independent, but for a sum."""
        return []
