"""Data for the interactive page: a small attention head in plain Python, with its true
gradients; a large drawing without meaning; and names that mean harm."""

from __future__ import annotations

from math import exp, floor, inf, isfinite, log10, nan, sqrt
from random import Random

T, D, DK = 4, 6, 4
TOKENS = ["the", "cat", "sat", "down"]


# --- small matrices -----------------------------------------------------------------


def random_matrix(random, rows, columns, scale=1.0):
    return [[random.gauss(0, scale) for _ in range(columns)] for _ in range(rows)]


def turned(x):
    return [list(column) for column in zip(*x)]


def matmul(x, y):
    return [[sum(p * q for p, q in zip(row, col)) for col in zip(*y)] for row in x]


def each(function, *matrices):
    return [[function(*cell) for cell in zip(*rows)] for rows in zip(*matrices)]


def add(x, y):
    return x if y is None else [[p + q for p, q in zip(a, b)] for a, b in zip(x, y)]


def softmax(row):
    powers = [exp(v - max(row)) for v in row]
    return [p / sum(powers) for p in powers]


# --- the form of the data -----------------------------------------------------------


def in_one_view(data, clusters=()):
    """The data, with the places of cards and the paths of links as their only view."""
    cards, lines = data["cards"], []
    places = {card["id"]: (card.pop("x"), card.pop("y")) for card in cards}
    for number, link in enumerate(data["links"]):
        ends = {key: link[key] for key in ("source", "target")}
        lines.append({**ends, "path": link.pop("path"), "back": link.pop("back")})
        lines[-1]["links"] = [number]
    view = {"width": data.pop("width"), "height": data.pop("height"), "rows": 1}
    view.update(places=places, lines=lines, clusters=[*clusters], folded=[])
    return {**data, "views": [view]}


def number(v):
    """As the data has it: what is not finite is a string."""
    return v if isinstance(v, bool) or isfinite(v) else str(v)


def grid(numbers, palette="value", shape=None, rows=None, columns=None, labels=None):
    """GRID for all numbers of a matrix."""
    finite = [abs(v) for row in numbers for v in row if isfinite(v)]
    largest = max(finite, default=0.0)
    small = largest and largest < 0.05
    return {
        "shape": [len(numbers), len(numbers[0])] if shape is None else shape,
        "rows": rows or [*range(len(numbers))],
        "columns": columns or [*range(len(numbers[0]))],
        "numbers": [[number(v) for v in row] for row in numbers],
        "largest": 1.0 if palette == "probability" else largest,
        "power": floor(log10(largest)) if small else 0,
        "palette": palette,
        "labels": labels,
    }


def product(x, y, k, x_turned=False, y_turned=False):
    return {
        "kind": "product",
        **{"x": x, "y": y, "x_turned": x_turned, "y_turned": y_turned, "k": k},
    }


def elementwise(formula, rules, *inputs):
    return {
        **{"kind": "elementwise", "op": "", "formula": formula, "rules": rules},
        "inputs": [*inputs],
    }


# --- one attention head -------------------------------------------------------------

