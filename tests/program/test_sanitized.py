"""Programs in C under the sanitizers of addresses and of undefined behaviour: no loop
reads or writes beside its memory."""

from __future__ import annotations

import subprocess

import pytest
from conftest import needs_numpy

import nn
from tinygrad_attn import manual_seed, randint, use_backend, write
from tinygrad_attn.functional import cross_entropy, padding_mask
from tinygrad_attn.program import compiling, machines
from tinygrad_attn.program.anatomy import View
from tinygrad_attn.program.writers.c_words import TYPES

FLAGS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1"]
WHOLE = "int main(void) { return 0; }"


def sanitized(folder, text):
    """The program of a text in C, built with the sanitizers."""
    (folder / "main.c").write_text(text)
    cc = compiling.some_compiler()
    command = [*cc, *FLAGS, "-fopenmp-simd", "main.c", "-o", "main", "-lm"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sanitized")
    if compiling.compiler() is None:
        pytest.skip("needs a C compiler")
    if sanitized(folder, WHOLE).returncode or run(folder).returncode:
        pytest.skip("needs a C compiler with sanitizers")
    return folder


def run(folder):
    return subprocess.run(["./main"], cwd=folder, capture_output=True, text=True)


class Model(nn.Module):
    """All that a transformer has: embeddings, masks, dropout, norms, a gelu."""

    def __init__(self):
        self.tokens = nn.Embedding(7, 6)
        self.positions = nn.LearnedPositions(5, 6)
        self.layer = nn.TransformerEncoderLayer(6, 2, d_ff=9, dropout=0.25)
        self.head = nn.Linear(6, 7)

    def loss(self, tokens, labels):
        x = self.positions(self.tokens(tokens))
        mask = padding_mask(tokens)
        x = self.layer(x, src_key_padding_mask=mask, is_causal=True).gelu()
        return cross_entropy(self.head(x).reshape(-1, 7), labels.reshape(-1))


@needs_numpy
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_loop_leaves_its_memory(dtype, folder, monkeypatch):
    monkeypatch.setattr(machines, "blas", lambda: None)  # products are loops
    with use_backend("numpy", dtype):
        manual_seed(0)
        model = Model()
        adam = nn.optim.Adam(model.parameters())
        tokens, labels = randint(0, 7, (3, 5)), randint(0, 7, (3, 5))
        given = {"tokens": tokens, "labels": labels}
        step = write(model.loss, given, update=adam, clip=1.0, target="c")
        step(tokens, labels)
    built = sanitized(folder, step.machine.writer().text() + main_of(step))
    assert built.returncode == 0, built.stderr
    done = run(folder)
    assert done.returncode == 0, done.stderr[-3000:]


def main_of(step):
    """A main that has each arena by itself, as long as it must be, and runs two
    steps."""
    memory, program = step.machine.memory, step.program
    lines = ["#include <stdlib.h>", "int main(void) {", "  void *m[9];"]
    for (dtype, _), k in memory.arenas.items():
        kind, size = TYPES[dtype], memory.sizes[k]
        lines.append(f"  {kind} *a{k} = m[{k}] = calloc({size}, sizeof *a{k});")
        if dtype.startswith("float"):
            lines.append(f"  for (int i = 0; i < {size}; i++) a{k}[i] = i % 7 * 0.1;")
    for buffer in memory.places:
        if buffer.role == "constant" and buffer.owner is None:
            arena, start = memory.place(View(buffer))
            for i, v in enumerate(step.machine.array(View(buffer)).reshape(-1)):
                lines.append(f"  a{arena}[{start + i}] = {v.item()!r};".lower())
    numbers = ", ".join("0.5" for _ in program.scalars)
    lines += [
        f"  const double s[] = {{{numbers}}};",
        "  once(m);",
        "  for (int i = 0; i < 2; i++) if (step(m, s) > 2) return 1;",
        *(f"  free(m[{k}]);" for k in memory.arenas.values()),
        "  return 0;",
        "}",
    ]
    text = "\n".join(lines)
    return text.replace("= true;", "= 1;").replace("= false;", "= 0;")
