"""Attention as a look-up in which nothing is chosen, and everything has a gradient.

    python3 examples/attention_as_lookup.py
    python3 examples/attention_as_lookup.py --out pictures   # draws it too

You see one head on one sentence, with an embedding so small that every number has a
meaning: which token asks, what each offers, energies, weights, the weighted sum; what
happens without the √d_k; what masks do; and what two heads find that one cannot.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, quantiles

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # without installing

import examples.interpreter  # first: it refuses an old Python
import nn
from examples.common import lesson, section
from examples.sentence import (
    FEATURES,
    KEYS,
    PAD,
    SENTENCE,
    SWAPPED,
    VALUES,
    Heads,
    embedding,
    head,
)
from tinygrad_attn import (
    Tensor,
    draw,
    draw_attention,
    grad,
    manual_seed,
    play,
    randn,
    record,
)
from tinygrad_attn.functional import causal_mask, softmax

# Title → weights, tokens, mask: what `draw_attention` takes.
Shown = dict[str, tuple[Tensor, Sequence[str], Tensor | None]]

# === What √d_k is for =================================================================


def lookups(d_k: int, draws: int, scaled: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Queries and keys at random, seven keys for each query.

    Returns:
        Energies, weights, and ∂L/∂energies, for an L that is a random direction in the
        weights; each (draws, 7).
    """
    manual_seed(d_k)
    q, k, g = randn(draws, 1, d_k), randn(draws, 7, d_k), randn(draws, 7)
    products = (q @ k.mT).reshape(draws, 7)
    energies = products / (math.sqrt(d_k) if scaled else 1.0)
    weights = softmax(energies.requires_grad_())
    (gradient,) = grad((weights * g).sum(), energies)
    return energies.detach(), weights.detach(), gradient


def measured(d_k: int, draws: int, scaled: bool) -> tuple[float, float, float, float]:
    """The variance of energies; the largest weight on average; and the length of the
    gradient, which half of the draws, and a tenth of them, do not reach."""
    energies, weights, gradient = lookups(d_k, draws, scaled)
    lengths = [math.hypot(*row) for row in gradient.tolist()]
    tenths = quantiles(lengths, n=10)
    largest = mean(max(row) for row in weights.tolist())
    return (energies * energies).mean().item(), largest, tenths[4], tenths[0]


# === How it is printed ================================================================


def row_of(numbers: Sequence[float], width: int = 7) -> str:
    """Numbers in columns; what is exactly 0 is a dot."""
    cells = [f"{x:.2f}" if x else "·" for x in numbers]
    return "".join(f"{'0.00' if c == '-0.00' else c:>{width}}" for c in cells)


def matrix(tokens: Sequence[str], columns: Sequence[str], t: Tensor) -> None:
    """A table with a row for each token."""
    print("    " + " " * 8 + "".join(f"{c[:6]:>7}" for c in columns))
    for token, numbers in zip(tokens, t.tolist()):
        print(f"    {token:8}{row_of(numbers)}")


def bar(weight: float) -> str:
    """A weight as a bar."""
    return "█" * round(24 * weight)


def saturation() -> None:
    """With and without √d_k: one look-up, and 200."""
    names = "without", "with"
    one = [lookups(64, 1, scaled)[1].tolist()[0] for scaled in (False, True)]
    print("    one look-up, d_k = 64: its seven weights")
    for name, weights in zip(names, one):
        print(f"    {name:8}{row_of(weights)}")
    print("\n                variance of  largest    length of ∂L/∂energies is below")
    print("    d_k            energies   weight       in half       in a tenth")
    for d_k in (4, 16, 64, 256):
        for name, scaled in zip(names, (False, True)):
            variance, largest, half, tenth = measured(d_k, 200, scaled)
            told = f"{variance:11.2f}{largest:9.2f}{half:14.1e}{tenth:17.1e}"
            print(f"    {d_k:3} {name:8}{told}")


def main(argv: Sequence[str] | None = None) -> int:
    return lesson("Attention as a look-up", teach, argv, __file__)


def teach(out: Path | None) -> None:
    x, one = embedding(SENTENCE), head(places=1)
    weights = look_up(x, one)
    why_scale()
    shown: Shown = {"one head": (weights, SENTENCE, None)}
    shown |= masks(x, one, weights)
    shown |= two_heads(x)
    if out is None:
        print("\n\nWith --out DIR this lesson draws it all.")
        return
    section("11. Pictures")
    pictures(out, shown)