STACKED, BESIDE, ALONE = (124, 200), (236, 152), (124, 112)  # sizes of cards
PLACES = {
    "W_Q": (24, 48, *BESIDE),
    "X": (56, 222, 172, 200),
    "W_K": (24, 442, *BESIDE),
    "W_V": (24, 618, *BESIDE),
    "Q": (340, 48, *STACKED),
    "K": (340, 304, *STACKED),
    "V": (340, 570, *STACKED),
    "S": (536, 100, *STACKED),
    "Z": (720, 100, *STACKED),
    "M": (904, 336, *ALONE),
    "H": (904, 100, *STACKED),
    "A": (536, 558, *STACKED),
    "O": (720, 558, *STACKED),
    "Y": (904, 660, *ALONE),
    "L": (904, 520, 124, 112),
}
CLUSTERS = [
    ("projections", 8, 16, 472, 770),
    ("scores", 520, 68, 524, 396),
    ("softmax", 520, 526, 156, 248),
    ("mix", 704, 526, 156, 248),
    ("loss", 888, 488, 156, 296),
]
ABOUT = {  # kind, formula, sentence
    "X": ("input", "X", "The embedding of each token, one row each."),
    "W_Q": ("parameter", "W_Q", "Learned: turns an embedding into a query."),
    "W_K": ("parameter", "W_K", "Learned: turns an embedding into a key."),
    "W_V": ("parameter", "W_V", "Learned: turns an embedding into a value."),
    "Q": ("op", "Q = X W_Q", "What each position asks for."),
    "K": ("op", "K = X W_K", "What each position offers to be found by."),
    "V": ("op", "V = X W_V", "What each position hands over when attended to."),
    "S": ("op", "S = Q Kᵀ", "How well does query i match key j? One dot product each."),
    "Z": ("op", "Z = S / √dₖ", "Scaled, so that the softmax does not saturate."),
    "M": ("constant", "mask", "−∞ where key j comes after query i."),
    "H": ("op", "H = Z + mask", "A position must not look at what comes after it."),
    "A": ("softmax", "A = softmax(H)", "Each row becomes weights that add up to 1."),
    "O": ("op", "O = A V", "Each position's weighted mean of the values."),
    "Y": ("constant", "Y", "What the output should have been."),
    "L": ("loss", "L = mean (O − Y)²", "One number: how far off the output is."),
}
RULES = {
    ("Q", "X"): "∂X += ∂Q W_Qᵀ",
    ("Q", "W_Q"): "∂W_Q += Xᵀ ∂Q",
    ("K", "X"): "∂X += ∂K W_Kᵀ",
    ("K", "W_K"): "∂W_K += Xᵀ ∂K",
    ("V", "X"): "∂X += ∂V W_Vᵀ",
    ("V", "W_V"): "∂W_V += Xᵀ ∂V",
    ("S", "Q"): "∂Q += ∂S K",
    ("S", "K"): "∂K += ∂Sᵀ Q",
    ("Z", "S"): "∂S += ∂Z / √dₖ",
    ("H", "Z"): "∂Z += ∂H",
    ("A", "H"): "∂H += A ⊙ (∂A − Σⱼ ∂A ⊙ A)",
    ("O", "A"): "∂A += ∂O Vᵀ",
    ("O", "V"): "∂V += Aᵀ ∂O",
    ("L", "O"): "∂O += 2 (O − Y) / n · ∂L",
}
INPUTS = {
    **{"Q": ["X", "W_Q"], "K": ["X", "W_K"], "V": ["X", "W_V"], "S": ["Q", "K"]},
    **{"Z": ["S"], "H": ["Z", "M"], "A": ["H"], "O": ["A", "V"], "L": ["O", "Y"]},
}
BACKWARD = ["L", "O", "A", "H", "Z", "S", "V", "K", "Q"]


def head_numbers(seed=3):
    """Values, and the contribution that each result sends to each of its inputs."""
    random = Random(seed)
    v = {"X": random_matrix(random, T, D)}
    for name in ("W_Q", "W_K", "W_V"):
        v[name] = random_matrix(random, D, DK, 0.6)
    v["Y"] = random_matrix(random, T, DK)
    v["M"] = [[0.0 if j <= i else -inf for j in range(T)] for i in range(T)]
    for name, weight in (("Q", "W_Q"), ("K", "W_K"), ("V", "W_V")):
        v[name] = matmul(v["X"], v[weight])
    v["S"] = matmul(v["Q"], turned(v["K"]))
    v["Z"] = [[s / sqrt(DK) for s in row] for row in v["S"]]
    v["H"] = add(v["Z"], v["M"])
    v["A"] = [softmax(row) for row in v["H"]]
    v["O"] = matmul(v["A"], v["V"])
    squares = each(squared_difference, v["O"], v["Y"])
    v["L"] = [[sum(map(sum, squares)) / (T * DK)]]

    gradients, sent = {"L": [[1.0]]}, {}
    for name in BACKWARD:
        for source, x in contributions(name, v, gradients[name]):
            sent[name, source] = x
            gradients[source] = add(x, gradients.get(source))
    return v, gradients, sent


def squared_difference(p, q):
    return (p - q) ** 2


