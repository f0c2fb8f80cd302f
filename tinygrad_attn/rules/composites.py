"""Chapter 7: softmax, layer norm, attention: functions made of the primitives.

A composite's forward is written with the names of a namespace `xp` and with other
composites, which are called as `softmax(xp, x)`. On Tensors each such call is one step
of the graph, so a picture can open it one level at a time: attention into products,
scaling, mask and softmax; softmax into exp, sum and division.

Some carry a vjp derived by hand. It is the result of multiplying out the rules of the
parts and simplifying; a test compares each with the gradient of its parts. The
vocabulary is that of primitives.py: g = ∂L/∂z.
"""

from __future__ import annotations

import math

from .activations import dropout
from .operation import composite
from .primitives import as_rows, matrix_transpose

# === 1. Softmax and cross-entropy =====================================================


@composite(
    "softmax",
    z="softmax(x{along})",
    means="exp x / {Σ} exp x",
    x="z ⊙ (∂z − {Σ} ∂z ⊙ z)",
)
def softmax(xp, x, *, axis=-1):
    """Each row becomes positive and adds up to 1.

    The largest x is subtracted first. That changes nothing, as exp(x - m)/Σexp(x - m) =
    exp(x)/Σexp(x), but no exp can overflow. For the same reason m has no influence on z
    and is given no gradient.
    """
    m = xp.stop_gradient(xp.max(x, axis=axis, keepdims=True))  # a constant from here on
    e = xp.exp(x - m)
    return e / xp.sum(e, axis=axis, keepdims=True)


@softmax.defvjp
def softmax_vjp(xp, g, z, inputs, needs, saved, *, axis=-1):
    """Each row adds up to 1, so raising one weight lowers the others: only what differs
    from its weighted mean passes.

    Write zᵢ = exp(xᵢ)/s with s = Σₖ exp(xₖ), so that ∂s/∂xⱼ = exp(xⱼ). xⱼ is in the
    denominator, and in the numerator if i = j. By the quotient rule, δᵢⱼ being 1 if
    i = j and else 0:

        ∂zᵢ/∂xⱼ = δᵢⱼ exp(xᵢ)/s - exp(xᵢ) exp(xⱼ)/s² = zᵢ (δᵢⱼ - zⱼ)
        ∂L/∂xⱼ  = Σᵢ gᵢ zᵢ (δᵢⱼ - zⱼ)                 = zⱼ (gⱼ - Σᵢ gᵢ zᵢ)

    Σᵢ gᵢ zᵢ is the average of g with the weights z: raising xⱼ raises L if
    gⱼ is above it.
    The gradients add up to 0, as adding one constant to all x changes nothing. The n ×
    n matrix ∂z/∂x is never built.
    """
    average = xp.sum(g * z, axis=axis, keepdims=True)
    return (z * (g - average),)


@composite(
    "norm",
    z="ln softmax(x{along})",
    means="x − ln {Σ} exp x",
    x="∂z − exp(z) ⊙ {Σ} ∂z",
)
def log_softmax(xp, x, *, axis=-1):
    """The logarithm of the softmax, exact where the softmax is close to 0.

    ln softmax(x)ᵢ = xᵢ - ln Σₖ exp(xₖ).
    """
    m = xp.stop_gradient(xp.max(x, axis=axis, keepdims=True))
    shifted = x - m
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=axis, keepdims=True))


@log_softmax.defvjp
def log_softmax_vjp(xp, g, z, inputs, needs, saved, *, axis=-1):
    """The probabilities add up to 1: raising one number raises its own output, and
    lowers all by its probability.

    ∂zᵢ/∂xⱼ = δᵢⱼ - softmax(x)ⱼ, so ∂L/∂xⱼ = gⱼ - softmax(x)ⱼ Σᵢ gᵢ, and softmax(x) is
    exp(z).
    """
    return (g - xp.exp(z) * xp.sum(g, axis=axis, keepdims=True),)


