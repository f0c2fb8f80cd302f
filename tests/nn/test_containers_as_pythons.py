"""Lists and dicts of modules beside Python's own: the same after any calls."""

from __future__ import annotations

import random

import pytest

import nn
from tinygrad_attn import Tensor, ones


def modules(n):
    return [nn.Linear(1, i + 1) for i in range(n)]


def parameters(n):
    return [nn.Parameter([float(i)]) for i in range(n)]


LISTS = {
    "ModuleList": (nn.ModuleList, modules),
    "Sequential": (lambda items: nn.Sequential(*items), modules),
    "ParameterList": (nn.ParameterList, parameters),
}


def change(draw, items, new):
    """The same change of a list, of Python's or ours."""
    i, one = draw.randrange(len(items)), new(1)[0]
    program = draw.choice(
        [
            lambda x: x.append(one),
            lambda x: x.extend([one, *new(0)]),
            lambda x: x.insert(i, one),
            lambda x: x.insert(-1, one),
            lambda x: x.__setitem__(i, one),
            lambda x: x.__setitem__(-1, one),
            lambda x: x.__delitem__(i) if len(x) > 1 else None,
            lambda x: x.__delitem__(slice(i, i + 1)) if len(x) > 1 else None,
            lambda x: x.pop() if len(x) > 1 else None,
            lambda x: x.pop(i) if len(x) > 1 else None,
        ]
    )
    return program


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", LISTS)
def test_a_list_does_what_pythons_does(kind, seed):
    make, new = LISTS[kind]
    draw, theirs = random.Random(seed), new(3)
    ours = make(theirs)
    for _ in range(60):
        program = change(draw, theirs, new)
        got, want = program(ours), program(theirs)
        assert got is want or isinstance(got, nn.Module)  # append returns itself
        assert [*ours] == theirs
        assert len(ours) == len(theirs)
        i = draw.randrange(-len(theirs), len(theirs))
        assert ours[i] is theirs[i]
        assert [*ours[i:]] == theirs[i:]
        found = [*ours.parameters()]
        assert all(any(p is q for q in found) for p in inside(theirs))
        assert len(found) == len(inside(theirs))


def inside(items):
    """The parameters of all, each once."""
    all_of = [[m] if isinstance(m, Tensor) else m.parameters() for m in items]
    return list(dict.fromkeys(p for found in all_of for p in found))


def test_two_lists_added_are_a_third():
    first, second = modules(2), modules(1)
    a = nn.ModuleList(first)
    b = a + nn.ModuleList(second)
    assert ([*b], [*a]) == ([*first, *second], first)
    a += second
    assert [*a] == [*first, *second]
    chain = nn.Sequential(*first) + second
    assert isinstance(chain, nn.Sequential)
    assert [*chain] == [*first, *second]


def test_a_named_chain_keeps_its_names_in_a_slice():
    parts = dict(zip("abc", modules(3)))
    chain = nn.Sequential(parts)
    assert [n for n, _ in chain[1:].named_children()] == ["b", "c"]
    assert [*chain[:0]] == []
    assert type(chain[1:]) is nn.Sequential


DICTS = {
    "ModuleDict": (nn.ModuleDict, modules),
    "ParameterDict": (nn.ParameterDict, parameters),
}


@pytest.mark.parametrize("kind", DICTS)
def test_a_dict_does_what_pythons_does(kind):
    make, new = DICTS[kind]
    a, b, c, d = new(4)
    theirs = {"a": a, "b": b}
    ours = make(theirs)

    def check():
        assert [*ours] == [*ours.keys()] == [*theirs]
        assert [*ours.values()] == [*theirs.values()]
        assert [*ours.items()] == [*theirs.items()]
        assert len(ours) == len(theirs)
        for name in ("a", "b", "c", "d", "e"):
            assert (name in ours) == (name in theirs)
            assert ours.get(name) is theirs.get(name)
            assert ours.get(name, 3) == theirs.get(name, 3)
        assert len([*ours.parameters()]) == len(inside(theirs.values()))

    for program in (
        lambda x: x.__setitem__("c", c),
        lambda x: x.update({"d": d, "a": b}),
        lambda x: x.update([("e", a)]),
        lambda x: x.__delitem__("b"),
        lambda x: x.pop("c"),
        lambda x: x.clear(),
    ):
        assert program(ours) is program(theirs)
        check()
    ours.update(make({"a": a}))
    assert [*ours.items()] == [("a", a)]
    for name in ("b", 3, ["b"]):
        with pytest.raises(KeyError, match=rf"{kind}: .* given; it has a"):
            del ours[name]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: nn.ModuleList(nn.ReLU()), "ModuleList: a ReLU given; it takes a list"),
        (lambda: nn.ModuleList(ones(2)), "ModuleList: a Tensor given; it takes a list"),
        (
            lambda: nn.ModuleList("ab"),
            "ModuleList: a str given; it takes a list of",
        ),
        (lambda: nn.ModuleList({}), "ModuleList: a dict given; it takes a list of"),
        (lambda: nn.ModuleList(3), "ModuleList: a int given; it takes a list of"),
        (
            lambda: nn.ParameterList(nn.Parameter([1.0])),
            "ParameterList: a Parame",
        ),
        (
            lambda: nn.ParameterList([3]),
            "ParameterList: a int given; it takes para",
        ),
        (
            lambda: nn.ParameterDict({"a": 3}),
            "ParameterDict: a int given; it takes pa",
        ),
        (
            lambda: nn.ParameterDict(3),
            "ParameterDict: a int given; it takes a dict",
        ),
        (
            lambda: nn.ModuleDict({3: nn.ReLU()}),
            "ModuleDict: a name of int given",
        ),
        (
            lambda: nn.ModuleList().__setitem__(0, 3),
            "ModuleList: a int given;",
        ),
    ],
)
def test_what_does_not_fit_is_named(wrong, said):
    with pytest.raises(TypeError) as caught:
        wrong()
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(("kind", "what"), [("ModuleList", "modules")])
def test_a_place_that_is_not_there(kind, what):
    items = nn.ModuleList(modules(2))
    for call in (
        lambda: items[2],
        lambda: items.__delitem__(2),
        lambda: items.__setitem__(-3, nn.ReLU()),
        lambda: nn.ParameterList(parameters(2)).pop(7),
    ):
        with pytest.raises(IndexError, match=r"List: index -?\d, a int, given; it has"):
            call()
    with pytest.raises(TypeError, match="index 'a', a str, given; it has 2 modules"):
        items["a"]


def test_a_list_is_added_to_itself():
    items = nn.ModuleList(modules(2))
    items.extend(items)
    assert len(items) == 4
    with pytest.raises(KeyError, match="^\"ModuleDict: the name 'keys' given"):
        nn.ModuleDict({"keys": nn.ReLU()})