def contributions(name, v, g):
    """(input, what the result sends to it) in the order of the inputs."""
    if name in ("Q", "K", "V"):
        weight = "W_" + name
        yield "X", matmul(g, turned(v[weight]))
        yield weight, matmul(turned(v["X"]), g)
    elif name == "S":
        yield "Q", matmul(g, v["K"])
        yield "K", matmul(turned(g), v["Q"])
    elif name == "Z":
        yield "S", [[p / sqrt(DK) for p in row] for row in g]
    elif name == "H":
        yield "Z", g
    elif name == "A":
        rows = []
        for a, da in zip(v["A"], g):
            mean = sum(p * q for p, q in zip(a, da))
            rows.append([p * (q - mean) for p, q in zip(a, da)])
        yield "H", rows
    elif name == "O":
        yield "A", matmul(g, turned(v["V"]))
        yield "V", matmul(turned(v["A"]), g)
    elif name == "L":
        rows = []
        for o, y in zip(v["O"], v["Y"]):
            rows.append([2 * (p - q) / (T * DK) * g[0][0] for p, q in zip(o, y)])
        yield "O", rows


def attention_head():
    """The data of the page for one head."""
    v, gradients, sent = head_numbers()
    ids = {name: f"n{i}" for i, name in enumerate(PLACES)}
    how = {
        **{n: product(ids["X"], ids["W_" + n], D) for n in ("Q", "K", "V")},
        "S": product(ids["Q"], ids["K"], DK, y_turned=True),
        "Z": elementwise("{0} / {1}", ["∂{z} / {1}", None], ids["S"], sqrt(DK)),
        "H": elementwise("{0} + {1}", ["∂{z}"] * 2, ids["Z"], ids["M"]),
        "A": {
            **{"kind": "rowwise", "op": "softmax", "inputs": [ids["H"]]},
            "formula": "softmax({0})",
            "rules": ["{z} ⊙ (∂{z} − Σⱼ ∂{z} ⊙ {z})"],
        },
        "O": product(ids["A"], ids["V"], T),
        "L": {"kind": "all", "op": "mean", "inputs": [ids["O"], ids["Y"]]},
    }
    cards = []
    for line, (name, (x, y, w, h)) in enumerate(PLACES.items(), 12):
        kind, formula, sentence = ABOUT[name]
        shape = [] if name == "L" else [len(v[name]), len(v[name][0])]
        palette = "probability" if name == "A" else "value"
        gradient = gradients.get(name)
        cards.append(
            {
                **{"id": ids[name], "name": "mask" if name == "M" else name},
                **{"formula": formula, "kind": kind, "sentence": sentence},
                "shape": " × ".join(map(str, shape)) or "scalar",
                "source": f"head.py:{line}: {formula}",
                "module": "attn",
                **{"x": x, "y": y, "w": w, "h": h},
                "value": grid(v[name], palette, shape),
                "gradient": gradient and grid(gradient, "gradient", shape),
                "how": how.get(name),
            }
        )
    links = []
    for target, inputs in INPUTS.items():
        for position, source in enumerate(inputs):
            links.append(link(ids, source, target, position))
    number_of = {(at["target"], at["source"]): i for i, at in enumerate(links)}
    paths = {s: sum(to == s for _, to in sent) for _, s in sent}
    steps = [{"kind": "forward", "card": ids[name]} for name in INPUTS]
    steps.append({"kind": "seed", "card": ids["L"]})
    so_far, arrived = {}, {}
    for name in BACKWARD:
        sends = []
        for (result, source), x in sent.items():
            if result == name:
                so_far[source] = add(x, so_far.get(source))
                arrived[source] = arrived.get(source, 0) + 1
                sends.append(
                    {
                        "link": number_of[ids[name], ids[source]],
                        "to": ids[source],
                        "rule": RULES[name, source],
                        "grid": grid(x, "gradient"),
                        "path": arrived[source],
                        "paths": paths[source],
                        "so_far": grid(so_far[source], "gradient"),
                    }
                )
        steps.append({"kind": "backward", "card": ids[name], "sends": sends})
    data = {
        "title": "One attention head",
        "subtitle": "T = 4, d = 6, dₖ = 4, causal",
        "of": "L",
        **{"width": 1060, "height": 800, "tokens": TOKENS},
        "cards": cards,
        "links": links,
        "steps": steps,
    }
    clusters = [dict(zip(("name", "x", "y", "w", "h"), c)) for c in CLUSTERS]
    return in_one_view(data, clusters)