@composite(
    "norm",
    z="−Σⱼ target ⊙ ln softmax(logits)",
    logits="∂z ⊙ (softmax(logits) ⊙ Σⱼ target − target)",
    target="−∂z ⊙ ln softmax(logits)",
)
def cross_entropy(xp, logits, target):
    """How surprised one is, in nats, who expects softmax(`logits`) when `target` is
    true.

    `logits` and `target` are (N, C), z is (N,): zₙ = -Σₜ qₙₜ ln pₙₜ, where p is
    softmax(logits), row by row. Row q of target is
    a distribution over the C classes; if one class t is right, it is 1 there, and z is
    -ln p[t]. 0 · ln 0 counts as 0. Nats are the unit of ln: 0 for a certainty, ln C for
    a guess among C.
    """
    log_p = log_softmax(xp, logits, axis=-1)
    nats = xp.where(target == 0.0, 0.0, target * log_p)
    return -xp.sum(nats, axis=(1,)), log_p  # (N,)


@cross_entropy.defvjp
def cross_entropy_vjp(xp, g, z, inputs, needs, saved):
    """Raising a logit costs its probability and gains its target: prediction minus
    truth.

    With x a row of logits, -Σₜ qₜ ln pₜ = Σₜ qₜ (ln Σₖ exp(xₖ) - xₜ), whose derivative
    in xⱼ is pⱼ Σₜ qₜ - qⱼ. For a q that adds up to 1, ∂L/∂x = g (p - q).
    """
    logits, q = inputs
    log_p = log_softmax(xp, logits, axis=-1) if saved is None else saved
    g = xp.reshape(g, (*g.shape, 1))  # (N, 1)
    dx = dq = None
    if needs[0]:
        dx = g * (xp.exp(log_p) * xp.sum(q, axis=(1,), keepdims=True) - q)
    if needs[1]:
        dq = -g * log_p
    return dx, dq


@composite("reduction", z="Σ x / n", x="∂z / n, repeated", n="−∂z ⊙ z / n")
def mean_of_counted(xp, x, n):
    """All numbers added up, and divided by `n`, how many of them count.

    If none does, z is nan: there is no mean.
    """
    none = n == 0.0
    total = xp.sum(x, axis=tuple(range(x.ndim)))
    return xp.where(none, math.nan, total / xp.where(none, 1.0, n))


@mean_of_counted.defvjp
def mean_of_counted_vjp(xp, g, z, inputs, needs, saved):
    """Each number counts 1/`n` in the mean, so that is its slope; and a larger `n`
    brings the mean closer to 0.

    If none counts, nothing flows back.
    """
    x, n = inputs
    none = n == 0.0
    share = xp.where(none, 0.0, g / xp.where(none, 1.0, n))
    dx = dn = None
    if needs[0]:
        dx = xp.broadcast_to(xp.reshape(share, (1,) * x.ndim), x.shape)
    if needs[1]:
        dn = -share * xp.where(none, 0.0, z)
    return dx, dn


# === 2. Linear and normalization ======================================================


@composite("product", z="x weightᵀ + bias", x="∂z weight", weight="∂zᵀ x", bias="∂z")
def linear(xp, x, weight, bias):
    """Each number is the inner product of a row of `x` and a row of `weight`.

    (..., d_in) → (..., d_out), with a weight of shape (d_out, d_in).
    """
    z = xp.matmul(x, matrix_transpose(xp, weight))
    if bias is not None:
        z += bias  # in its place, where arrays can: z is ours alone
    return z


