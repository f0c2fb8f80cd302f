"""compile: a function whose program is written when it is first called.

    @compile(update=optimizer)
    def step(tokens, labels):
        return model.loss(tokens, labels)

The first call writes the program and runs it; the next ones run it. For other shapes or
modes, another is written, beside the first.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from numbers import Number
from threading import RLock
from typing import Any, NoReturn, TypeVar, overload

from ..arrays.backends import current_backend, namespace_of
from ..context import Changes, context
from ..errors import brief, outside
from ..tensor import Tensor
from ..torch_names.keywords import pytorchs
from .keys import difference, key_of
from .running import Step
from .write import optimizers_of, written

F = TypeVar("F", bound=Callable[..., Any])
MOST = 16  # programs that a function keeps


class Compiled:
    """A function that runs as a program.

    Attributes:
        function: as it was defined.
        steps: what a program was written for → the program, the last used last.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        update: Any = None,
        clip: float | None = None,
        target: str | None = None,
    ) -> None:
        if not callable(function):
            raise TypeError(
                f"compile: {brief(function)} given; it stands above a function"
            )
        functools.update_wrapper(self, function)
        self.function = function
        self.optimizers = optimizers_of(update)
        self.clip, self.target = clip, target
        self.steps: OrderedDict[Any, list[Step]] = OrderedDict()
        self.warned = False  # that there are too many
        self.lock = RLock()  # threads look for their programs one after the other

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the function's program for such arguments."""
        if context.now.writer is not None:  # part of a larger program
            return self.function(*args, **kwargs)
        given: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
        tensors = {name: v for name, v in given.items() if is_input(v)}
        with self.lock:
            step = self.step_for(args, kwargs, given, tensors)
        return step(*tensors.values())

    def __getattr__(self, name: str) -> NoReturn:
        """A compiled model is a function, without the model's methods."""
        said = f"{type(self).__name__!r} object has no attribute {name!r}"
        if not name.startswith("_") and "function" in vars(self):
            said = (
                f"compile: a compiled {type(self.function).__name__} has no {name!r}; "
                "ask the model itself, and write @compile(update=optimizer) above the "
                "function that takes a batch and returns the loss"
            )
        raise AttributeError(said, name=name, obj=self)

    def __reduce__(self) -> Any:
        """A copy, or unpickled, it begins without a program."""
        given = self.function, self.optimizers or None, self.clip, self.target
        return Compiled, given

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """As a method: the object is one of the arguments."""
        return self if instance is None else functools.partial(self, instance)

    @property
    def count(self) -> int:
        """How many programs are kept."""
        return sum(map(len, self.steps.values()))

    def step_for(
        self,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        given: dict[int | str, Any],
        tensors: dict[int | str, Any],
    ) -> Step:
        """The program for some arguments: one that is there, or a new one."""
        key = (
            context.now.recording,
            surroundings(tensors.values()),
            *(
                (name, *signature(v)) if name in tensors else (name, fixed(name, v))
                for name, v in given.items()
            ),
        )
        for step in reversed(self.steps.get(key, ())):
            if fits(step):
                self.steps.move_to_end(key)
                return step
        step = self.written(args, kwargs, tensors)
        self.steps.setdefault(key, []).append(step)
        self.steps.move_to_end(key)
        full = self.count > MOST
        while self.count > MOST:
            oldest = next(iter(self.steps))
            self.steps[oldest].pop(0)
            if not self.steps[oldest]:
                del self.steps[oldest]
        if full and not self.warned:
            self.warned = True
            warnings.warn(
                f"compile: {getattr(self.function, '__name__', 'a function')} was "
                f"called with more than {MOST} kinds of arguments (shapes, dtypes, "
                f"other values); the {MOST} programs used last are kept, and others "
                "are written anew when they are needed: pad to a few shapes",
                stacklevel=outside(),
            )
        return step

    def written(
        self,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        tensors: dict[int | str, Any],
    ) -> Step:
        """A new program."""

        def function(*names: Any) -> Any:
            found = dict(zip(tensors, names))
            own = [found.get(i, v) for i, v in enumerate(args)]
            return self.function(
                *own, **{k: found.get(k, v) for k, v in kwargs.items()}
            )

        functools.update_wrapper(function, self.function)
        names = input_names(self.function, tensors)
        inputs = dict(zip(names, tensors.values()))
        return written(function, inputs, self.optimizers, self.clip, self.target)


def is_input(v: Any) -> bool:
    """Whether an argument has numbers that may be others at each run."""
    return isinstance(v, Tensor) or (hasattr(v, "dtype") and hasattr(v, "shape"))


def surroundings(inputs: Iterable[Any]) -> tuple[str, ...]:
    """What of the context belongs to the key: the backend, its floats, and the backends
    of the inputs, which a result shares if there are no parameters."""
    backend = current_backend()
    arrays = [v.array for v in inputs if isinstance(v, Tensor)]
    own = {namespace_of([array]).name for array in arrays} or {backend.name}
    return backend.name, backend.dtype, *sorted(own)


