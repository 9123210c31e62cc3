"""Dropout of what the recurrent products read (Gal and Ghahramani 2016), as `recurrent_dropout` of Keras.

z = x W + (m h) R + b, with a mask m that is the same in all steps; the rest of the equations uses h without the mask.
"""

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from ..cells.base import Cell
from ..cells.gru import GRUCell
from ..engines.interface import CellResult, RunOptions
from ..errors import InputError
from .base import Wrapper, check_plain, check_rates
from .masks import draw
from .transformed import Masked, transformed, unroll_with_copy


@dataclass(frozen=True, kw_only=True)
class RecurrentDropout(Masked):
    """Draw masks that all steps share; the base of the mixins below."""

    rate: float

    def draw(self, shape, dtype, options):
        masks = {name: recurrent_mask(options, name, self.rate, shape, dtype) for name in self.masks}
        return self.inner.draw(shape, dtype, options) | masks


@dataclass(frozen=True, kw_only=True)
class OneMask(RecurrentDropout):
    """Feed back the output times one mask: it becomes the first state, and the output the last state.

    `feedback` reads the first state, as its q goes to a recurrent product.
    """

    masks = ("mask",)
    last_is_output = True

    @property
    def states(self):
        return "fed", *self.inner.states[1:], self.inner.states[0]

    def old(self, s):
        return s[-1], *s[1:-1]

    def new(self, masks, s, s1):
        return masks[0] * s1[0], *s1[1:], s1[0]


@dataclass(frozen=True, kw_only=True)
class MaskPerGate(RecurrentDropout):
    """Feed the output to each pre-activation by a mask of its own, in a cell without feedback."""

    @property
    def masks(self):
        return tuple(f"mask_{name}" for name in self.inner.fed_by("h"))

    @property
    def inputs(self):
        reads = {name: f"q{i}" for i, name in enumerate(self.inner.fed_by("h"))}
        return {name: fed.replace("h", reads.get(name, "")) for name, fed in super().inputs.items()}

    def feedback(self, z, s):
        return tuple(mask * s[0] for mask in z[-len(self.masks) :]), z


@dataclass(frozen=True, kw_only=True)
class MaskPerGateOfGRU(OneMask):
    """Do as `MaskPerGate` in a `GRUCell`: r reads the first state, z and n read what `feedback` makes of the output."""

    masks = ("mask_r", "mask_z", "mask_n")

    @property
    def inputs(self):
        return {"r": "xh", "z": "xq0", "n": "xq1"} | dict.fromkeys(self.masks, "m")

    def feedback(self, z, s):
        r, _, mask_z, mask_n = z
        # z is not known yet, and feedback does not use it: r stands in for it
        q, _ = self.inner.equations.feedback((r, r), s[1:])
        return (mask_z * s[1], mask_n * q), z

    def forward(self, z, s):
        _, carried = self.inner.equations.feedback(z[:2], s[1:])
        s1, saved = self.inner.equations.forward((*carried, z[2]), s[1:])
        return self.new(z[3:], s, s1), saved


def recurrent_mask(
    options: RunOptions, name: str, rate: float, shape: tuple[int, int, int], dtype: np.dtype
) -> np.ndarray:
    """Draw a mask (1, B, H) for arrays of shape (T, B, H)."""
    return draw(options.part(name).random("RecurrentDropoutWrapper"), 1 - rate, (1, *shape[1:]), dtype)


@dataclass(frozen=True)
class RecurrentDropoutWrapper(Wrapper):
    """Drop what the recurrent products of a plain cell read, at random in training.

    Each unit of the previous output is zero with probability `rate`, and divided by 1 - rate otherwise. A mask is drawn
    for each row and holds for all steps. `nr.forward` then needs `rng`, a seed. Parameters and states are those of
    `cell`.

    Parameters
    ----------
    cell : Cell
        The inner cell, a plain one whose recurrent products read its first state.
    rate : float
        Probability in [0, 1) that a unit is dropped.
    per_gate : bool, default False
        Draw a mask for each gate; by default all gates share one.

    Raises
    ------
    InputError
        For a `rate` outside [0, 1), a cell that is not plain or whose products read something else, or `per_gate` of a
        cell other than `GRUCell` that multiplies something computed within the step.

    References
    ----------
    Gal and Ghahramani 2016, "A theoretically grounded application of dropout in recurrent neural networks"; the option
    ``recurrent_dropout`` of Keras.
    """

    cell: Cell
    rate: float
    _: KW_ONLY
    per_gate: bool = False

    def __post_init__(self):
        super().__post_init__()
        check_plain(self, self.cell)
        check_rates(self, rate=self.rate)
        caller = type(self.cell).__name__
        if self.cell.num_proj is not None or self.cell.last_is_output or not self.cell.fed_by("h"):
            raise InputError(
                f"RecurrentDropoutWrapper: expected a cell whose products read its first state, got {caller}"
            )
        if self.per_gate and self.cell.equations.feedback and not isinstance(self.cell, GRUCell):
            raise InputError(
                f"RecurrentDropoutWrapper: {caller} computes within the step, so it has one mask for all gates"
            )

    @property
    def dropped(self) -> Cell:
        """Return the plain cell that runs in training."""
        per_gate = MaskPerGateOfGRU if isinstance(self.cell, GRUCell) else MaskPerGate
        return transformed(per_gate if self.per_gate else OneMask, self.cell, rate=self.rate)

    def unroll(
        self, params: dict[str, np.ndarray], x: np.ndarray, state: Any, mask: np.ndarray | None, options: RunOptions
    ) -> CellResult:
        if not options.training or not self.rate:
            return self.cell.unroll(params, x, state, mask, options)
        cell = self.dropped
        if not isinstance(cell, OneMask):
            return cell.unroll(params, x, state, mask, options)
        scale = recurrent_mask(options, cell.masks[0], self.rate, (*x.shape[:2], self.cell.units), x.dtype)[0]
        return unroll_with_copy(cell, scale, params, x, state, mask, options)
