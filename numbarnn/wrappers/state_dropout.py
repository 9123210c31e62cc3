"""Dropout of the states that a plain cell passes to its next step, within the cell's equations.

The new state is multiplied by a mask; the output is not. If output and state are the same h, the output becomes an
additional state, the last one.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ..cells.base import Cell
from ..cells.rnn_cell import RNNCell
from ..engines.interface import CellResult, RunOptions
from ..errors import InputError
from .base import Wrapper
from .masks import Sharing, draw
from .recurrent_dropout import RecurrentDropoutWrapper
from .transformed import Masked, transformed, unroll_with_copy
from .zoneout import ZoneoutWrapper


class Drop(NamedTuple):
    """Describe one state dropout; `state_filter` says by a state's name whether it is dropped."""

    keep_prob: float
    state_filter: Callable[[str], bool]
    sharing: Sharing


@dataclass(frozen=True, kw_only=True)
class StateDropout(Masked):
    """Apply one or more state dropouts."""

    drops: tuple[Drop, ...]

    @property
    def sites(self):
        """Map the name of each mask to (which of `drops`, which state)."""
        names = self.inner.states
        return {
            f"mask{k}_{name}": (k, name) for k, d in enumerate(self.drops) for name in names if d.state_filter(name)
        }

    @property
    def masks(self):
        return tuple(self.sites)

    @property
    def last_is_output(self):
        return any(name == self.inner.states[0] for _, name in self.sites.values())

    @property
    def states(self):
        return self.inner.states + ("output",) * self.last_is_output

    def new(self, masks, s, s1):
        new = dict(zip(self.inner.states, s1, strict=True))
        for (_, name), mask in zip(self.sites.values(), masks, strict=True):
            new[name] = mask * new[name]
        return *new.values(), *s1[: self.last_is_output]

    def draw(self, shape, dtype, options):
        found = self.inner.draw(shape, dtype, options)
        for mask, (k, _) in self.sites.items():
            drop, rng = self.drops[k], options.part(mask).random("DropoutWrapper")
            found[mask] = draw(rng, drop.keep_prob, drop.sharing.shape(*shape), dtype)
        return found


@dataclass(frozen=True)
class _StateDropout(Wrapper):
    """Run a plain cell with dropout of its states, in training."""

    cell: Cell
    drops: tuple[Drop, ...]

    def __post_init__(self):
        super().__post_init__()
        output = self.cell.State._fields[0]
        if self.cell.num_proj is not None and any(drop.state_filter(output) for drop in self.drops):
            raise InputError("DropoutWrapper: there is no state dropout of a projected output")

    def unroll(
        self, params: dict[str, np.ndarray], x: np.ndarray, state: Any, mask: np.ndarray | None, options: RunOptions
    ) -> CellResult:
        cell = transformed(StateDropout, self.cell, drops=self.drops)
        if cell.last_is_output:
            return unroll_with_copy(cell, 1, params, x, state, mask, options)
        return cell.unroll(params, x, state, mask, options)


def is_tuple_of_cells(value: Any) -> bool:
    """Say whether a value is a tuple of at least one cell, and of cells only."""
    return isinstance(value, tuple) and bool(value) and all(isinstance(v, RNNCell) for v in value)


@lru_cache
def with_state_dropout(cell: RNNCell, drop: Drop) -> RNNCell:
    """Return a cell like this one with state dropout of all plain cells inside it."""
    # by identity: one object at several places stays one object
    made = {}

    def dropped(cell):
        if id(cell) not in made:
            made[id(cell)] = new(cell)
        return made[id(cell)]

    def new(cell: Any):
        if isinstance(cell, _StateDropout):
            return replace(cell, drops=(*cell.drops, drop))
        if isinstance(cell, ZoneoutWrapper):
            cell = cell.zoned
        if isinstance(cell, Cell):
            return _StateDropout(cell, (drop,))
        values = {field.name: getattr(cell, field.name) for field in fields(cell) if field.init}
        inside = {name: dropped(v) for name, v in values.items() if isinstance(v, RNNCell)}
        inside |= {name: tuple(map(dropped, v)) for name, v in values.items() if is_tuple_of_cells(v)}
        if not inside or isinstance(cell, RecurrentDropoutWrapper):
            raise InputError(f"DropoutWrapper: there is no state dropout of a {type(cell).__name__}")
        return replace(cell, **inside)

    return dropped(cell)