@linear.defvjp
def linear_vjp(xp, g, z, inputs, needs, saved):
    """A number of `x` is multiplied by a whole column of `weight`, so it collects from
    every output; `weight` meets every row of `x`, and collects from all rows.

    With W = weight and b = bias, ∂L/∂x = g W, and ∂L/∂W = gᵀ x over all rows of the
    batch. b is added to every row, so ∂L/∂b is the sum of g's rows (the walk takes it,
    see the note on broadcasting in primitives.py).
    """
    x, weight, _ = inputs
    dx = dw = None
    if needs[0]:
        dx = xp.matmul(g, weight)
    if needs[1]:
        dw = xp.matmul(matrix_transpose(xp, as_rows(xp, g)), as_rows(xp, x))
    return dx, dw, g


@composite(
    "norm",
    z="norm(x{along}) ⊙ weight + bias",
    means="(x − mean x) / √(var x + eps) ⊙ weight + bias",
    x="s ⊙ (ĝ − mean ĝ − x̂ ⊙ mean(ĝ ⊙ x̂)), ĝ = ∂z ⊙ weight",
    weight="∂z ⊙ x̂",
    bias="∂z",
)
def layer_norm(xp, x, weight, bias, *, axis=(-1,), eps=1e-5):
    """Each row is shifted to mean 0 and divided by its standard deviation.

    x̂ = (x - μ)/√(σ² + ε). Ba, Kiros & Hinton 2016, "Layer Normalization", equations 3
    and 4. μ is the mean and σ² the biased variance (divided by n) over the last axes; ε
    stands inside the root, as in PyTorch.
    """
    x_hat, s = normalize(xp, x, axis, eps)
    z = x_hat
    if weight is not None:
        z = z * weight
    if bias is not None:
        z = z + bias
    return z, (x_hat, s)


@layer_norm.defvjp
def layer_norm_vjp(xp, g, z, inputs, needs, saved, *, axis=(-1,), eps=1e-5):
    """Shifting or stretching a row changes nothing, so no gradient points that way.

    Write ĝ = g ⊙ weight = ∂L/∂x̂ and s = 1/√(σ² + ε), so x̂ = (x - μ) s.
    xᵢ enters x̂ⱼ in three ways: as xⱼ itself if i = j, through μ, and through σ². There
    ∂σ²/∂xᵢ = 2(xᵢ - μ)/n; its part through μ has the factor Σ(xₖ - μ), which is 0.

        ∂μ/∂xᵢ  = 1/n            ∂s/∂xᵢ = -½ s³ · 2(xᵢ - μ)/n = -s² x̂ᵢ/n
        ∂x̂ⱼ/∂xᵢ = s (δᵢⱼ - 1/n) + (xⱼ - μ) ∂s/∂xᵢ = s (δᵢⱼ - 1/n - x̂ᵢ x̂ⱼ/n)
        ∂L/∂xᵢ = Σⱼ ĝⱼ ∂x̂ⱼ/∂xᵢ = s (ĝᵢ - mean(ĝ) - x̂ᵢ · mean(ĝ ⊙ x̂))

    so ĝ loses its part along the constant vector and (up to ε) its part along x̂. Over
    all rows, ∂L/∂weight = Σ g ⊙ x̂ and ∂L/∂bias = Σ g (the walk takes these sums).
    """
    x, weight, _ = inputs
    x_hat, s = normalize(xp, x, axis, eps) if saved is None else saved
    g_hat = g if weight is None else g * weight
    dx = None
    if needs[0]:
        along_ones = mean(xp, g_hat, axis=axis)
        along_x_hat = mean(xp, g_hat * x_hat, axis=axis)
        dx = s * (g_hat - along_ones - x_hat * along_x_hat)
    return dx, g * x_hat if needs[1] else None, g