def look_up(x: Tensor, one: nn.AttentionHead) -> Tensor:
    """One head, step by step, for one token; returns the weights of all."""
    section("1. The sentence, as numbers")
    print("A row for each token: its kind, what it means, and its place on a circle.\n")
    matrix(SENTENCE, FEATURES, x)

    section("2. Who asks, and what is offered")
    print("Three matrices make three things of each row: a query Q = X W_Q, what it")
    print("asks; a key K = X W_K, by which it is found; a value V = X W_V, what is")
    print("fetched. Here an adjective asks for a noun, a noun for a verb, a verb for a")
    print("noun; each also for the next place, which is the circle turned by one.\n")
    Q, K, V = x @ one.W_Q, x @ one.W_K, x @ one.W_V
    print("              Q: asks                   K: offers                 V: gives")
    columns = [*(c[:4] for c in KEYS), *(c[:4] for c in KEYS), *VALUES]
    print("            " + "".join(f"{c:>6}" for c in columns))
    for token, *parts in zip(SENTENCE, *(t.tolist() for t in (Q, K, V))):
        print(f"    {token:8}" + "".join(row_of(part, 6) for part in parts))

    asking = SENTENCE.index("small")
    section(f"3. Energies: what “{SENTENCE[asking]}” asks, against each key")
    print("Multiply number by number and add: large where both are.\n")
    q, products = Q[asking].tolist(), (Q @ K.mT)[asking].tolist()
    for token, key, product in zip(SENTENCE, K.tolist(), products):
        terms = " + ".join(f"{a:5.2f}·{b:5.2f}" for a, b in zip(q, key))
        print(f"    {token:8}{terms} = {product:6.2f}")

    section("4. Weights: energies / √d_k, then softmax")
    scale = math.sqrt(len(KEYS))
    energies = [product / scale for product in products]
    total = sum(map(math.exp, energies))
    print(f"d_k = {len(KEYS)}, so each is divided by {scale:g}. e to the power of it")
    print(f"is positive; divided by the sum, {total:.2f}, all add up to 1.\n")
    print("            energy  e^energy  weight")
    for token, energy in zip(SENTENCE, energies):
        power = math.exp(energy)
        told = f"{energy:6.2f}{power:10.2f}{power / total:8.4f}  {bar(power / total)}"
        print(f"    {token:8}{told}".rstrip())

    section("5. The weighted sum: what is fetched")
    blend = [0.0] * len(VALUES)
    print("    weight · value" + "".join(f"{name:>9}" for name in VALUES))
    for token, energy, value in zip(SENTENCE, energies, V.tolist()):
        share = [math.exp(energy) / total * v for v in value]
        blend = [b + s for b, s in zip(blend, share)]
        print(f"    {token:14}{row_of(share, 9)}")
    print(f"    {'z':14}{row_of(blend, 9)}")
    z: Tensor
    weights: Tensor
    z, weights = one(x)
    off = max(abs(a - b) for a, b in zip(blend, z[asking].tolist()))
    print("\nA dictionary would return the one value whose key matches. This returns a")
    print("blend; in exchange, each number here has a gradient, and can be learned.")
    print(f"nn.AttentionHead finds the same z (within 1e-12: {off < 1e-12}).")

    section("6. All ask at once")
    print("Row by row who asks; in the columns whom it looks at. Each row adds to 1.\n")
    matrix(SENTENCE, SENTENCE, weights)

    return weights


def why_scale() -> None:
    """What happens without √d_k."""
    section("7. Why √d_k?")
    print("A product of d_k random pairs is a sum of d_k numbers: its variance grows")
    print("with d_k. Large energies make the softmax all but choose, and what is")
    print("chosen for certain has no slope: the gradient vanishes. In 200 look-ups:\n")
    saturation()
    print("\nDivided by √d_k the variance is 1 for every d_k, and the gradient stays.")


