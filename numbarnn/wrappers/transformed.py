"""Plain cells with masks in their equations: a mixin in front of a cell's class declares what changes."""

from dataclasses import dataclass, fields, replace
from functools import cache, lru_cache
from typing import Any

import numpy as np

from ..cells.base import Cell
from ..engines import dispatch
from ..engines.interface import CellResult, RunOptions


@dataclass(frozen=True, kw_only=True)
class Masked:
    """Add masks to the equations of the plain cell `inner`; a mixin in front of its class.

    The masks are "m" inputs behind the others. `old` and `new` say what they do to the states. The gradient is derived.
    """

    # a plain Cell
    inner: Any

    masks = ()
    # the inner cell may override them
    equations, unroll = Cell.equations, Cell.unroll

    def old(self, s):
        """Return the states that the inner equations read."""
        return s[: len(self.inner.states)]

    def new(self, masks, s, s1):
        """Return the new states, from the masks, the old states and the new states of the inner equations."""
        return s1

    @property
    def inputs(self):
        return self.inner.inputs | dict.fromkeys(self.masks, "m")

    @property
    def feedback(self):
        return self.inner_feedback if self.inner.equations.feedback else None

    def inner_feedback(self, z, s):
        first = len(z) - len(self.masks)
        q, carried = self.inner.equations.feedback(z[:first], s[: len(self.inner.states)])
        return q, (*carried, *z[first:])

    def forward(self, z, s):
        inputs = len(self.inner.inputs)
        s1, saved = self.inner.equations.forward(z[:inputs], self.old(s))
        return self.new(z[inputs:], s, s1), saved[: len(self.inner.saved)]


@cache
def transformed_class(mixin: type[Masked], kind: type[Cell]) -> type:
    """Make the class of `kind` with the mixin in front."""
    return dataclass(frozen=True)(type(kind.__name__, (mixin, kind), {}))


@lru_cache
def transformed(mixin: type[Masked], cell: Cell, **options: Any) -> Any:
    """Make a plain cell like `cell` with the mixin in front of its class; `options` are those of the mixin."""
    own = {field.name: getattr(cell, field.name) for field in fields(cell) if field.init}
    return transformed_class(mixin, type(cell))(**own | {"inner": cell} | options)


def unroll_with_copy(
    cell: Any,
    scale: np.ndarray | int,
    params: dict[str, np.ndarray],
    x: np.ndarray,
    state: Any,
    mask: np.ndarray | None,
    options: RunOptions,
) -> CellResult:
    """Run a transformed cell that has one more state than its inner cell, and hide that state.

    The additional state starts as `scale` times the first one.
    """
    State = cell.inner.State
    (added,) = set(cell.State._fields) - set(State._fields)
    if state is not None:
        state = cell.State(**dict(zip(State._fields, state, strict=True)), **{added: scale * state[0]})
    run = dispatch.unroll(cell, params, x, state, mask, options)

    def backward(d_outputs, d_state, cut=None):
        d_state = dict(zip(State._fields, d_state, strict=True))
        d_params, dx, d_initial = run.backward(d_outputs, cell.State(**d_state, **{added: None}), cut)
        d_first, *d_others = visible(d_initial)
        return d_params, dx, State(d_first + scale * getattr(d_initial, added), *d_others)

    def visible(state):
        return State(*(getattr(state, name) for name in State._fields))

    def states():
        return {name: a for name, a in run.states().items() if name in State._fields}

    return replace(run, state=visible(run.state), backward=backward, states=states)
