"""Module: a part of a model, with its parameters and the modules inside.

A module is any object with parameters and a `forward`. Nothing is registered: an
attribute that is a Parameter or a Module belongs to it, in the order of assignment.
Attribute names make the paths ("encoder.0.self_attn.q_proj.weight").
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tinygrad_attn import Tensor
from tinygrad_attn.arrays.backends import namespace_of
from tinygrad_attn.autograd import recording
from tinygrad_attn.errors import check_flag
from tinygrad_attn.printing import printable


class Parameter(Tensor):
    """A Tensor that a module learns: a leaf that requires a gradient.

    Args:
        data: numbers, or a Tensor with these numbers.

    >>> Parameter([1.0, 2.0])
    Tensor([1.0, 2.0], float64, requires_grad)
    """

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        super().__init__(data, requires_grad=requires_grad)


class Module:
    """A part of a model. Subclasses set parameters and modules as attributes and define
    `forward`, which `module(x)` calls.

    >>> import nn
    >>> class Affine(Module):
    ...     def __init__(self):
    ...         self.scale = Parameter([1.0, 1.0])
    ...         self.inner = nn.Linear(2, 3)
    ...     def forward(self, x):
    ...         return self.inner(x * self.scale)
    >>> [(name, p.shape) for name, p in Affine().named_parameters()]
    [('scale', (2,)), ('inner.weight', (3, 2)), ('inner.bias', (3,))]
    """

    @property
    def training(self) -> bool:
        """True in training (dropout on), False in use; a new module's is True."""
        stored: bool = vars(self).get("training", True)
        return own_modes.training.get(id(self), stored)

    @training.setter
    def training(self, mode: bool) -> None:
        modes = own_modes.training
        if id(self) in modes:
            modes[id(self)] = mode
        else:
            vars(self)["training"] = mode

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuses to replace a parameter or a module by anything else but None."""
        old, kinds = vars(self).get(name), (Parameter, Module)
        if (
            isinstance(old, kinds)
            and not isinstance(value, kinds)
            and value is not None
        ):
            raise TypeError(
                f"{type(self).__name__}.{name} is a {type(old).__name__}, and a "
                f"{type(value).__name__} given for it would be no part of the model; "
                "give a Parameter or a Module (or None), or let an optimizer move it"
            )
        super().__setattr__(name, value)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the module's output."""
        raise NotImplementedError(f"{type(self).__name__}: forward is not defined")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls `forward`. Every operation recorded meanwhile remembers this module."""
        return recording.in_scope(self, self.forward, *args, **kwargs)

    # --- what is inside ---------------------------------------------------------------

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """(attribute name, module) of each module directly inside."""
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value
            elif isinstance(value, (list, tuple)) and any(
                isinstance(v, (Module, Parameter)) for v in value
            ):
                raise TypeError(
                    f"{type(self).__name__}.{name} is a {type(value).__name__} that "
                    "holds modules or parameters, which would be missed; make it a "
                    "ModuleList, or attributes"
                )

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """(path, module) of this one (path "") and all inside, outer before inner."""
        yield prefix, self
        for name, child in self.named_children():
            yield from child.named_modules(f"{prefix}.{name}" if prefix else name)

    def modules(self) -> Iterator[Module]:
        """This module and all inside."""
        return (module for _, module in self.named_modules())

    def _all_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """(path, parameter); a shared parameter appears under each of its paths."""
        for path, module in self.named_modules():
            for name, value in vars(module).items():
                if isinstance(value, Parameter):
                    yield f"{path}.{name}" if path else name, value

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """(path, parameter), each parameter once."""
        seen: set[int] = set()
        for path, parameter in self._all_parameters():
            if id(parameter) not in seen:
                seen.add(id(parameter))
                yield path, parameter

    def parameters(self) -> Iterator[Parameter]:
        """Each parameter once, for an optimizer."""
        return (parameter for _, parameter in self.named_parameters())

    # --- what can be done with it -----------------------------------------------------

    def train(self, mode: bool = True) -> Module:
        """Training behaviour (dropout on) here and inside; returns self."""
        check_flag(f"{type(self).__name__}.train", "mode", mode)
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        """Behaviour for use (dropout off) here and inside; returns self."""
        return self.train(False)

    def zero_grad(self) -> None:
        """Forgets all gradients: each parameter's `grad` is None again."""
        for parameter in self.parameters():
            parameter.grad = None

    def state_dict(self) -> dict[str, Tensor]:
        """Path → numbers, for every parameter."""
        return {path: p.detach() for path, p in self._all_parameters()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> None:
        """Loads the numbers of a `state_dict`. Changes nothing unless everything fits.

        Args:
            state: path → numbers: Tensors of any backend, arrays or lists.
            strict: whether the paths must be exactly those of this module. Otherwise
                the paths that both have are loaded. Shapes must fit in either case.

        Raises:
            ValueError: lists the missing, unexpected and mis-shaped paths.
        """
        who = f"{type(self).__name__}.load_state_dict"
        if not isinstance(state, Mapping):
            raise TypeError(
                f"{who}: a {type(state).__name__} given; it must be a dict of names"
            )
        own = dict(self._all_parameters())
        found = {}
        for path in own:
            if path in state:
                try:
                    found[path] = Tensor(state[path])
                except (TypeError, ValueError) as error:
                    raise type(error)(f"{who}: {path}: {error}") from None
        problems: list[str] = []
        if strict:
            missing = [path for path in own if path not in state]
            unexpected = [path for path in state if path not in own]
            problems = [f"missing: {', '.join(missing)}"] if missing else []
            problems += [f"unexpected: {', '.join(unexpected)}"] if unexpected else []
        misshaped = [
            f"{path} {t.shape}, must be {own[path].shape}"
            for path, t in found.items()
            if t.shape != own[path].shape
        ]
        problems += [f"mis-shaped: {', '.join(misshaped)}"] if misshaped else []
        if problems:
            raise ValueError(f"{who}: {'; '.join(problems)}")
        for path, t in found.items():
            parameter = own[path]
            xp = namespace_of([parameter.array])
            numbers = t.array if namespace_of([t.array]) is xp else t.tolist()
            parameter.assign(xp.asarray(numbers, parameter.dtype))

    # --- how it shows itself ----------------------------------------------------------

    def extra_repr(self) -> str:
        """The module's settings, for its line in the printed tree."""
        return ""

    def _repr_html_(self) -> str:
        from tinygrad_attn.pictures.notebook import html

        return html(self)

    def __repr__(self) -> str:
        rows = [(printable(a), printable(b), n) for a, b, n in self._tree("", "", "")]
        width = max(len(left) for left, _, _ in rows)
        middle = max(len(shapes) for _, shapes, _ in rows)
        total = max(len(f"{count:,}") for _, _, count in rows)
        return "\n".join(
            f"{left:<{width}}  {shapes:<{middle}}  {count:>{total},}"
            for left, shapes, count in rows
        )

    def _tree(self, name: str, lead: str, below: str) -> Iterator[tuple[str, str, int]]:
        """A row for this module and each one inside: name and type, shapes, count."""
        own = [
            f"{n} {v.shape}" for n, v in vars(self).items() if isinstance(v, Parameter)
        ]
        title = f"{type(self).__name__}({self.extra_repr()})"
        count = sum(p.size for p in self.parameters())
        yield f"{lead}{name}{': ' if name else ''}{title}", "  ".join(own), count
        children = list(self.named_children())
        for i, (child_name, child) in enumerate(children):
            last = i == len(children) - 1
            yield from child._tree(
                child_name,
                below + ("└─ " if last else "├─ "),
                below + ("   " if last else "│  "),
            )


# --- modes, each thread its own -------------------------------------------------------


class Modes(threading.local):
    """By id, the `training` of each module that this thread runs `in_eval_mode`."""

    def __init__(self) -> None:
        self.training: dict[int, bool] = {}


own_modes = Modes()


@contextmanager
def in_eval_mode(model: Module) -> Iterator[None]:
    """Runs the model in eval mode inside the block, for this thread only.

    Another thread that trains the same model keeps its dropout. Inside the block this
    thread may call `train()` or `eval()`; the end of the block undoes that.

    >>> model = Module()
    >>> with in_eval_mode(model):
    ...     model.training
    False
    >>> model.training
    True
    """
    modules = list(model.modules())  # kept alive, so that no id is used again
    own = own_modes.training
    outer = {id(m): own[id(m)] for m in modules if id(m) in own}  # of an outer block
    own.update((id(m), False) for m in modules)
    try:
        yield
    finally:
        for m in modules:
            own.pop(id(m), None)
        own.update(outer)