def link(ids, source, target, position):
    """Curves from the source's right side to the target's left one; or from the bottom
    of the source to the top of a target below, or the other way around."""
    (x, y, w, h), (to_x, to_y, to_w, to_h) = PLACES[source], PLACES[target]
    rule = RULES.get((target, source), "")
    if to_x >= x + w:
        spread = 14 * position
        ends = [
            (x + w + 2, y + h * part, to_x - 2, to_y + to_h * part + spread)
            for part in (0.42, 0.72)
        ]
    else:
        down = to_y > y
        ends = [
            (x + w * part, y + h + 2, to_x + to_w * part, to_y - 2)
            if down
            else (x + w * part, y - 2, to_x + to_w * part, to_y + to_h + 2)
            for part in (0.38, 0.62)
        ]
    forward, back = ends
    return {
        **{"source": ids[source], "target": ids[target], "position": position},
        "path": curve(*forward),
        "back": curve(*back[2:], *back[:2]) if rule else None,
        "rule": rule,
    }


def curve(x, y, to_x, to_y):
    """A Bézier curve that leaves and arrives along the longer way."""
    across, down = (to_x - x) * 0.45, (to_y - y) * 0.45
    if abs(across) > abs(down):
        first, second = (x + across, y), (to_x - across, to_y)
    else:
        first, second = (x, y + down), (to_x, to_y - down)
    points = [first, second, (to_x, to_y)]
    return f"M {x:.1f} {y:.1f} C " + ", ".join(f"{p:.1f} {q:.1f}" for p, q in points)


# --- other data ---------------------------------------------------------------------