@composite(
    "norm",
    z="x / rms(x{along}) ⊙ weight",
    means="x / √(mean(x²) + eps) ⊙ weight",
    x="s ⊙ (ĝ − x̂ ⊙ mean(ĝ ⊙ x̂)), ĝ = ∂z ⊙ weight",
    weight="∂z ⊙ x̂",
)
def rms_norm(xp, x, weight, *, axis=(-1,), eps=1e-6):
    """Each row is divided by the root of its mean square, √(mean(`x`²) + ε).

    Layer norm without the mean. Zhang & Sennrich 2019, "Root Mean Square Layer
    Normalization", equation 4.
    """
    s = 1.0 / xp.sqrt(mean(xp, x * x, axis=axis) + eps)
    x_hat = x * s
    return x_hat if weight is None else x_hat * weight, (x_hat, s)


@rms_norm.defvjp
def rms_norm_vjp(xp, g, z, inputs, needs, saved, *, axis=(-1,), eps=1e-6):
    """Stretching a row changes nothing, so no gradient points that way.

    As for layer_norm with μ = 0: s = 1/√(mean(x²) + ε), x̂ = x s, and
    ∂L/∂x = s (ĝ - x̂ · mean(ĝ ⊙ x̂)).
    """
    x, weight = inputs
    if saved is None:
        s = 1.0 / xp.sqrt(mean(xp, x * x, axis=axis) + eps)
        saved = x * s, s
    x_hat, s = saved
    g_hat = g if weight is None else g * weight
    dx = None
    if needs[0]:
        dx = s * (g_hat - x_hat * mean(xp, g_hat * x_hat, axis=axis))
    return dx, g * x_hat if needs[1] else None


def normalize(xp, x, axis, eps):
    """x̂ and s = 1/√(σ² + ε).

    The first x of each row is subtracted before the mean is. That changes nothing, but
    equal numbers are 0 then, whose mean is not rounded.
    """
    first = [slice(None)] * x.ndim
    for a in axis:
        first[a] = slice(1)  # its first place
    shifted = x - xp.stop_gradient(x[tuple(first)])  # a constant from here on
    centered = shifted - mean(xp, shifted, axis=axis)
    s = 1.0 / xp.sqrt(mean(xp, centered * centered, axis=axis) + eps)
    return centered * s, s