def signature(v: Any) -> tuple[Any, ...]:
    """What of an input belongs to the key."""
    return tuple(v.shape), str(v.dtype), getattr(v, "requires_grad", False)


def fixed(name: int | str, v: Any) -> Any:
    """An argument that is no array, as a part of the key."""
    try:
        found = exactly(v)
        hash(v)
    except Inside as error:
        raise TypeError(
            f"compile: argument {name} is a {type(v).__name__} with a {error} in it; "
            "each must be an argument of its own, as in step(*batch), so that the "
            "program has it as an input"
        ) from None
    except TypeError:
        raise TypeError(
            f"compile: argument {name} is a {type(v).__name__}; it must be a Tensor or "
            "an array, or something that can be hashed, such as a number or a tuple"
        ) from None
    return found


class Inside(Exception):
    """There is a Tensor or an array in an argument."""


def exactly(v: Any) -> Any:
    """A value that is equal to another only if a function computes the same of both. To
    Python 1, 1.0 and True are equal, as are 0.0 and -0.0, also inside of others; and
    nan is not equal to itself."""
    inside: Any = v
    if is_input(v) and (isinstance(v, Tensor) or len(v.shape)):
        raise Inside(type(v).__name__)
    if isinstance(v, Number) and not isinstance(v, int):
        inside = repr(v)
    elif isinstance(v, tuple):
        inside = tuple(map(exactly, v))
    elif isinstance(v, frozenset):
        inside = frozenset(map(exactly, v))
    elif isinstance(v, slice):
        inside = exactly((v.start, v.stop, v.step))
    elif is_dataclass(v) and type(v).__hash__ is not object.__hash__:
        compared = [f.name for f in fields(v) if f.compare]
        inside = exactly(tuple(getattr(v, name) for name in compared))
    return type(v), inside


def fits(step: Step) -> bool:
    """Whether a program still fits the model, and the optimizers' options."""
    if step.changes is not Changes.last:
        now = key_of(step.key.modules, (t for t, _ in step.key.learning))
        if difference(step.key, now):
            return False
    model = step.model
    return not model.other_options() and all(p.suits() for p in model.unsure())


def input_names(function: Any, tensors: Iterable[int | str]) -> list[str]:
    """What a function calls its inputs, by their places or keywords. Each has a name of
    its own: those behind *rest are rest_1, rest_2 (or rest_3, if rest_2 is another)."""
    try:
        parameters = [*inspect.signature(function).parameters.values()]
    except (TypeError, ValueError):  # not to be had of some that are written in C
        parameters = []
    one = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [p.name for p in parameters if p.kind in one]
    more = [p.name for p in parameters if p.kind is inspect.Parameter.VAR_POSITIONAL]
    taken = {p.name for p in parameters} | {n for n in tensors if isinstance(n, str)}
    found = []
    for at in tensors:
        if isinstance(at, str) and at not in found:
            found.append(at)
        elif isinstance(at, int) and at < len(names):
            found.append(names[at])
        else:
            base = at if isinstance(at, str) else more[0] if more else "x"
            found.append(numbered(base, taken))
    return found


def numbered(name: str, taken: set[str]) -> str:
    """A name with the first number that is free."""
    count = 1
    while f"{name}_{count}" in taken:
        count += 1
    taken.add(f"{name}_{count}")
    return f"{name}_{count}"


@overload
def compile(function: F, /) -> F: ...
@overload
def compile(
    *, update: Any = None, clip: float | None = None, target: str | None = None
) -> Callable[[F], F]: ...
@pytorchs
def compile(
    function: Any = None,
    *,
    update: Any = None,
    clip: float | None = None,
    target: str | None = None,
) -> Any:
    """Decorator: a function runs as a program, written at its first call.

    Args:
        function: returns the loss, or whatever else it computes (a Tensor, or several).
        update: an optimizer, or several, that move their parameters after each run.
        clip: the bound for the norm of all gradients (`nn.optim.clip_grad_norm`).
        target: "c", "numpy" or "python", as for `write`.

    Returns:
        The function, whose arguments are Tensors or arrays (inputs), or other values
        that can be hashed (for another value another program is written). A call
        returns what the function returns. Without `update` a loss comes with its
        gradients, (loss, gradients), the latter by name; and nothing is trained. A loss
        is a first result that is a single number and requires a gradient; under
        no_grad() nothing is one. Nobody walks back through a program: its results
        require no gradient, so do not call it inside of a loss that you walk back from.

        What else the function reads (a global, an attribute of a plain object, what is
        in a list) is read once, when a program is written, and is the same at each run:
        give it as an argument.

    >>> from tinygrad_attn import Tensor
    >>> @compile(target="python")
    ... def slope(x):
    ...     return x * x
    >>> slope(Tensor([1.0, 3.0]))
    Tensor([1.0, 9.0], float64)
    """
    settings = {"update": update, "clip": clip, "target": target}
    if function is None:
        return functools.partial(Compiled, **settings)
    return Compiled(function, **settings)
