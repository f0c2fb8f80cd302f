"""Devices and generators of random numbers, as PyTorch's programs name them.

There is one device here, the processor. So a program that asks what there is gets a
true answer, and one that moves its tensors there moves nothing:

    device = "cuda" if cuda.is_available() else "cpu"          # "cpu"
    x = x.to(device)                                           # x itself

Whatever insists on another device is refused.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from numbers import Integral
from types import SimpleNamespace
from typing import Any

from .context import context
from .errors import say


class device:
    """The name of a device: "cpu". Others can be named, and nothing is moved there.

    >>> device("cpu"), str(device("cuda:0")), device("cpu").type
    (device(type='cpu'), 'cuda:0', 'cpu')
    """

    __slots__ = ("index", "type")

    def __init__(self, type: Any, index: int | None = None) -> None:
        name, _, number = str(type).partition(":")
        if not name.isalpha() or (number and not number.isdecimal()):
            raise ValueError(f"device: {say(type)} given; it must be a name like 'cpu'")
        self.type = name
        self.index = int(number) if number else index

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (device, str)) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


CPU = device("cpu")


def check_device(who: str, given: Any) -> None:
    """Refuses any device but the processor."""
    if not isinstance(given, (str, device)):
        kind = type(given).__name__
        raise TypeError(
            f"{who}: device={say(given)}, a {kind}, given; it must be a name: 'cpu'"
        )
    if str(given).partition(":")[0] != "cpu":
        raise RuntimeError(
            f"{who}: device {say(str(given))} given; the only one here is 'cpu', where "
            "everything is already (cuda.is_available() is False)"
        )


class Generator:
    """Random numbers of their own, apart from this thread's: what is drawn with
    `generator=g` is drawn from these.

    >>> from tinygrad_attn import rand
    >>> g = Generator().manual_seed(1)
    >>> x = rand(2, generator=g)
    >>> (x == rand(2, generator=g.manual_seed(1))).all()
    Tensor(True, bool)
    """

    def __init__(self, device: Any = "cpu") -> None:
        check_device("Generator", device)
        self.random = random.Random(0)
        self.device = CPU

    def manual_seed(self, seed: int) -> Generator:
        """Starts anew from this seed; returns self."""
        if not isinstance(seed, Integral) or isinstance(seed, bool):
            raise TypeError(
                f"Generator.manual_seed: {say(seed)} given; it must be an integer"
            )
        self.random.seed(int(seed))
        return self


def drawn_from(who: str, generator: Any, call: Callable[..., Any]) -> Any:
    """The result of a call, whose random numbers come from a generator, if there is
    one."""
    if generator is None:
        return call()
    if not isinstance(generator, Generator):
        kind = type(generator).__name__
        raise TypeError(
            f"{who}: generator={say(generator)}, a {kind}, given; it must be a "
            "Generator (Generator().manual_seed(1) makes one)"
        )
    now = context.now
    before, now.random = now.random, generator.random
    try:
        return call()
    finally:
        now.random = before


def nothing(*given: Any, **options: Any) -> None:
    """Does nothing: it would, if there were such a device."""


cuda = SimpleNamespace(
    is_available=lambda: False,
    device_count=lambda: 0,
    manual_seed=nothing,
    manual_seed_all=nothing,
    synchronize=nothing,
    empty_cache=nothing,
)
accelerator = SimpleNamespace(
    is_available=lambda: False,
    current_accelerator=nothing,  # None: there is none
    device_count=lambda: 0,
)
mps = SimpleNamespace(is_available=lambda: False, is_built=lambda: False)
backends = SimpleNamespace(
    mps=mps,
    cuda=SimpleNamespace(is_built=lambda: False, matmul=SimpleNamespace()),
    cudnn=SimpleNamespace(is_available=lambda: False),
)
