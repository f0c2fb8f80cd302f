"""A saved program in a real browser: loaded from the disk by a page, and trained there.

In Node.js the same texts are tested far more widely (test_javascript_*.py).
"""

from __future__ import annotations

import pytest
from conftest import needs_numpy

import nn
from tinygrad_attn import manual_seed, randint, use_backend, write
from tinygrad_attn.functional import cross_entropy

pytest.importorskip("playwright.sync_api", reason="needs Playwright")

PAGE = '<!doctype html><title>A program</title><script src="step.js"></script>'
TRAIN = """(batches) => {
  const program = createProgram(numbers);
  const weight = () => [...program.read(program.parameters.head_weight)];
  const losses = batches.map((given) => program.step(given).loss);
  return [losses, weight()];
}"""


class Model(nn.Module):
    def __init__(self):
        self.tokens = nn.Embedding(7, 8)
        self.positions = nn.LearnedPositions(5, 8)
        self.layer = nn.TransformerEncoderLayer(8, 2, d_ff=16, dropout=0.0)
        self.head = nn.Linear(8, 7)

    def loss(self, tokens, labels):
        x = self.layer(self.positions(self.tokens(tokens)), is_causal=True)
        return cross_entropy(self.head(x).reshape(-1, 7), labels.reshape(-1))


@needs_numpy
def test_a_saved_program_trains_in_a_page(tab, tmp_path):
    with use_backend("numpy", "float64"):
        manual_seed(0)
        model = Model()
        sgd = nn.optim.SGD(model.parameters(), lr=0.1)
        batches = [(randint(0, 7, (2, 5)), randint(0, 7, (2, 5))) for _ in range(20)]
        example = dict(zip(("tokens", "labels"), batches[0]))
        step = write(model.loss, example, update=sgd, target="javascript")
        step.save(tmp_path / "step.js")
        want = []
        for tokens, labels in batches:
            loss = model.loss(tokens, labels)
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            want.append(loss.item())
    (tmp_path / "page.html").write_text(PAGE)
    complaints = []
    tab.on("pageerror", lambda event: complaints.append(str(event)))
    tab.goto((tmp_path / "page.html").as_uri())
    given = [
        {"tokens": t.reshape(-1).tolist(), "labels": y.reshape(-1).tolist()}
        for t, y in batches
    ]
    losses, weight = tab.evaluate(TRAIN, given)
    assert complaints == []
    assert losses == pytest.approx(want, rel=1e-12)
    assert weight == pytest.approx(model.head.weight.reshape(-1).tolist(), rel=1e-11)
