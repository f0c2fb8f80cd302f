"""A whole language model, one number at a time, on two kinds of Value.

The program is written as microgpt is: token and position embeddings, RMS norm, causal
attention of several heads over lists of keys and values, an MLP, softmax and
cross-entropy, Adam, and sampling at the end, with nothing but Values and lists. It runs
on ours and on a reference that is made as micrograd's is, with a closure for each node:
all losses, gradients and samples must agree.
"""

from __future__ import annotations

import math
import random

import pytest

from tinygrad_attn import Value

WORDS = ["deer", "reed", "red", "need", "end", "nerd", "render"]
LETTERS = sorted(set("".join(WORDS)))
BOUNDARY = len(LETTERS)  # the token before a word and after it
VOCABULARY = len(LETTERS) + 1
WIDTH, HEADS, LAYERS, CONTEXT = 8, 2, 1, 7


class Closures:
    """The reference: a number whose every result carries a function that sends its
    gradient on."""

    def __init__(self, data, made_of=()):
        self.data, self.grad = data, 0
        self.made_of = made_of
        self.send = None

    def made(self, data, *slopes):
        """A result of the Values in `slopes`, pairs of a Value and a derivative."""
        z = Closures(data, tuple(v for v, _ in slopes))

        def send():
            for v, slope in slopes:
                v.grad += slope * z.grad

        z.send = send
        return z

    def __add__(self, y):
        y = y if isinstance(y, Closures) else Closures(y)
        return self.made(self.data + y.data, (self, 1.0), (y, 1.0))

    def __mul__(self, y):
        y = y if isinstance(y, Closures) else Closures(y)
        return self.made(self.data * y.data, (self, y.data), (y, self.data))

    def __pow__(self, n):
        return self.made(self.data**n, (self, n * self.data ** (n - 1)))

    def __neg__(self):
        return self * -1

    def __sub__(self, y):
        return self + -y

    def __truediv__(self, y):
        return self * y**-1

    def __rtruediv__(self, y):
        return self**-1 * y

    __radd__, __rmul__ = __add__, __mul__

    def exp(self):
        z = math.exp(self.data)
        return self.made(z, (self, z))

    def log(self):
        return self.made(math.log(self.data), (self, 1 / self.data))

    def relu(self):
        return self.made(max(0.0, self.data), (self, float(self.data > 0)))

    def backward(self):
        order, listed, stack = [], set(), [(self, False)]
        while stack:
            v, complete = stack.pop()
            if complete:
                order.append(v)
            elif v not in listed:
                listed.add(v)
                stack.append((v, True))
                stack += [(x, False) for x in v.made_of]
        self.grad = 1.0
        for v in reversed(order):
            if v.send:
                v.send()


# --- the program ----------------------------------------------------------------------


def linear(x, rows):
    return [sum(w * v for w, v in zip(row, x)) for row in rows]


def softmax(scores):
    highest = max(s.data for s in scores)
    powers = [(s - highest).exp() for s in scores]
    total = sum(powers)
    return [p / total for p in powers]


def rms_norm(x):
    scale = (sum(v * v for v in x) / len(x) + 1e-5) ** -0.5
    return [v * scale for v in x]


def add(x, y):
    return [a + b for a, b in zip(x, y)]


def fresh_weights(make, rng):
    def matrix(rows, columns, std=0.2):
        return [[make(rng.gauss(0, std)) for _ in range(columns)] for _ in range(rows)]

    weights = {
        "tokens": matrix(VOCABULARY, WIDTH),
        "positions": matrix(CONTEXT, WIDTH),
        "scores": matrix(VOCABULARY, WIDTH),
    }
    for layer in range(LAYERS):
        for name in ("query", "key", "value", "out"):
            weights[name, layer] = matrix(WIDTH, WIDTH)
        weights["up", layer] = matrix(2 * WIDTH, WIDTH)
        weights["down", layer] = matrix(WIDTH, 2 * WIDTH)
    return weights


