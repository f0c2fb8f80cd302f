"""The page as a text: one file, with a policy by hash, and nothing that breaks out."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from math import inf, nan

import pytest
from pages import EVIL, attention_head, hostile

from tinygrad_attn.pictures.page.assemble import FOLDER, SCRIPTS, STYLES, page


def inside(text, tag):
    """The contents of all elements of that tag, as (attributes, text)."""
    return re.findall(rf"<{tag}([^>]*)>(.*?)</{tag}>", text, re.S)


def data_in(text):
    return json.loads(inside(text, "script")[0][1])


def test_the_data_are_in_the_page_unchanged():
    data = attention_head()
    assert data_in(page(data)) == json.loads(json.dumps(data))


def test_the_same_data_give_the_same_page():
    assert page(attention_head()) == page(attention_head())


def test_the_policy_names_the_script_and_the_style_and_nothing_else():
    text = page(attention_head())
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    script = inside(text, "script")[1][1]
    style = inside(text, "style")[0][1]
    hashes = [b64encode(sha256(x.encode()).digest()).decode() for x in (script, style)]
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{hashes[0]}'; "
        f"style-src 'sha256-{hashes[1]}'; base-uri 'none'; form-action 'none'"
    )


def test_it_refers_to_nothing_outside():
    text = page({**attention_head(), "cards": [], "steps": [], "links": []})
    assert "http" not in text.replace('"http://www.w3.org/2000/svg"', "").replace(
        "http-equiv", ""
    )
    assert not re.search(r"(src|href|action)=", text)
    assert not re.search(r"\sstyle=|\son\w+=", text)  # the policy would forbid them


@pytest.mark.parametrize("name", EVIL.values(), ids=EVIL)
def test_hostile_names_stay_data(name):
    text = page(hostile(name))
    assert text.encode()  # no lone surrogate
    assert [attributes for attributes, _ in inside(text, "script")] == [
        ' id="data" type="application/json"',
        "",
    ]
    assert text.count("</script>") == 2
    assert data_in(text)["title"] == name
    assert data_in(text)["cards"][0]["name"] == name
    assert inside(text, "script")[0][1].isascii()
    title = inside(text, "title")[0][1]
    assert "<" not in title
    assert title.isprintable()


def test_what_is_not_finite_becomes_a_string():
    data = {**attention_head(), "extra": [nan, inf, -inf, (1.5, True, None)]}
    assert data_in(page(data))["extra"] == ["nan", "inf", "-inf", [1.5, True, None]]


def test_what_json_cannot_hold_is_refused():
    with pytest.raises(TypeError, match="not JSON serializable"):
        page({**attention_head(), "extra": object()})


def test_the_still_picture_stands_in_for_the_script():
    still = '<?xml version="1.0"?>\n<!DOCTYPE svg>\n<svg id="still"></svg>'
    text = page(attention_head(), still)
    assert "<noscript><svg id=" in text
    assert "<?xml" not in text
    assert "<noscript></noscript>" in page(attention_head())


def test_every_file_of_the_page_is_used_and_short():
    files = sorted(
        p.name for p in FOLDER.iterdir() if not p.name.endswith((".py", "__"))
    )
    assert files == sorted([*STYLES, *SCRIPTS, "page.html"])
    for name in files:
        assert len((FOLDER / name).read_text().splitlines()) <= 300, name


def test_the_gradients_of_the_example_are_true():
    """The tests in a browser compare with them."""
    from tinygrad_attn import Tensor, use_backend

    data = attention_head()
    card = {c["name"]: c for c in data["cards"]}
    with use_backend("python", "float64"):
        leaves = {
            name: Tensor(card[name]["value"]["numbers"], requires_grad=True)
            for name in ("X", "W_Q", "W_K", "W_V")
        }
        x, w_q, w_k, w_v = leaves.values()
        mask = [[-1e30 if v == "-inf" else v for v in r] for r in numbers(card["mask"])]
        scores = (x @ w_q) @ (x @ w_k).transpose(-2, -1) / 2 + Tensor(mask)
        o = scores.softmax(-1) @ (x @ w_v)
        ((o - Tensor(numbers(card["Y"]))) ** 2).mean().backward()
        for name, leaf in leaves.items():
            for want, got in zip(leaf.grad.tolist(), card[name]["gradient"]["numbers"]):
                assert got == pytest.approx(want, rel=1e-9, abs=1e-12)


def numbers(card):
    return card["value"]["numbers"]
