"""Zoneout (Krueger et al. 2017): parts of the state stay as they were.

s' = d s + (1 - d) s~, with s~ what the cell makes of s, and d 1 with probability `zoneout`, else 0, for each step, row
and unit in training; otherwise d is that probability. The cell's equations see s~ alone: h~ = o tanh(c~).
"""

from dataclasses import KW_ONLY, dataclass

import numpy as np

from ..errors import InputError
from ..maths import one
from ..ops.random import chosen
from .base import Wrapper
from .transformed import Masked, expect_plain, expect_rates, transformed


@dataclass(frozen=True, kw_only=True)
class Zoned(Masked):
    """In front of a plain cell's class: zoneout; `rates`: ((state, probability), ...)."""

    rates: tuple

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
                kept = chosen(options.part(f"zoneout_{name}").random("ZoneoutWrapper"), rate, shape)
            found[f"kept_{name}"] = kept.astype(dtype)
        return found


@dataclass(frozen=True)
class ZoneoutWrapper(Wrapper):
    """Zoneout of a plain cell: of the states called c with probability `zoneout_c`, of all others `zoneout_h`.

    Parameters and states are the cell's. In training `forward` needs `rng`, a seed.
    """

    _: KW_ONLY
    zoneout_h: float = 0.0
    zoneout_c: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        expect_plain(self, self.cell)
        expect_rates(self, zoneout_h=self.zoneout_h, zoneout_c=self.zoneout_c)
        if self.cell.num_proj is not None and self.zoneout_h:
            raise InputError("ZoneoutWrapper: there is no zoneout_h of a projected output")
        if self.zoneout_c and "c" not in self.cell.states:
            raise InputError(f"ZoneoutWrapper: {type(self.cell).__name__} has no state c for zoneout_c")

    @property
    def zoned(self):
        """The plain cell that runs."""
        rates = ((name, self.zoneout_c if name == "c" else self.zoneout_h) for name in self.cell.states)
        rates = tuple((name, rate) for name, rate in rates if rate)
        return transformed(Zoned, self.cell, rates=rates) if rates else self.cell

    def unroll(self, params, x, state, mask, options):
        return self.zoned.unroll(params, x, state, mask, options)
