"""What stands in a file of source: what its lines read, and what they assign."""

from __future__ import annotations

import pytest

from tinygrad_attn.autograd.source import paths_in_line, targets

PROGRAM = """\
y = a @ self.w.x + table["key"]["deep"] * ws[0]
h += f(x).T
m.h = [v * w for v in xs if v is not w]
z = first(
    b,

    b * c,
)
with opened(a) as held, b:
    inside = 1
for row in rows:
    pass
else:
    pass
while (n := more): pass
if a: b = c
def function(x=default): return x
p = 1; q = p * r; q -= s
pass
global_ = lambda: d
try: t
except u: e
x = y if z else w
del x
a.b, c = c, a.b.c
@decorator
def function(): pass
"""
READS = {
    1: ["a", "self.w.x", "table.key.deep", "ws"],
    2: ["h", "f", "x"],
    3: ["w", "xs", "m.h", "v"],
    4: ["first", "b", "c"],
    5: ["first", "b", "c"],
    6: ["first", "b", "c"],
    7: ["first", "b", "c"],
    8: ["first", "b", "c"],
    9: ["opened", "a", "b"],
    10: [],
    11: ["rows"],
    12: [],
    15: ["more"],
    16: ["a", "c"],
    17: ["default", "x"],
    18: ["p", "r", "q", "s"],
    19: [],
    20: ["d"],
    21: ["t"],
    22: ["e"],
    23: ["y", "z", "w"],
    24: [],
    25: ["c", "a.b.c", "a.b"],
    26: ["decorator"],
    27: [],
}


@pytest.fixture
def program(tmp_path):
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    return str(file)


@pytest.mark.parametrize("line", READS)
def test_what_a_line_reads(line, program):
    found = paths_in_line(program, line)
    assert sorted(".".join(path) for path in found) == sorted(READS[line])


def test_the_order_is_that_of_the_text(program):
    for line, read in (
        (1, ["a", "self.w.x", "table.key.deep", "ws"]),
        (3, ["m.h", "w", "xs", "v"]),  # what a comprehension binds, last
        (18, ["p", "r", "q", "s"]),
    ):
        found = [".".join(path) for path in paths_in_line(program, line)]
        assert [name for name in found if name in read] == read


def test_a_file_that_cannot_be_read_says_nothing(tmp_path):
    assert paths_in_line("<nowhere>", 1) is None
    assert targets("<nowhere>") == {}
    broken = tmp_path / "broken.py"
    broken.write_text("x = = y\n")
    assert paths_in_line(str(broken), 1) == ()


def test_what_is_assigned_by_the_place_of_its_value(program):
    found = targets(program)
    by_line = {}
    for (first, _, column, _), name in sorted(found.items()):
        by_line.setdefault(first, []).append((column, name))
    assert by_line[1] == [(4, "y")]
    assert by_line[2] == [(0, "h")]  # the statement
    assert by_line[3] == [(6, "h")]
    assert by_line[23] == [(4, "x"), (16, "x")]  # either one
    assert by_line[25] == [(9, "b"), (12, "c"), (16, "c")]
