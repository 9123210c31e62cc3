"""Dropout of the states that a plain cell hands on to its next step, by way of the cell's equations.

A new state is multiplied with a mask before it is handed on; the output is what it was before. Where both are h, the
output becomes a state of its own, the last one.
"""

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, fields, replace
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numba.extending import register_jitable

from .. import engines
from ..cells.base import Cell, Equations
from ..cells.contract import RNNCell
from ..errors import InputError
from ..maths import zero
from .base import Wrapper
from .masks import Sharing, draw


class Drop(NamedTuple):
    """Which states are dropped, by their names, and how."""

    keep_prob: float
    dropped: Callable
    sharing: Sharing


@cache
def with_output(eq):
    """Equations with one state more, the last: the first new state once more."""

    @register_jitable
    def forward(z, s):
        s1, saved = of(z, s[:-1])
        return s1 + s1[:1], saved

    @register_jitable
    def backward(saved, s, s1, ds1):
        dz, ds = back(saved, s[:-1], s1[:-1], (ds1[0] + ds1[-1], *ds1[1:-1]))
        return dz, (*ds, zero(ds1[0]))

    @register_jitable
    def feedback(z, s):
        return of_q(z, s[:-1])

    @register_jitable
    def feedback_backward(carried, s, dq):
        dz, ds = back_q(carried, s[:-1], dq)
        return dz, (*ds, zero(ds[0]))

    of, back, of_q, back_q = eq[:4]
    second = (feedback, feedback_backward) if of_q else (None, None)
    return Equations(forward, backward, *second, *eq[4:])


@cache
def with_mask(eq, i, inputs, first):
    """Equations with one input more, the last: a mask that new state i is multiplied with. `inputs`: those before;
    `first`: those of them that `feedback` gets."""

    @register_jitable
    def forward(z, s):
        s1, saved = of(z[:inputs], s)
        return (*s1[:i], s1[i] * z[inputs], *s1[after:]), (*saved, s1[i], z[inputs])

    @register_jitable
    def backward(saved, s, s1, ds1):
        new, mask = saved[-2], saved[-1]
        dz, ds = back(saved[:-2], s, (*s1[:i], new, *s1[after:]), (*ds1[:i], ds1[i] * mask, *ds1[after:]))
        return (*dz[:inputs], zero(mask), *dz[inputs:]), ds

    @register_jitable
    def feedback(z, s):
        q, carried = of_q(z[:first], s)
        return q, carried + z[first:]

    @register_jitable
    def feedback_backward(carried, s, dq):
        dz, ds = back_q(carried[:first] + carried[behind:], s, dq)
        return (*dz, zero(ds[0])), ds

    after, behind = i + 1, first + 1  # Numba wants slices between constants
    of, back, of_q, back_q, hidden, extra = eq
    second = (feedback, feedback_backward) if of_q else (None, None)
    return Equations(forward, backward, *second, hidden + 2, extra)


@dataclass(frozen=True)
class Dropped:
    """What turns a plain cell's class, the next base class, into that of the cell with state dropout."""

    _: KW_ONLY
    drops: tuple[Drop, ...] = ()

    @property
    def masks(self):
        """{name of the mask: (which of `drops`, which state)}."""
        names = super().states
        return {f"mask{k}_{name}": (k, name) for k, d in enumerate(self.drops) for name in names if d.dropped(name)}

    @property
    def inputs(self):
        return super().inputs | dict.fromkeys(self.masks, "m")

    @property
    def last_is_output(self):
        first = super().states[0]
        return any(name == first for _, name in self.masks.values())

    @property
    def states(self):
        return (*super().states, "output") if self.last_is_output else super().states

    @property
    def equations(self):
        names, inputs, eq = super().states, super().inputs, super().equations
        first = sum(not set(fed) & set("q=") for fed in inputs.values())
        if self.last_is_output:
            eq = with_output(eq)
        for count, (_, name) in enumerate(self.masks.values()):
            eq = with_mask(eq, names.index(name), len(inputs) + count, first + count)
        return eq

    def draw(self, shape, dtype, how):
        found = super().draw(shape, dtype, how)
        for name, (k, _) in self.masks.items():
            drop, rng = self.drops[k], how.part(name).random("DropoutWrapper")
            found[name] = draw(rng, drop.keep_prob, drop.sharing.shape(*shape), dtype)
        return found


@cache
def dropped_class(kind):
    return dataclass(frozen=True)(type(kind.__name__, (Dropped, kind), {}))


@lru_cache
def dropped_cell(cell, drops):
    """The plain cell with state dropout in its equations."""
    options = {field.name: getattr(cell, field.name) for field in fields(cell) if field.init}
    return dropped_class(type(cell))(**options, drops=drops)


@dataclass(frozen=True)
class _StateDropout(Wrapper):
    """A plain cell with dropout of its outgoing states in training."""

    drops: tuple[Drop, ...]

    def __post_init__(self):
        super().__post_init__()
        output = self.cell.State._fields[0]
        if self.cell.num_proj is not None and any(drop.dropped(output) for drop in self.drops):
            raise InputError("DropoutWrapper: there is no state dropout of a projected output")

    def unroll(self, params, x, state, mask, how):
        cell = dropped_cell(self.cell, self.drops)
        extra = (None,) * cell.last_is_output
        if state is not None and extra:
            state = cell.State(*state, np.zeros_like(state[0]))
        run = engines.run(cell, params, x, state, mask, how)
        size = len(self.cell.state_size)

        def backward(d_outputs, d_state):
            d_params, dx, initial = run.backward(d_outputs, (*d_state, *extra))
            return d_params, dx, self.cell.State(*initial[:size])

        states = lambda: {name: a for name, a in run.states().items() if name in self.cell.State._fields}  # noqa: E731
        return replace(run, state=self.cell.State(*run.state[:size]), backward=backward, states=states)


def is_tuple_of_cells(value):
    return isinstance(value, tuple) and bool(value) and all(isinstance(v, RNNCell) for v in value)


@lru_cache
def with_state_dropout(cell, drop):
    """The cell with state dropout of all plain cells in it."""
    made = {}

    def dropped(cell):
        if id(cell) not in made:
            made[id(cell)] = new(cell)
        return made[id(cell)]

    def new(cell):
        if isinstance(cell, _StateDropout):
            return replace(cell, drops=(*cell.drops, drop))
        if isinstance(cell, Cell):
            return _StateDropout(cell, (drop,))
        values = {field.name: getattr(cell, field.name) for field in fields(cell) if field.init}
        inside = {name: dropped(v) for name, v in values.items() if isinstance(v, RNNCell)}
        inside |= {name: tuple(map(dropped, v)) for name, v in values.items() if is_tuple_of_cells(v)}
        if not inside:
            raise InputError(f"DropoutWrapper: there is no state dropout of a {type(cell).__name__}")
        return replace(cell, **inside)

    return dropped(cell)
