"""Which files are mutated, and which tests are asked about each.

First the quick and telling ones: a mutant is dropped at the first test that fails. Only
one that survives them meets the thorough ones. (A file's own doctests are among the
quick.)
"""

from __future__ import annotations

import sys
from typing import NamedTuple


class Tests(NamedTuple):
    """Files of tests, in the order in which they run."""

    quick: tuple[str, ...]
    thorough: tuple[str, ...]


RULES = Tests(
    (
        "tests/rules/test_operation.py",
        "tests/rules/test_rules.py",
        "tests/graph/test_blackboard.py",
        "tests/autograd/test_autograd.py",
        "tests/functions/test_edges.py",
        "tests/functions/test_limits.py",
        "tests/test_semantics.py",
    ),
    (
        "tests/functions/test_own_rules.py",
        "tests/functions/test_own_attention.py",
        "tests/autograd/test_debug.py",
        "tests/graph/test_notation.py",
        "tests/test_errors.py",
        "tests/autograd/test_record.py",
        "tinygrad_attn/autograd/recording.py",
        "tests/functions/test_functions.py",
    ),
)
WALK = Tests(
    ("tests/autograd/test_autograd.py", "tests/rules/test_operation.py"),
    (
        "tests/autograd/test_debug.py",
        "tests/autograd/test_record.py",
        "tests/test_semantics.py",
        "tests/functions/test_updates.py",
        "tests/functions/test_own_attention.py",
        "tests/test_contexts.py",
        "tests/test_tensor.py",
        "tests/test_gradcheck.py",
        "tests/test_threads.py",
        "tests/nn/test_attention_maps.py",
        "tests/rules/test_rules.py",
        "tests/test_errors.py",
    ),
)
LINES = Tests(
    (
        "tests/autograd/test_lines.py",
        "tests/autograd/test_variables.py",
        "tests/autograd/test_source.py",
        "tests/autograd/test_record.py",
    ),
    (
        "tests/autograd/test_debug.py",
        "tests/graph/test_names.py",
        "tests/graph/test_names_of_programs.py",
        "tests/graph/test_one_head.py",
    ),
)
SCALAR = Tests(
    ("tests/test_scalar.py", "tests/test_proof.py"),
    ("tests/rules/test_rules.py", "tests/test_dropin.py"),
)
LAYERS = Tests(
    (
        "tests/nn/test_nn.py",
        "tests/nn/test_tree.py",
        "tests/nn/test_inside.py",
        "tests/nn/test_layers.py",
        "tests/nn/test_modes.py",
        "tests/nn/test_hooks.py",
        "tests/nn/test_containers.py",
        "tests/nn/test_containers_as_pythons.py",
        "tests/nn/test_init.py",
        "tests/nn/test_flags.py",
    ),
    (
        "tests/nn/test_gradients.py",
        "tests/nn/test_checkpoint.py",
        "tests/nn/test_transformer.py",
        "tests/test_errors.py",
    ),
)
TRANSFORMER = Tests(
    (
        "tests/nn/test_multi_head_attention.py",
        "tests/nn/test_transformer.py",
        "tests/nn/test_layers.py",
        "tests/nn/test_flags.py",
    ),
    (
        "tests/nn/test_nn.py",
        "tests/nn/test_modes.py",
        "tests/test_errors.py",
        "tests/nn/test_attention_maps.py",
        "tests/nn/test_seq2seq.py",
        "tests/nn/test_decoding.py",
    ),
)

TARGETS = {
    "tinygrad_attn/rules/operation.py": RULES,
    "tinygrad_attn/rules/primitives.py": RULES,
    "tinygrad_attn/rules/comparisons.py": RULES,
    "tinygrad_attn/rules/movement.py": RULES,
    "tinygrad_attn/rules/composites.py": RULES,
    "tinygrad_attn/rules/activations.py": RULES,
    "tinygrad_attn/scalar.py": SCALAR,
    "tinygrad_attn/by_hand.py": SCALAR,
    "tinygrad_attn/autograd/recording.py": WALK,
    "tinygrad_attn/autograd/walk.py": WALK,
    "tinygrad_attn/autograd/differentiate.py": WALK,
    "tinygrad_attn/autograd/debugging.py": WALK,
    "tinygrad_attn/autograd/lines.py": LINES,
    "tinygrad_attn/autograd/variables.py": LINES,
    "tinygrad_attn/autograd/source.py": LINES,
    "nn/tree.py": LAYERS,
    "nn/hooks.py": LAYERS,
    "nn/modes.py": LAYERS,
    "nn/state.py": LAYERS,
    "nn/module.py": LAYERS,
    "nn/containers.py": LAYERS,
    "nn/init.py": LAYERS,
    "nn/layers.py": LAYERS,
    "nn/transformer/multi_head.py": TRANSFORMER,
    "nn/transformer/shared.py": TRANSFORMER,
    "nn/transformer/encoder.py": TRANSFORMER,
    "nn/transformer/decoder.py": TRANSFORMER,
    "nn/transformer/positions.py": TRANSFORMER,
    "nn/transformer/masks.py": TRANSFORMER,
}

# Functions and constants that are left as they are: sentences for pages, and what only
# an older Python runs, where no test can notice a change in a newer one.
LEFT_ALONE: dict[str, tuple[str, ...]] = {
    "tinygrad_attn/rules/composites.py": ("STEPS",)
}
if sys.version_info >= (3, 11):
    LEFT_ALONE["tinygrad_attn/autograd/lines.py"] = (
        "SourceLine._stored_next",
        "STORES",
    )
