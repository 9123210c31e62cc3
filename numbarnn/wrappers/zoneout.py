"""Zoneout (Krueger et al. 2017): parts of the state stay as they were.

s' = d s + (1 - d) s~, with s~ the new state of the cell. In training d is drawn for each step, row and unit: 1 with
probability `zoneout`, else 0; otherwise d is that probability. The cell's equations see s~ alone: h~ = o tanh(c~).
"""

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from ..cells.base import Cell
from ..engines.interface import CellResult, RunOptions
from ..errors import InputError
from ..maths import one
from ..ops.random import bernoulli
from .base import Wrapper, check_plain, check_rates
from .transformed import Masked, transformed


@dataclass(frozen=True, kw_only=True)
class Zoneout(Masked):
    """Apply zoneout to states; `rates`: ((state, probability), ...)."""

    rates: tuple[tuple[str, float], ...]

    @property
    def masks(self):
        return tuple(f"kept_{name}" for name, _ in self.rates)

    def new(self, masks, s, s1):
        old, new = (dict(zip(self.inner.states, values, strict=True)) for values in (s, s1))
        for (name, _), d in zip(self.rates, masks, strict=True):
            new[name] = d * old[name] + (one(d) - d) * new[name]
        return tuple(new.values())

    def draw(self, shape, dtype, options):
        found = self.inner.draw(shape, dtype, options)
        for name, rate in self.rates:
            kept = np.asarray(rate)
            if options.training:
                kept = bernoulli(options.part(f"zoneout_{name}").random("ZoneoutWrapper"), rate, shape)
            found[f"kept_{name}"] = kept.astype(dtype)
        return found


@dataclass(frozen=True)
class ZoneoutWrapper(Wrapper):
    """Keep units of the state of a plain cell as they were, at random in training.

    Each unit of a state keeps its old value with a probability, drawn for each step and row. Without training, the new
    state is the mean: probability times old value plus the rest times new value. In training `nr.forward` needs `rng`,
    a seed. Parameters and states are those of `cell`.

    Parameters
    ----------
    cell : Cell
        The inner cell, a plain one.
    zoneout_h : float, default 0.0
        Probability in [0, 1) that a unit of a state other than c keeps its value.
    zoneout_c : float, default 0.0
        Probability in [0, 1) that a unit of the states called c keeps its value.

    Raises
    ------
    InputError
        For a probability outside [0, 1), a cell that is not plain, `zoneout_c` of a cell without c, or `zoneout_h` of a
        projected output.

    References
    ----------
    Krueger et al. 2017, "Zoneout: regularizing RNNs by randomly preserving hidden activations".
    """

    cell: Cell
    _: KW_ONLY
    zoneout_h: float = 0.0
    zoneout_c: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        check_plain(self, self.cell)
        check_rates(self, zoneout_h=self.zoneout_h, zoneout_c=self.zoneout_c)
        if self.cell.num_proj is not None and self.zoneout_h:
            raise InputError("ZoneoutWrapper: there is no zoneout_h of a projected output")
        if self.zoneout_c and "c" not in self.cell.states:
            raise InputError(f"ZoneoutWrapper: {type(self.cell).__name__} has no state c for zoneout_c")

    @property
    def zoned(self) -> Cell:
        """Return the plain cell that runs."""
        rates = ((name, self.zoneout_c if name == "c" else self.zoneout_h) for name in self.cell.states)
        rates = tuple((name, rate) for name, rate in rates if rate)
        return transformed(Zoneout, self.cell, rates=rates) if rates else self.cell

    def unroll(
        self, params: dict[str, np.ndarray], x: np.ndarray, state: Any, mask: np.ndarray | None, options: RunOptions
    ) -> CellResult:
        return self.zoned.unroll(params, x, state, mask, options)