def mean(xp, x, *, axis):
    """The mean over axes, which are kept with size 1."""
    total = xp.sum(x, axis=axis, keepdims=True)
    return total * (1.0 / max(x.size // max(total.size, 1), 1))


# === 3. Attention =====================================================================


@composite(
    "attention",
    z="softmax(scale · query keyᵀ) value",
    query="(scale · A ⊙ (∂A − Σⱼ ∂A ⊙ A)) key, ∂A = ∂z valueᵀ",
    key="(scale · A ⊙ (∂A − Σⱼ ∂A ⊙ A))ᵀ query, ∂A = ∂z valueᵀ",
    value="Aᵀ ∂z",
    by_matrix=True,
)
def scaled_dot_product_attention(
    xp, query, key, value, attn_mask, seeing, keep, *, scale, p=0.0
):
    """For each query a blend of the values, by how well their keys match.

    z = softmax(Q Kᵀ · scale) V, scale = 1/√d_k: a soft look-up. Vaswani et al. 2017,
    "Attention Is All You Need", equation 1. Query i asks, key j offers; their inner
    product, the energy, says how well they match. The softmax turns row i's energies
    into weights that add up to 1, and z's row i is the sum of the values, so weighted.

        query (..., T, d_k)   key (..., S, d_k)   value (..., S, d_v)   z (..., T, d_v)

    **Why 1/√d_k?** If the components of q and k are independent, of mean 0 and
    variance 1, then q·k is a sum of d_k products of variance 1: its variance is d_k.
    Energies that large push the softmax towards a single 1 among zeros. There the
    softmax's gradient Aⱼ (dAⱼ - Σₖ dAₖ Aₖ) vanishes (A, dA as below): Aⱼ is 0 for the
    losers, and for the winner the sum is its own dAⱼ.
    Divided by √d_k the energies have variance 1 whatever the width of the head.

    `attn_mask` (boolean, broadcast to (..., T, S)) is true where query i may attend to
    key j. Elsewhere the energy becomes -∞, and exp(-∞) is exactly 0.
    `seeing` (..., T, 1) is None if each query may attend to something. Where it is
    false, a row of -∞ alone would give 0/0: its weights, and so its z, are set to 0.
    `keep` with `p` is the dropout of the weights.
    """
    products = xp.matmul(query, matrix_transpose(xp, key))  # (..., T, S)
    energies = products * scale
    masked = energies
    if attn_mask is not None:
        masked = xp.where(attn_mask, energies, -math.inf)
    if seeing is not None:
        filled = xp.where(seeing, masked, 0.0)
        weights = xp.where(seeing, softmax(xp, filled, axis=-1), 0.0)
    else:
        weights = softmax(xp, masked, axis=-1)
    kept = weights if keep is None else dropout(xp, weights, keep, p=p)
    z = xp.matmul(kept, value)  # (..., T, d_v)
    return z, (weights, kept)


@scaled_dot_product_attention.defvjp
def attention_vjp(xp, g, z, inputs, needs, saved, *, scale, p=0.0):
    """A key is drawn to the query where its value serves better than the blend does.

    With P = Q Kᵀ, E = P · scale (and mask), A = softmax(E), A' = dropout(A) and
    z = A' V. From the back, writing dX for ∂L/∂X:

        dV = A'ᵀ g        dA' = g Vᵀ                   the matrix product z = A' V
        dA = dA' where kept, times 1/(1 - p)           dropout
        dE = A ⊙ (dA - Σⱼ dAⱼ Aⱼ)                      the softmax, row by row
        dP = dE · scale
        dQ = dP K         dK = dPᵀ Q                   the matrix product P = Q Kᵀ

    Where the mask is false A is 0, and so is dE: no case of its own. With the rows gᵢ,
    zᵢ and vⱼ of g, z and V, Σⱼ dAᵢⱼ Aᵢⱼ = Σⱼ (gᵢ·vⱼ) A'ᵢⱼ = gᵢ·zᵢ: a sum over d_v
    numbers, not S (Dao et al. 2022, "FlashAttention", appendix B).
    """
    query, key, value, _, _, keep = inputs
    if saved is None:
        _, saved = scaled_dot_product_attention.forward(xp, *inputs, scale=scale, p=p)
    weights, kept = saved
    dq = dk = dv = None
    if needs[2]:
        dv = xp.matmul(matrix_transpose(xp, kept), g)
    if needs[0] or needs[1]:
        d_kept = xp.matmul(g, matrix_transpose(xp, value))
        # dropout is linear, element by element: its gradient passes the same gate
        d_weights = d_kept if keep is None else dropout(xp, d_kept, keep, p=p)
        average = xp.sum(g * z, axis=-1, keepdims=True)
        d_energies = weights * (d_weights - average)
        d_products = d_energies * scale
        dq = xp.matmul(d_products, key)
        dk = xp.matmul(matrix_transpose(xp, d_products), query)
    return dq, dk, dv, None, None, None


# The steps of attention, by their kind and their name in the code above (and in the
# projections that a layer makes before it), for pictures.
STEPS = {
    ("product", "Q"): "Each position's query: it looks for keys that match.",
    ("product", "K"): "Each position's key: queries find the position by it.",
    ("product", "V"): "Each position's value: queries fetch it.",
    ("product", "products"): "How well does query i match key j? One inner product for "
    "each pair.",
    ("elementwise", "energies"): "Scaled by 1/√d_k, so that the softmax does not "
    "saturate.",
    ("choice", "masked"): "Keys that a query may not attend to get −∞.",
    ("choice", "filled"): "A query that may attend to nothing gets a row of 0: the "
    "softmax of −∞ alone would be 0/0.",
    ("softmax", "weights"): "Each query's energies become weights that add up to 1.",
    ("choice", "weights"): "A query that may attend to nothing has no weights at all.",
}
