"""The two scales of a card with rows: colours, digits and column titles."""

from __future__ import annotations

from dataclasses import dataclass

from ..look.colours import (
    GRADIENTS,
    VALUES,
    digits,
    exponent,
    largest,
    shade,
    times_ten_to,
)
from .sheet import Card


@dataclass
class Scale:
    """How a column of numbers is drawn: its title, the largest |x|, the power of ten
    that its texts are divided by, its colours, and the size of rounding noise."""

    title: str
    largest: float
    power: int
    palette: list[str]
    noise: float = 0.0

    def text(self, x: float) -> str:
        """The text of a number in its cell."""
        return digits(x, self.power, self.noise)

    def colour(self, x: float) -> str:
        """The colour of a number's cell."""
        return shade(0.0 if abs(x) <= self.noise else x, self.largest, self.palette)


def scales_of(card: Card) -> tuple[Scale, Scale]:
    """The scales of a card's values and of its gradients."""
    size = largest(row.value for row in card.rows)
    steepest = largest(row.gradient or 0.0 for row in card.rows)
    found = []
    for name, most, palette, noise in (
        ("value", size, VALUES, 0.0),
        (card.gradient_title, steepest, GRADIENTS, card.noise),
    ):
        most = most if most > noise else 0.0
        power = exponent(most)
        title = f"{name} {times_ten_to(power)}".strip() if name else ""
        found.append(Scale(title, most, power, palette, noise))
    return found[0], found[1]
