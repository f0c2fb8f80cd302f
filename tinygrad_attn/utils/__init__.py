"""PyTorch's `torch.utils`, of which there is `data`.

    data.py   Dataset, DataLoader: batches of examples

It may import the tensors and everything below them.
"""

from ..torch_names.instead import advice
from . import data as data


def __getattr__(name: str) -> object:
    """What is not here: with what to write instead."""
    raise AttributeError(advice("utils", name, ["data"]))
