"""What a program in plain Python computes number by number: comprehensions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, count
from typing import Any

from ...arrays.shapes import strides_of
from ..anatomy import Map, View
from ..loops import merged, strides_in
from .python_layout import Listing
from .python_storing import Storing
from .python_words import kind_of

LETTERS = "xyzuvwbcdefghkpqrt"  # of numbers; with an s, of rows
ROLES = "^new_|_(rows|columns|row|list|number)(_\\d+)?$"  # what a list's name adds
MANY = 256  # numbers for which it is worth trying without looking


class Maps(Storing):
    """Writes the steps that compute number by number."""

    def map(self, step: Map) -> None:
        """A comprehension; or a plain number."""
        home, shape = step.out.buffer.place[0], step.out.shape
        views = {v.key: v for v in step.reads() if v.buffer.role != "scalar"}
        loops = merged(
            shape, [strides_of(shape), *(strides_in(v, shape) for v in views.values())]
        )
        strides = dict(zip(views, loops.strides[1:]))
        if not loops.sizes:
            numbers = {key: self.number(v) for key, v in views.items()}
            text = self.formula(step, numbers)
            self.store(step, text if home in self.lists.numbers else f"[{text}]", True)
            return
        if step.function == "copy" and (text := self.moved(step)):
            self.store(step, text)
            return
        single = {
            key: self.matrices.named(
                ("number", self.lists.version(v.buffer.place[0]), v.key),
                lambda v=v: self.number(v),  # type: ignore[misc]
                f"{v.buffer.name}_number",
                always=True,
            )
            for key, v in views.items()
            if not any(strides[key])
        }
        names, fors = self.fors(
            {k: v for k, v in views.items() if k not in single},
            strides,
            loops.sizes,
            {*single.values()} | {v.buffer.name for v in step.reads()},
        )
        names |= single
        if not fors:  # the same number everywhere
            self.store(step, f"[{self.formula(step, names)}] * {step.out.size}")
            return
        self.words.risky = False
        plain = Listing([self.formula(step, names, careful=False), *fors])
        if not self.words.risky:
            self.store(step, plain)
            return
        careful = Listing([self.formula(step, names), *fors])
        if step.out.size < MANY or home in self.lists.changing:
            self.store(step, careful)
        else:
            self.store(step, plain, careful=careful)

    def formula(self, step: Map, names: Mapping[Any, str], careful: bool = True) -> str:
        def name(v: View) -> str:
            return v.buffer.name if v.buffer.role == "scalar" else names[v.key]

        return self.words.formula(step, name, careful)[0]

    def number(self, v: View) -> str:
        """The only number of a view."""
        home, start = v.buffer.place
        return self.lists.number(home, start + v.offset)

    def moved(self, step: Map) -> str:
        """A copy: the numbers as they are, in their new order; "" if they change."""
        (v,) = step.args
        if not isinstance(v, View):
            return ""
        if v.buffer.role == "scalar" or kind_of(v.dtype) != kind_of(step.out.dtype):
            return ""
        text = self.listed(v, step.out.shape)
        changing = {v.buffer.place[0], step.out.buffer.place[0]} & self.lists.changing
        return f"[*{text}]" if changing and text.isidentifier() else text

    def listed(self, v: View, shape: Any = None) -> str:
        """The numbers of a view as a list."""
        shape = v.shape if shape is None else shape
        text = self.lists.flat(v, shape, strides_in(v, shape))
        return f"[*{text}]" if text.endswith(")") else text

    def fors(
        self,
        views: Mapping[Any, View],
        strides: Mapping[Any, Any],
        sizes: Any,
        taken: Iterable[str],
    ) -> tuple[dict[Any, str], list[str]]:
        """What goes through the numbers of some views together: the names that each has
        meanwhile, and the `for`s."""
        places = {
            key: (v.buffer.place[0], v.buffer.place[1] + v.offset, strides[key])
            for key, v in views.items()
        }
        by_rows = any(steps[-1] == 0 for _, _, steps in places.values())
        lists = {p: self.going_through(p, sizes, by_rows) for p in places.values()}
        texts = {place: text for place, (text, _) in lists.items()}
        alike = self.elements(texts, [*taken, *texts.values()])
        outer: dict[str, str] = {}
        inner: dict[str, str] = {}
        for place, (text, how) in lists.items():
            name = alike[place]
            if how == "rows":
                outer[f"{name}s"], inner[name] = text, f"{name}s"
            else:
                (inner if how == "row" else outer)[name] = text
        names = {key: alike[place] for key, place in places.items()}
        if by_rows and not inner:
            inner["_"] = f"range({sizes[-1]})"
        return names, [loop(each) for each in (outer, inner) if each]

    def going_through(self, place: Any, sizes: Any, by_rows: bool) -> tuple[str, str]:
        """The list that a comprehension goes through for an operand, and how: number by
        number, by "rows", or through the same "row" again and again."""
        home, at, steps = place
        if not by_rows:
            return self.lists.picked(home, at, sizes, steps), ""
        if steps[-1] == 0:
            return self.lists.picked(home, at, sizes[:-1], steps[:-1]), ""
        if any(steps[:-1]):
            return self.matrices.cut(home, at, sizes, steps, sizes[-1]), "rows"
        key = "row", self.lists.version(home), at, sizes[-1], steps[-1]
        row = self.lists.picked(home, at, sizes[-1:], steps[-1:])
        wish = f"{home.name}_row"
        return self.matrices.named(key, lambda: row, wish, always=True), "row"

    def elements(self, texts: Mapping[Any, str], taken: Iterable[str]) -> Any:
        """What the numbers of some lists are called meanwhile: `dw` for d_weights."""
        letters, found = self.letters(taken), dict[Any, str]()
        words = {word for text in taken for word in re.findall(r"\w+", text)}
        words |= self.namer.taken | {"l", "o"}  # which look like digits
        for place, text in texts.items():
            used = words | {*found.values()} | {f"{c}s" for c in found.values()}
            wishes = (c for c in short_names(text) if used.isdisjoint({c, f"{c}s"}))
            found[place] = next(wishes, "") or next(c for c in letters if c not in used)
        return found

    def letters(self, taken: Iterable[str], first: str = LETTERS) -> Iterator[str]:
        """Names for numbers in a comprehension, others than those around it."""
        words = {word for text in taken for word in re.findall(r"\w+", text)}
        words |= self.namer.taken
        more = (f"{first[0]}{n}" for n in count())
        return (c for c in chain(first, more) if not {c, f"{c}s"} & words)


def short_names(text: str) -> Iterator[str]:
    """Names for a number of a list: its initials, else how its name begins."""
    words = re.findall(r"[A-Za-z_]\w*", text)
    own = [w for w in words if not w.startswith(("rows_of", "zip", "order"))]
    name = re.sub(ROLES, "", own[0]) if own else ""
    parts = [p.lower() for p in name.split("_") if p[:1].isalpha()]
    if parts:
        yield from ("".join(p[0] for p in parts), *(parts[0][:n] for n in (2, 3, 4)))
        yield f"{name}_i"


def loop(each: Mapping[str, str]) -> str:
    """A `for` that goes through several lists together."""
    lists = [*each.values()]
    given = lists[0] if len(lists) == 1 else f"zip({', '.join(lists)})"
    return f"for {', '.join(each)} in {given}"
