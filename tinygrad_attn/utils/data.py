"""Batches of examples, as PyTorch's programs name them.

    for x, y in DataLoader(TensorDataset(xs, ys), batch_size=32, shuffle=True): ...

A dataset is anything with a length, whose element i is an example: a list, too. A
loader picks some of them, in order or shuffled, and makes tensors with one axis more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from ..autograd.recording import Recorded
from ..devices import drawn_from
from ..errors import check_flags, check_number, say
from ..functions.shaping import stack
from ..tensor import Tensor
from ..torch_names.instead import advice
from ..torch_names.keywords import pytorchs, understand
from ..torch_names.making import randperm


class Dataset:
    """Examples. Subclasses define `__len__`, and `__getitem__`, which gives one."""

    def __class_getitem__(cls, kind: Any) -> Any:
        return cls  # Dataset[int], for type checkers

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: __getitem__ is not defined")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__}: __len__ is not defined")


class TensorDataset(Dataset):
    """Example i is a tuple of row i of each tensor.

    >>> data = TensorDataset(Tensor([[1.0], [2.0]]), Tensor([0, 1]))
    >>> len(data), data[1]
    (2, (Tensor([2.0], float64), Tensor(1, int64)))
    """

    def __init__(self, *tensors: Tensor) -> None:
        sizes = [len(t) for t in tensors]
        if len({*sizes}) != 1:
            raise ValueError(
                f"TensorDataset: tensors of {sizes} rows given; they must have equally "
                "many"
            )
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(t[index] for t in self.tensors)

    def __len__(self) -> int:
        return len(self.tensors[0])


class Subset(Dataset):
    """Some examples of a dataset, by their numbers."""

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, [int(i) for i in indices]

    def __getitem__(self, index: int) -> Any:
        return self.dataset[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)


def random_split(
    dataset: Any, lengths: Sequence[float], generator: Any = None
) -> list[Subset]:
    """The examples in random order, in parts of these lengths, or these shares of 1."""
    n = len(dataset)
    sizes = [*lengths]
    if math.isclose(sum(sizes), 1.0) and all(0 <= size <= 1 for size in sizes):
        sizes = [math.floor(n * share) for share in sizes]
        for i in range(n - int(sum(sizes))):
            sizes[i % len(sizes)] += 1
    if sum(sizes) != n:
        raise ValueError(
            f"random_split: lengths {say(lengths)} given for {n} examples; they must "
            "add up to that, or to 1"
        )
    order = drawn_from("random_split", generator, lambda: randperm(n).tolist())
    ends = [int(sum(sizes[: i + 1])) for i in range(len(sizes))]
    return [Subset(dataset, order[e - int(s) : e]) for s, e in zip(sizes, ends)]


@pytorchs
def default_collate(examples: Sequence[Any]) -> Any:
    """Several examples as one: tensors on top of each other, numbers as a tensor; of
    tuples, lists and dicts each part by itself.

    >>> default_collate([(Tensor([1.0]), 0), (Tensor([2.0]), 1)])[1]
    Tensor([0, 1], int64)
    """
    first = examples[0]
    if isinstance(first, Recorded):
        return stack([*examples])
    if isinstance(first, Mapping):
        return {key: default_collate([e[key] for e in examples]) for key in first}
    if isinstance(first, (tuple, list)):
        return [default_collate(part) for part in zip(*examples, strict=True)]
    if isinstance(first, str):
        return [*examples]
    return Tensor([*examples] if not hasattr(first, "tolist") else stacked(examples))


def stacked(arrays: Sequence[Any]) -> list[Any]:
    """Arrays of NumPy's as nested lists."""
    return [a.tolist() for a in arrays]


class DataLoader:
    """Batches of a dataset's examples; a new pass through it begins with each `for`.

    Args:
        dataset: has a length, and examples by number.
        batch_size: examples in a batch; None gives them one by one, as they are.
        shuffle: whether to draw a new order for each pass (`manual_seed` starts it).
        sampler: numbers of examples, in the order to take them, in place of shuffle.
        collate_fn: makes a batch of a list of examples; `default_collate`.
        drop_last: whether a last batch with fewer examples is left out.
        generator: where the order is drawn from.
        num_workers, pin_memory: of no matter here: everything runs in this process.

    >>> [batch.tolist() for batch in DataLoader([1, 2, 3], batch_size=2)]
    [[1, 2], [3]]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = False,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        generator: Any = None,
        persistent_workers: bool = False,
    ) -> None:
        check_flags("DataLoader", shuffle=shuffle or False, drop_last=drop_last)
        if batch_size is not None:
            check_number("DataLoader", "batch_size", batch_size, 1, whole=True)
        if batch_sampler is not None or (sampler is not None and shuffle):
            raise ValueError(
                "DataLoader: batch_sampler, or sampler with shuffle=True, given; one "
                "of sampler and shuffle sets the order"
            )
        self.dataset, self.batch_size, self.shuffle = dataset, batch_size, bool(shuffle)
        self.sampler, self.drop_last, self.generator = sampler, drop_last, generator
        self.collate_fn = collate_fn or default_collate

    def __len__(self) -> int:
        n = len(self.dataset if self.sampler is None else self.sampler)
        if self.batch_size is None:
            return n
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        order = self.sampler
        if order is None:
            order = range(n := len(self.dataset))
            if self.shuffle:
                draw = partial(randperm, n)
                order = drawn_from("DataLoader", self.generator, draw).tolist()
        if self.batch_size is None:
            yield from (self.dataset[int(i)] for i in order)
            return
        some: list[int] = []
        for i in order:
            some.append(int(i))
            if len(some) == self.batch_size:
                yield self.collate_fn([self.dataset[k] for k in some])
                some = []
        if some and not self.drop_last:
            yield self.collate_fn([self.dataset[k] for k in some])


understand(DataLoader)


def __getattr__(name: str) -> Any:
    """What is not here: with what to write instead."""
    raise AttributeError(advice("utils.data", name, [*globals()]))
