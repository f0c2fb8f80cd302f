"""Module: a part of a model, with its parameters and the modules inside.

A module is any object with parameters and a `forward`. What is inside, and how it is
named, stands in tree.py; hooks, which a module calls around its `forward`, in hooks.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from tinygrad_attn import Tensor, zeros_like
from tinygrad_attn.context import Changes, Scope, context
from tinygrad_attn.errors import check_flags, say
from tinygrad_attn.printing import printable

from .hooks import Handle, Hooks
from .modes import in_eval_mode as in_eval_mode
from .modes import own_modes
from .moves import Moves
from .parameter import Parameter as Parameter
from .state import Keys, load
from .tree import size

Self = TypeVar("Self", bound="Module")


class Note:
    """The parameters of a module, and since when they are these."""

    __slots__ = ("parameters", "since")

    def __init__(self, since: object, parameters: list[Parameter]) -> None:
        self.since, self.parameters = since, parameters

    def __reduce__(self) -> Any:
        return Note, (None, [])  # in a copy it would be that of another


class Module(Moves):
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

    _hooks: Hooks | None = None

    @property
    def training(self) -> bool:
        """True in training (dropout on), False in use; a new module's is True."""
        stored: bool = vars(self).get("training", True)
        return own_modes.training.get(id(self), stored)

    @training.setter
    def training(self, mode: bool) -> None:
        Changes.happened()
        modes = own_modes.training
        if id(self) in modes:
            modes[id(self)] = mode
        else:
            vars(self)["training"] = mode

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuses to replace a part of the model by what would be none; None may."""
        old, part = vars(self).get(name), isinstance(value, (Parameter, Module))
        kind = type(old).__name__
        right: type[Any] | tuple[type[Any], ...] | None = None
        if isinstance(old, (Parameter, Module)) and not part:
            right, told = Module, "a Parameter or a Module (or None)"
        if name in self._buffers and not part:
            right, told, kind = Tensor, "a Tensor (or None)", "buffer"
        if right and value is not None and not isinstance(value, right):
            raise TypeError(
                f"{type(self).__name__}.{name} is a {kind}, and a "
                f"{type(value).__name__} given for it would be no part of the model; "
                f"give {told}, or let an optimizer move it"
            )
        if part and "." in name:
            raise KeyError(
                f"{type(self).__name__}: a {type(value).__name__} for {name!r} given; "
                "a dot stands between names in a path, so no name has one"
            )
        if context.now.writer is not None and isinstance(value, Tensor):
            raise RuntimeError(
                f"{type(self).__name__}.{name} is set to a Tensor while a program is "
                "written, which would do it once and not at each run; return it from "
                "the function, and set it outside"
            )
        if part and name in self._buffers:
            self._forget_buffer(name)
        Changes.happened()
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        Changes.happened()
        super().__delattr__(name)
        self._forget_buffer(name)

    def _forget_buffer(self, name: str) -> None:
        kept = {n: saved for n, saved in self._buffers.items() if n != name}
        if kept != self._buffers:
            vars(self)["_buffers"] = kept

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the module's output."""
        raise NotImplementedError(f"{type(self).__name__}: forward is not defined")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls `forward`. Every operation recorded meanwhile remembers this module."""
        now = context.now
        before, now.scope = now.scope, Scope(self, now.scope)
        try:
            if self._hooks is not None:
                return self._hooks.call(self, args, kwargs)
            return self.forward(*args, **kwargs)
        finally:
            now.scope = before

    # --- what it consists of ----------------------------------------------------------

    def register_buffer(
        self, name: str, tensor: Tensor | None, persistent: bool = True
    ) -> None:
        """Makes a Tensor that is no Parameter part of the model: `self.name`.

        Args:
            name: of the attribute.
            tensor: what is computed with and not learned, such as a running mean.
            persistent: whether it is saved, in `state_dict()`.

        >>> layer = Module()
        >>> layer.register_buffer("mean", Tensor([0.0]))
        >>> layer.mean, [*layer.state_dict()]
        (Tensor([0.0], float64), ['mean'])
        """
        who = f"{type(self).__name__}.register_buffer"
        check_flags(who, persistent=persistent)
        if not isinstance(name, str) or not name or "." in name:
            raise KeyError(f"{who}: {say(name)} given; it must be a name without a dot")
        told = " ".join(name.split())  # on one line
        if name not in self._buffers and hasattr(self, name):
            raise KeyError(f"{who}: {told} given, which is an attribute already")
        if tensor is not None and not isinstance(tensor, Tensor):
            kind = type(tensor).__name__
            raise TypeError(f"{who}: {told} is a {kind}; it must be a Tensor or None")
        if isinstance(tensor, Parameter):
            raise TypeError(
                f"{who}: {told} is a Parameter; assign it, or give its detach()"
            )
        vars(self)["_buffers"] = {**self._buffers, name: persistent}
        setattr(self, name, tensor)

    def register_forward_pre_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
    ) -> Handle:
        """Calls `hook(module, args)` before each `forward`. What it returns, unless
        None, takes the place of the arguments. See `register_forward_hook`."""
        who = f"{type(self).__name__}.register_forward_pre_hook"
        return Handle(who, self._own_hooks().before, hook, prepend, with_kwargs)

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
    ) -> Handle:
        """Calls `hook(module, args, output)` after each `forward`. What it returns,
        unless None, takes the place of the output (hooks.py has an example).

        Args:
            prepend: call it before the hooks that are there already.
            with_kwargs: call it with (module, args, kwargs, output).

        Returns:
            A handle, whose `remove()` takes the hook off.
        """
        who = f"{type(self).__name__}.register_forward_hook"
        return Handle(who, self._own_hooks().after, hook, prepend, with_kwargs)

    def _own_hooks(self) -> Hooks:
        hooks: Hooks = vars(self).setdefault("_hooks", Hooks())
        return hooks

    # --- what can be done with it -----------------------------------------------------

    def train(self: Self, mode: bool = True) -> Self:
        """Training behaviour (dropout on) here and inside; returns self."""
        check_flags(f"{type(self).__name__}.train", mode=mode)
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: Self) -> Self:
        """Behaviour for use (dropout off) here and inside; returns self."""
        return self.train(False)

    def apply(self: Self, function: Callable[[Any], Any]) -> Self:
        """Calls a function with each module inside and then with this one, to
        initialise weights, say; returns self."""
        if not callable(function):
            raise TypeError(
                f"{type(self).__name__}.apply: {say(function)} given; it must be a "
                "function of a module"
            )
        for module in reversed([*self.modules()]):
            function(module)
        return self

    def requires_grad_(self: Self, requires_grad: bool = True) -> Self:
        """Whether the parameters learn; returns self."""
        who = f"{type(self).__name__}.requires_grad_"
        check_flags(who, requires_grad=requires_grad)
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets all gradients: each parameter's `grad` is None again, or 0."""
        check_flags(f"{type(self).__name__}.zero_grad", set_to_none=set_to_none)
        for p in self._noted():
            if p._grad is not None:
                p.grad = None if set_to_none else zeros_like(p._grad)

    def _noted(self) -> list[Parameter]:
        """All parameters: a note of them, which is good until something changes."""
        note = vars(self).get("_note")
        if note is None or note.since is not Changes.last:
            note = vars(self)["_note"] = Note(Changes.last, [*self.parameters()])
        return note.parameters

    def state_dict(self) -> dict[str, Tensor]:
        """Path → numbers, for every parameter and every persistent buffer."""
        return {path: t.detach() for path, _, _, t in self._saved()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> Keys:
        """Loads the numbers of a `state_dict`. Changes nothing unless everything fits.

        Args:
            state: path → numbers: Tensors of any backend, arrays or lists.
            strict: whether the paths must be exactly those of this module. Otherwise
                the paths that both have are loaded. Shapes must fit in either case.

        Returns:
            `missing_keys`, which the state lacks, and `unexpected_keys`, which the
            module lacks: two lists, empty if strict.

        Raises:
            ValueError: lists the missing, unexpected and mis-shaped paths.
        """
        return load(self, state, strict)

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

    def _tree(
        self, name: str, lead: str, below: str, around: tuple[Any, ...] = ()
    ) -> Iterator[tuple[str, str, int]]:
        """A row for this module and each one inside: name and type, shapes, count. A
        module around it is not shown again."""
        title = f"{type(self).__name__}({self.extra_repr()})"
        own = [f"{n} {p.shape}" for n, p in self._own_parameters()]
        yield f"{lead}{name}{': ' if name else ''}{title}", "  ".join(own), size(self)
        around = (*around, self)
        parts = self._children()
        shown = [(n, m) for n, m in parts if not any(m is a for a in around)]
        for i, (child_name, child) in enumerate(shown):
            last = i == len(shown) - 1
            yield from child._tree(
                child_name,
                below + ("└─ " if last else "├─ "),
                below + ("   " if last else "│  "),
                around,
            )