def attend(query, keys, values):
    """One head's answer: it sees what has been appended to keys and values so far."""
    size = WIDTH // HEADS
    answer = []
    for start in range(0, WIDTH, size):
        part = slice(start, start + size)
        scores = [
            sum(q * k for q, k in zip(query[part], key[part])) / size**0.5
            for key in keys
        ]
        shares = softmax(scores)
        answer += [
            sum(s * value[i] for s, value in zip(shares, values))
            for i in range(start, start + size)
        ]
    return answer


def predict(weights, token, position, keys, values):
    """Scores for the next token; remembers this one's keys and values."""
    x = rms_norm(add(weights["tokens"][token], weights["positions"][position]))
    for layer in range(LAYERS):
        y = rms_norm(x)
        keys[layer].append(linear(y, weights["key", layer]))
        values[layer].append(linear(y, weights["value", layer]))
        query = linear(y, weights["query", layer])
        y = attend(query, keys[layer], values[layer])
        x = add(x, linear(y, weights["out", layer]))
        y = [v.relu() for v in linear(rms_norm(x), weights["up", layer])]
        x = add(x, linear(y, weights["down", layer]))
    return linear(x, weights["scores"])


def loss_of(weights, word):
    tokens = [BOUNDARY, *map(LETTERS.index, word), BOUNDARY]
    keys, values = ([[] for _ in range(LAYERS)] for _ in range(2))
    losses = []
    for position, (token, following) in enumerate(zip(tokens, tokens[1:])):
        shares = softmax(predict(weights, token, position, keys, values))
        losses.append(-shares[following].log())
    return (1 / len(losses)) * sum(losses)


def sample(weights, rng, temperature=0.5):
    keys, values = ([[] for _ in range(LAYERS)] for _ in range(2))
    token, word = BOUNDARY, ""
    for position in range(CONTEXT):
        scores = predict(weights, token, position, keys, values)
        shares = softmax([s / temperature for s in scores])
        token = rng.choices(range(VOCABULARY), weights=[s.data for s in shares])[0]
        if token == BOUNDARY:
            break
        word += LETTERS[token]
    return word


def learn(make, steps):
    """All losses, all gradients of every step, and some words that are made up."""
    rng = random.Random(7)
    weights = fresh_weights(make, rng)
    parameters = [p for matrix in weights.values() for row in matrix for p in row]
    means, squares = [0.0] * len(parameters), [0.0] * len(parameters)
    losses, gradients = [], []
    for step in range(steps):
        loss = loss_of(weights, WORDS[step % len(WORDS)])
        loss.backward()
        losses.append(loss.data)
        gradients.append([p.grad for p in parameters])
        rate = 0.05 * (1 - step / steps)
        for i, p in enumerate(parameters):
            means[i] = 0.85 * means[i] + 0.15 * p.grad
            squares[i] = 0.99 * squares[i] + 0.01 * p.grad**2
            mean = means[i] / (1 - 0.85 ** (step + 1))
            square = squares[i] / (1 - 0.99 ** (step + 1))
            p.data -= rate * mean / (square**0.5 + 1e-8)
            p.grad = 0
    return losses, gradients, [sample(weights, rng) for _ in range(5)]


def test_a_language_model_learns_the_same_on_our_value():
    losses, gradients, words = learn(Value, steps=8)
    want_losses, want_gradients, want_words = learn(Closures, steps=8)
    assert losses == pytest.approx(want_losses, rel=1e-9)
    for got, want in zip(gradients, want_gradients):
        assert got == pytest.approx(want, rel=1e-9, abs=1e-9)
        assert max(map(abs, want)) > 1e-3
    assert words == want_words
    assert losses[0] == pytest.approx(math.log(VOCABULARY), abs=0.5)  # a guess
    assert losses[7] < 0.9 * losses[0]  # the first word again
