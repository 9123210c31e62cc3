"""Dropout of what the recurrent products read (Gal and Ghahramani 2016), as `recurrent_dropout` of Keras.

z = x W + (m h) R + b, with a mask m that stays the same over time; what the equations do with h itself they do with the
undropped one.
"""

from dataclasses import KW_ONLY, dataclass

from ..cells.gru import GRUCell
from ..errors import InputError
from .base import Wrapper
from .masks import draw
from .transformed import Masked, expect_plain, expect_rates, transformed, unroll_with_copy


@dataclass(frozen=True, kw_only=True)
class Dropping(Masked):
    """Masks that hold for all steps."""

    rate: float

    def draw(self, shape, dtype, options):
        masks = {name: recurrent_mask(options, name, self.rate, shape, dtype) for name in self.masks}
        return self.inner.draw(shape, dtype, options) | masks


@dataclass(frozen=True, kw_only=True)
class OneMask(Dropping):
    """In front of a plain cell's class: the first state, which is fed back, is the output times a mask, and the output
    becomes the last state. `feedback` sees the first one, as its q goes to a recurrent product."""

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
class MaskPerGate(Dropping):
    """In front of the class of a plain cell without feedback: each pre-activation reads the output by a mask of its
    own."""

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
    """`MaskPerGate` for `GRUCell`: r reads the first state, z and n read what `feedback` makes of the output."""

    masks = ("mask_r", "mask_z", "mask_n")

    @property
    def inputs(self):
        return {"r": "xh", "z": "xq0", "n": "xq1"} | dict.fromkeys(self.masks, "m")

    def feedback(self, z, s):
        r, _, mask_z, mask_n = z
        q, _ = self.inner.equations.feedback((r, r), s[1:])  # z, not known yet, plays no part in it
        return (mask_z * s[1], mask_n * q), z

    def forward(self, z, s):
        _, carried = self.inner.equations.feedback(z[:2], s[1:])
        s1, saved = self.inner.equations.forward((*carried, z[2]), s[1:])
        return self.new(z[3:], s, s1), saved


def recurrent_mask(options, name, rate, shape, dtype):
    """One for each row and unit, (1, B, H)."""
    return draw(options.part(name).random("RecurrentDropoutWrapper"), 1 - rate, (1, *shape[1:]), dtype)


@dataclass(frozen=True)
class RecurrentDropoutWrapper(Wrapper):
    """In training, drops parts of the output before, with probability `rate`, where the recurrent products of a plain
    cell read it; what is kept is divided by 1 - rate.

    A mask is drawn for each row and holds for all steps: one for all gates, or with `per_gate` one for each of them.
    Parameters and states are the cell's. `forward` needs `rng`, a seed.
    """

    rate: float
    _: KW_ONLY
    per_gate: bool = False

    def __post_init__(self):
        super().__post_init__()
        expect_plain(self, self.cell)
        expect_rates(self, rate=self.rate)
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
    def dropped(self):
        """The plain cell that runs in training."""
        per_gate = MaskPerGateOfGRU if isinstance(self.cell, GRUCell) else MaskPerGate
        return transformed(per_gate if self.per_gate else OneMask, self.cell, rate=self.rate)

    def unroll(self, params, x, state, mask, options):
        if not options.training or not self.rate:
            return self.cell.unroll(params, x, state, mask, options)
        cell = self.dropped
        if not isinstance(cell, OneMask):
            return cell.unroll(params, x, state, mask, options)
        kept = recurrent_mask(options, cell.masks[0], self.rate, (*x.shape[:2], cell.units), x.dtype)[0]
        return unroll_with_copy(cell, kept, params, x, state, mask, options)
