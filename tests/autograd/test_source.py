"""What stands in a line of source: the variables that its statement reads."""

from __future__ import annotations

from tinygrad_attn.autograd.source import expressions, names_in_line

PROGRAM = """\
h += x
y = f(
    a,
    b,
)

for i in xs:
    z = i * w
first = one; second = two
@decorated
def inside(argument):
    return (
        argument)
with opened(p) as q:
    pass
if c > d:
    e = [u * k for u in us if k]
t: kind = v
"""
READ = {
    1: ("h", "x"),
    2: ("f", "a", "b"),
    3: ("f", "a", "b"),
    4: ("f", "a", "b"),
    5: ("f", "a", "b"),
    6: (),
    7: ("xs",),
    8: ("i", "w"),
    9: ("one", "two"),
    10: ("decorated",),
    11: (),
    12: ("argument",),
    13: ("argument",),
    14: ("opened", "p"),
    15: (),
    16: ("c", "d"),
    17: ("k", "us", "u"),  # what the comprehension binds, last
    18: ("kind", "v"),
    19: (),
}


def test_what_each_line_reads(tmp_path):
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    assert {n: names_in_line(str(file), n) for n in READ} == READ


def test_of_what_cannot_be_read_nothing_is_known(tmp_path):
    assert names_in_line("<nowhere>", 1) is None
    assert expressions("<nowhere>") == {}
    broken = tmp_path / "broken.py"
    broken.write_text("x = = y\n")
    assert names_in_line(str(broken), 1) == ()
    assert expressions(str(broken)) == {}
