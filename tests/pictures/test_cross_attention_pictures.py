"""Maps, head graphs and the page for attention from one sequence to another."""

from __future__ import annotations

import json

import pytest
from conftest import assert_close, flatten

import nn
from tinygrad_attn import Tensor, draw, manual_seed, play, record, unfold


@pytest.fixture(scope="module")
def computed():
    """A small encoder-decoder, two sequences, and a loss."""
    manual_seed(0)
    model = nn.Seq2SeqTransformer(
        12, d_model=8, num_heads=2, num_encoder_layers=1, num_decoder_layers=1, d_ff=16
    )
    model.eval()
    src = Tensor([[5, 6, 7, 8, 9], [9, 8, 7, 0, 0]])
    labels = Tensor([[9, 8, nn.EOS], [7, nn.EOS, nn.PAD]])
    with record():
        loss = model.loss(src, labels)
    return model, src, labels, loss


def test_maps_of_all_three_kinds(computed):
    model, src, labels, _ = computed
    maps = nn.attention_maps(model, src, nn.shift_right(labels))
    shapes = {path: w.shape for path, w in maps.items()}
    assert shapes == {
        "encoder.layers.0.self_attn": (2, 2, 5, 5),
        "decoder.layers.0.self_attn": (2, 2, 3, 3),
        "decoder.layers.0.cross_attn": (2, 2, 3, 5),
    }
    cross = maps["decoder.layers.0.cross_attn"].tolist()
    assert all(row[3:] == [0.0, 0.0] for head in cross[1] for row in head)  # padding
    masked = maps["decoder.layers.0.self_attn"].tolist()
    assert masked[0][0][0][1:] == [0.0, 0.0]  # no look at what comes later


def test_the_shares_of_heads_and_sequences_add_up(computed):
    model, _, _, loss = computed
    whole = unfold(loss, "op")
    name = "decoder.layers.0.cross_attn.k_proj.weight"
    total = flatten(whole.node(name).gradient)
    found = [0.0] * len(total)
    for head in range(2):
        for sample in range(2):
            graph = unfold(
                loss, "op", head=("decoder.layers.0.cross_attn", head), sample=sample
            )
            node = graph.node(name)
            places = flatten(node.positions.tolist())
            for place, g in zip(places, flatten(node.gradient)):
                found[place] += g
    assert_close(found, total, 1e-12)


@pytest.mark.parametrize("level", ["op", "primitive"])
def test_a_head_of_cross_attention_is_drawn_and_played(computed, level):
    model, _, _, loss = computed
    head = model.decoder.layers[0].cross_attn, 1
    sheet = draw(loss, level, head=head, layout="own").sheet
    titles = {card.title.split(" = ")[0]: card for card in sheet.cards}
    assert titles["weights"].value.shape == (3, 5)
    leaves = [card for card in sheet.cards if card.kind == "input"]
    assert {card.value.shape for card in leaves} == {(3, 8), (5, 8)}  # x and memory
    page = play(loss, None, level, head=head, tokens=["9", "8", "EOS"])
    start = page.index('type="application/json">') + len('type="application/json">')
    data = json.loads(page[start : page.index("</script>", start)])
    shown = {card["name"]: card for card in data["cards"]}
    assert shown["weights"]["shape"] == "3 × 5"
    kinds = [step["kind"] for step in data["steps"]]
    assert kinds.count("seed") == 1
    assert kinds.index("seed") == kinds.count("forward")


def test_the_whole_model_is_drawn_as_modules(computed):
    _, _, _, loss = computed
    drawing = draw(loss, "module", layout="own", limit=100)
    labels = {frame.label for frame in drawing.sheet.frames}
    assert any("cross_attn" in label for label in labels)
    assert drawing.svg