def large(cards=30, side=30, columns=6):
    """A chain of large cards, each with a value and a gradient: 54,000 numbers."""
    random = Random(0)
    made, links, steps = [], [], []
    for i in range(cards):
        x, y = 20 + i % columns * 300, 20 + i // columns * 380
        rows = [random_matrix(random, side, side) for _ in range(2)]
        how = {"kind": "all", "op": "mix", "inputs": [f"n{i - 1}"]} if i else None
        made.append(
            {
                **{"id": f"n{i}", "name": f"Y{i}", "formula": f"Y{i} = f(Y{i - 1})"},
                **{"kind": "op", "shape": f"{side} × {side}", "sentence": "One more."},
                **{"source": "", "module": "", "x": x, "y": y, "w": 240, "h": 340},
                "value": grid(rows[0]),
                "gradient": grid(rows[1], "gradient"),
                "how": how,
            }
        )
        steps.append({"kind": "forward", "card": f"n{i}"})
        if i:
            path = curve(x - 58, y + 100, x - 2, y + 100)
            ends = {"source": f"n{i - 1}", "target": f"n{i}", "position": 0}
            links.append({**ends, "path": path, "back": None, "rule": "∂x += ∂z"})
    steps.append({"kind": "seed", "card": f"n{cards - 1}"})
    for i in reversed(range(1, cards)):
        sent = made[i - 1]["gradient"]
        send = {"link": i - 1, "to": f"n{i - 1}", "rule": "∂x += ∂z", "grid": sent}
        send.update(path=1, paths=1, so_far=sent)
        steps.append({"kind": "backward", "card": f"n{i}", "sends": [send]})
    return in_one_view(
        {
            **{"title": "Large", "subtitle": "", "of": "L", "tokens": None},
            **{"width": 300 * columns, "height": 380 * -(-cards // columns)},
            **{"cards": made, "links": links, "steps": steps},
        }
    )


def long_sum():
    """z = x y over 384 terms, of which the corners are shown: 0..2 and 382, 383."""
    shown = [0, 1, 2, 382, 383]
    random = Random(1)
    x, y, z = (random_matrix(random, *s) for s in ((2, 5), (5, 2), (2, 2)))
    data = attention_head()
    a, b, c = data["cards"][:3]
    a.update(id="n0", name="x", value=grid(x, shape=[2, 384], columns=shown), how=None)
    b.update(id="n1", name="y", value=grid(y, shape=[384, 2], rows=shown), how=None)
    c.update(id="n2", name="z", value=grid(z), how=product("n0", "n1", 384))
    for card in (a, b, c):
        card["gradient"] = None
    steps = [{"kind": "forward", "card": "n2"}]
    view = data["views"][0]
    places = dict(zip(("n0", "n1", "n2"), view["places"].values()))
    view.update(places=places, lines=[], clusters=[])
    return {**data, "cards": [a, b, c], "links": [], "steps": steps, "tokens": None}


def batched():
    """Two batches: p = x w, s = p kᵀ, r = s + b, and u = r v, w and b being shared and
    v a vector; and a mask of truth values with a nan beside it."""
    random = Random(2)
    x, w, k, b, v = (
        random_matrix(random, *size)
        for size in ((6, 4), (4, 5), (6, 5), (1, 3), (1, 3))
    )
    p = matmul(x, w)
    s = [row for i in (0, 3) for row in matmul(p[i : i + 3], turned(k[i : i + 3]))]
    r = [[q + c for q, c in zip(row, b[0])] for row in s]
    u = [[row[0] for row in matmul(r[i : i + 3], turned(v))] for i in (0, 3)]
    labels = [f"[{i}]" for i in (0, 0, 0, 1, 1, 1)]
    told = {
        "x": (grid(x, shape=[2, 3, 4], labels=labels), None),
        "w": (grid(w), None),
        "k": (grid(k, shape=[2, 3, 5], labels=labels), None),
        "b": (grid(b, shape=[3]), None),
        "v": (grid(v, shape=[3]), None),
        "m": (grid([[True, False], [nan, -inf]]), None),
        "p": (grid(p, shape=[2, 3, 5], labels=labels), product("x", "w", 4)),
        "s": (
            grid(s, shape=[2, 3, 3], labels=labels),
            product("p", "k", 5, y_turned=True),
        ),
        "r": (
            grid(r, shape=[2, 3, 3], labels=labels),
            elementwise("{0} + {1}", ["∂{z}"] * 2, "s", "b"),
        ),
        "u": (grid(u), product("r", "v", 3)),
    }
    cards = []
    for i, (name, (numbers, how)) in enumerate(told.items()):
        place = {"x": 20 + i % 5 * 200, "y": 20 + i // 5 * 200, "w": 180, "h": 180}
        about = {"id": name, "name": name, "formula": name, "kind": "op", "module": ""}
        empty = {"shape": "", "sentence": "", "source": "", "gradient": None}
        cards.append({**about, **empty, **place, "value": numbers, "how": how})
    return in_one_view(
        {
            **{"title": "Batches", "subtitle": "", "of": "u", "tokens": None},
            **{"width": 1020, "height": 420, "links": []},
            "cards": cards,
            "steps": [{"kind": "forward", "card": name} for name in "mpsru"],
        }
    )


EVIL = {
    "tag": "<script>document.title = 'owned'</script><img src=x onerror=alert(1)>",
    "quotes": "\"'`&amp;</script></noscript><!--",
    "long": "w" * 10_000,
    "hebrew": "\u05d0\u05d1\u05d2",
    "turned": "a\u202eb",
    "control": "a\x00\x07\x1b[31m\u2028b",
    "surrogate": "\ud800",
    "template": "{{script}} ${1} \\1",
}


def hostile(name):
    """The head, with every name and sentence replaced."""
    data = attention_head()
    for card in data["cards"]:
        card.update(dict.fromkeys(("name", "formula", "sentence", "source"), name))
        card.update(dict.fromkeys(("module", "shape"), name))
    for at in data["links"]:
        at["rule"] = name
    for step in data["steps"]:
        for send in step.get("sends", []):
            send["rule"] = name
    for cluster in data["views"][0]["clusters"]:
        cluster["name"] = name
    return {**data, "title": name, "subtitle": name, "of": name, "tokens": [name] * T}
