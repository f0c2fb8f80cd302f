"""PyTorch's `torch.utils`, of which there is `data`.

    data.py   Dataset, DataLoader: batches of examples

It may import the tensors and everything below them.
"""

from . import data as data
