"""Every operation on paper: a table of formulas, rules and sentences.

`formulas.py` fills in the names. {0} and {1} are the names of the inputs, {z} that of
the result, {0t} is input 0 transposed, and {all} are all inputs. A setting of the step,
such as {p}, stands under its own name, and `formulas.details` writes {over}, {along},
{each} and {part}. ∂z is short for ∂L/∂z. There is a rule for each input, in order. A
test checks that the table has every operation.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """The words for an operation.

    Attributes:
        formula: the right-hand side.
        rules: for each input the contribution to its gradient; "" if there is none.
        sentence: one sentence in plain words.
        kind: which numbers of the inputs make a number of the result: "elementwise"
            (those at its place), "product" (a row and a column), "rowwise" (its row),
            "all" (many, or all), "moved" (exactly one).
        sign: the operator that stands between two numbers or before one, such as "+";
            "" if the formula has none.
    """

    formula: str
    rules: tuple[str, ...] = ("",)
    sentence: str = ""
    kind: str = "elementwise"
    sign: str = ""


COMPARED = "True where it holds. A jump has no slope, so no gradient passes."

WORDS = {
    # one input
    "neg": Words(
        "−{0}", ("−∂{z}",), "The sign changes, and so does the gradient's.", sign="−"
    ),
    "exp": Words("exp {0}", ("∂{z} ⊙ {z}",), "e to the power of each number."),
    "log": Words("ln {0}", ("∂{z} / {0}",), "The natural logarithm of each number."),
    "log1p": Words("ln(1 + {0})", ("∂{z} / (1 + {0})",), "ln(1 + x), exact near 0."),
    "sqrt": Words("√{0}", ("∂{z} / (2 {z})",), "The square root of each number."),
    "sin": Words("sin {0}", ("∂{z} ⊙ cos {0}",), "The sine of each number."),
    "cos": Words("cos {0}", ("−∂{z} ⊙ sin {0}",), "The cosine of each number."),
    "tanh": Words("tanh {0}", ("∂{z} ⊙ (1 − {z}²)",), "Each number, bent into −1..1."),
    "erf": Words("erf {0}", ("∂{z} ⊙ 2/√π · exp(−{0}²)",), "The error function."),
    # two inputs
    "add": Words("{0} + {1}", ("∂{z}", "∂{z}"), "Both receive the gradient.", sign="+"),
    "sub": Words("{0} − {1}", ("∂{z}", "−∂{z}"), "The difference.", sign="−"),
    "mul": Words(
        "{0} ⊙ {1}",
        ("∂{z} ⊙ {1}", "∂{z} ⊙ {0}"),
        "Number by number: each factor's slope is the other factor.",
        sign="·",
    ),
    "div": Words(
        "{0} / {1}",
        ("∂{z} / {1}", "−∂{z} ⊙ {z} / {1}"),
        "Number by number; the gradient is divided as well.",
        sign="/",
    ),
    "pow": Words(
        "{0} ^ {1}",
        ("∂{z} ⊙ {1} · {0} ^ ({1} − 1)", "∂{z} ⊙ {z} ⊙ ln {0}"),
        "A power of each number.",
        sign="^",
    ),
    "maximum": Words(
        "max({0}, {1})",
        ("∂{z} where {0} is larger", "∂{z} where {1} is larger"),
        "The larger of the two, which alone gets the gradient; at a tie, each half.",
    ),
    "where": Words(
        "{1} where {0}, else {2}",
        ("", "∂{z} where {0}, else 0", "0 where {0}, else ∂{z}"),
        "Each number is taken from one of two, and its gradient goes back there.",
    ),
    # reductions
    "sum": Words(
        "Σ {0}{over}",
        ("∂{z} for each number",),
        "All are added, so each receives all.",
        "all",
    ),
    "broadcast_to": Words(
        "{0}, repeated",
        ("Σ ∂{z} over the copies",),
        "Copies, whose gradients add up.",
        "moved",
    ),
    "max": Words(
        "max {0}{over}",
        ("∂{z} at the largest",),
        "Only the largest gets a gradient; at a tie they share it.",
        "all",
    ),
    # products
    "matmul": Words(
        "{0} {1}",
        ("∂{z} {1t}", "{0t} ∂{z}"),
        "Each number is a row of {0} times a column of {1}, added up.",
        "product",
    ),
    "linear": Words(
        "{0} {1t} + {2}",
        ("∂{z} {1}", "∂{z}ᵀ {0}", "Σ rows of ∂{z}"),
        "Each number is a row of {0} times a row of {1}, added up.",
        "product",
    ),
    # movement
    "reshape": Words(
        "{0}, reshaped", ("∂{z}, reshaped",), "The same numbers in rows anew.", "moved"
    ),
    "permute_dims": Words(
        "{0}, axes {axes}", ("∂{z}, axes back",), "The axes change places.", "moved"
    ),
    "getslice": Words(
        "{0}{part}",
        ("∂{z} at {part}, else 0",),
        "A part of it.",
        "moved",
    ),
    "place": Words("{0} among zeros", ("∂{z}{part}",), "Put among zeros.", "moved"),
    "concat": Words(
        "[{all}]",
        ("its part of ∂{z}",),
        "Side by side; each gets its part back.",
        "moved",
    ),
    "take": Words(
        "{0}[{1}]",
        ("Σ rows of ∂{z}, each where it was taken", ""),
        "A row is looked up for each index; a row taken twice receives twice.",
        "moved",
    ),
    "scatter_add": Words(
        "rows of {0} added at {1}",
        ("rows of ∂{z} at {1}", ""),
        "Rows that have the same index are added up.",
        "all",
    ),
    "astype": Words("{0} as {dtype}", ("∂{z}",), "The same numbers in another type."),
    # no gradient passes
    "equal": Words("{0} = {1}", ("", ""), COMPARED, sign="="),
    "not_equal": Words("{0} ≠ {1}", ("", ""), COMPARED, sign="≠"),
    "less": Words("{0} < {1}", ("", ""), COMPARED, sign="<"),
    "less_equal": Words("{0} ≤ {1}", ("", ""), COMPARED, sign="≤"),
    "greater": Words("{0} > {1}", ("", ""), COMPARED, sign=">"),
    "greater_equal": Words("{0} ≥ {1}", ("", ""), COMPARED, sign="≥"),
    "stop_gradient": Words(
        "{0}, held constant", ("",), "No gradient passes from here."
    ),
    # composites
    "softmax": Words(
        "softmax({0}{along})",
        ("{z} ⊙ (∂{z} − Σ ∂{z} ⊙ {z})",),
        "{each} becomes positive and adds up to 1.",
        "rowwise",
    ),
    "log_softmax": Words(
        "ln softmax({0}{along})",
        ("∂{z} − softmax({0}{along}) Σ ∂{z}",),
        "The logarithms of the softmax, which are exact where that is close to 0.",
        "rowwise",
    ),
    "cross_entropy": Words(
        "−Σ {1} ln softmax({0})",
        ("∂{z} ⊙ (softmax({0}) Σ {1} − {1})", "−∂{z} ⊙ ln softmax({0})"),
        "The surprise, in nats, at the right answer.",
        "rowwise",
    ),
    "layer_norm": Words(
        "norm({0}) ⊙ {1} + {2}",
        (
            "s (ĝ − mean ĝ − x̂ · mean(ĝ ⊙ x̂)), ĝ = ∂{z} ⊙ {1}",
            "Σ ∂{z} ⊙ x̂",
            "Σ rows of ∂{z}",
        ),
        "{each} is shifted to mean 0 and divided by its deviation.",
        "rowwise",
    ),
    "rms_norm": Words(
        "{0} / rms({0}) ⊙ {1}",
        ("s (ĝ − x̂ · mean(ĝ ⊙ x̂)), ĝ = ∂{z} ⊙ {1}", "Σ ∂{z} ⊙ x̂"),
        "{each} is divided by the root of its mean square.",
        "rowwise",
    ),
    "scaled_dot_product_attention": Words(
        "attention({0}, {1}, {2})",
        ("∂products {1}", "∂productsᵀ {0}", "weightsᵀ ∂{z}", "", ""),
        "For each query a blend of the values, by how well their keys match.",
        "all",
    ),
    "relu": Words(
        "relu({0})", ("∂{z} where {0} > 0, else 0",), "Negative numbers become 0."
    ),
    "gelu": Words("gelu({0})", ("∂{z} ⊙ (Φ({0}) + {0} ⊙ φ({0}))",), "A smooth relu."),
    "gelu_tanh": Words("gelu({0})", ("∂{z} ⊙ gelu′({0})",), "A smooth relu."),
    "dropout": Words(
        "{0} / (1 − {p}) where {1}, else 0",
        ("∂{z} / (1 − {p}) where {1}, else 0", ""),
        "Some are set to 0 by chance, and the others grow to make up for it.",
    ),
    "sigmoid": Words(
        "σ({0})", ("∂{z} ⊙ {z} ⊙ (1 − {z})",), "Each number, bent into 0..1."
    ),
    "silu": Words(
        "{0} ⊙ σ({0})", ("∂{z} ⊙ (σ({0}) + {z} ⊙ (1 − σ({0})))",), "A smooth relu."
    ),
    "softplus": Words("ln(1 + exp {0})", ("∂{z} ⊙ σ({0})",), "A smooth relu."),
    "leaky_relu": Words(
        "leaky_relu({0})",
        ("∂{z} where {0} > 0, else {slope} · ∂{z}",),
        "Negative numbers are made small.",
    ),
}

# The meaning of the steps of attention, by operation and by name in its source.
MEANINGS = {
    ("matmul", "Q"): "Each position's query: it looks for keys that match.",
    ("matmul", "K"): "Each position's key: queries find the position by it.",
    ("matmul", "V"): "Each position's value: queries fetch it.",
    ("matmul", "products"): "How well does query i match key j? One inner product for "
    "each pair.",
    ("div", "energies"): "Divided by √d_k, so that the softmax does not saturate.",
    ("mul", "energies"): "Times 1/√d_k, so that the softmax does not saturate.",
    ("where", "masked"): "Keys that a query may not attend to get −∞.",
    ("softmax", "weights"): "Each query's energies become weights that add up to 1.",
    ("where", "weights"): "A query that may attend to nothing has no weights at all.",
}

# (x yᵀ)ᵀ is written y xᵀ.
TURNED = {
    ("matmul", 0): "{1} ∂{z}ᵀ",
    ("matmul", 1): "∂{z}ᵀ {0}",
    ("linear", 1): "{0t} ∂{z}",
}

LEAVES = {
    "parameter": "A parameter: it is learned, so we want its gradient.",
    "input": "An input.",
    "constant": "A constant: it needs no gradient.",
}