def masks(x: Tensor, one: nn.AttentionHead, weights: Tensor) -> Shown:
    """A causal mask, and one for padding."""
    section("8. A causal mask: no look at what comes later")
    print("A model that writes word by word must not see the next one. Where the mask")
    print("is False, the energy counts as -∞ and the weight is exactly 0.\n")
    causal = one(x, mask=causal_mask(len(SENTENCE)))[1]
    matrix(SENTENCE, SENTENCE, causal)
    asking = SENTENCE.index("small")
    seen, before = causal[asking].tolist(), weights[asking].tolist()
    most = max(range(len(seen)), key=seen.__getitem__)
    print(f"\n“{SENTENCE[asking]}” cannot see its noun, which comes later. It looks")
    print(f"most at “{SENTENCE[most]}” now: {seen[most]:.2f}, not {before[most]:.2f}.")

    section("9. A padding mask: no look at what is no token")
    padded = [*SENTENCE, PAD, PAD]
    print("Sentences of a batch are filled up to one length. The last word asks for")
    print("the next place too, and the filling stands there:\n")
    x_padded, last = embedding(padded), len(SENTENCE) - 1
    real = Tensor([[token != PAD for token in padded]])  # (1, S): True = may be seen
    print("    weight of   without  with the mask")
    without, masked = one(x_padded)[1], one(x_padded, mask=real)[1]
    for token, a, b in zip(padded, without[last].tolist(), masked[last].tolist()):
        print(f"    {token:10}{a:9.4f}{b:15.4f}")
    gap = (masked[last, : last + 1] - weights[last]).abs().max().item()
    print(f"\nWith it {SENTENCE[last]}'s weights are those of the bare sentence")
    print(
        f"(within 1e-12: {gap < 1e-12}). Who may look at nothing gets zeros, not nan:"
    )
    nothing = one(x, mask=Tensor([False] * len(SENTENCE)))[0]
    print(f"    z = {nothing[0].tolist()}")

    return {
        "causal mask": (causal, SENTENCE, causal_mask(len(SENTENCE))),
        "padding mask": (masked, padded, real),
    }


def two_heads(x: Tensor) -> Shown:
    """What two heads find and one cannot."""
    section("10. One head against two")
    verb = SENTENCE.index("chased")
    print("A verb needs two nouns: who did it, and to whom. One head that asks for a")
    print("noun has one row of weights, which adds up to 1: each noun gets a part.\n")
    single = Heads(anywhere=head(places=None))
    both = Heads(before=head(places=-2), after=head(places=2))
    maps = nn.attention_maps(single, x) | nn.attention_maps(both, x)
    names = list(maps)
    print("            " + "".join(f"{name:>9}" for name in names))
    rows = [maps[name][0, 0, verb].tolist() for name in names]
    for token, *numbers in zip(SENTENCE, *rows):
        print(f"    {token:8}" + "".join(f"{w:9.4f}" for w in numbers))
    print("\nTwo heads ask twice, with two rows: for a noun before, and a noun after.")
    print("Swap cat and mouse, and compare what “chased” has fetched:\n")
    print("                       cat chased mouse     mouse chased cat   difference")
    for name, model in ("one head", single), ("two heads", both):
        found = [model(embedding(s))[verb] for s in (SENTENCE, SWAPPED)]
        texts = [row_of(t.tolist(), 5) for t in found]
        apart = max(map(abs, (found[0] - found[1]).tolist()))
        print(f"    {name:14}{texts[0]:>21}{texts[1]:>21}{apart:13.2f}")
    first, second = (max(row) for row in rows[1:])
    print(f"\nTwo rows give {first:.2f} to one noun and {second:.2f} to the other:")
    print("that tells who chased whom. One row, which adds up to 1, cannot.")
    return {f"a noun {name}": (maps[name], SENTENCE, None) for name in maps}


def pictures(out: Path, shown: Shown) -> None:
    """Draws the maps, and the head as a graph and as a page that plays it."""
    written = []
    for title, (weights, tokens, mask) in shown.items():
        written.append(out / f"attention_{title.replace(' ', '_')}.svg")
        picture = draw_attention(
            weights, tokens, mask=mask, title=f"Attention: {title}"
        )
        picture.save(written[-1])
    one, asking = head(places=1), SENTENCE.index("small")
    with record():
        z, _ = one(embedding(SENTENCE))
        found = z[asking, VALUES.index("mouse")]
    title = "What “small” finds of a mouse"
    drawing = draw(found, head=(one, 0), title=title)
    written.append(drawing.save(out / "lookup.svg"))
    page = out / "lookup.html"
    play(found, page, head=(one, 0), tokens=SENTENCE, title=title)
    for path in written:
        print(f"    {path}")
    print(f"    {page}   ← open this one first")


if __name__ == "__main__":
    sys.exit(examples.interpreter.run(main))
