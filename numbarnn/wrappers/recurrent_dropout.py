"""Dropout of what the recurrent products read (Gal and Ghahramani 2016), as `recurrent_dropout` of Keras.

z = x W + (m h) R + b, with a mask m that stays the same over time; what the equations do with h itself they do with the
undropped one.
"""

from dataclasses import KW_ONLY, dataclass, replace

from .. import engines
from ..cells.base import Cell
from ..errors import InputError
from .base import Wrapper
from .masks import draw
from .transformed import expect_plain, expect_rates, transformed


@dataclass(frozen=True)
class OneMask:
    """In front of a plain cell's class: the first state, which is fed back, is the output times a mask, and the output
    becomes the last state."""

    _: KW_ONLY
    rate: float = 0.0

    equations = Cell.equations  # derived from `feedback` and `forward`
    last_is_output = True

    @property
    def feedback(self):
        inner = super().equations.feedback
        if inner is None:
            return None

        def feedback(z, s):
            q, carried = inner(z[:-1], (s[-1], *s[1:-1]))
            return z[-1] * q, (*carried, z[-1])

        return feedback

    def forward(self, z, s):
        s1, gates = super().equations.forward(z[:-1], (s[-1], *s[1:-1]))
        return (z[-1] * s1[0], *s1[1:], s1[0]), gates[: len(self.saved)]

    @property
    def states(self):
        return "fed", *super().states[1:], super().states[0]

    @property
    def inputs(self):
        return super().inputs | {"mask": "m"}

    def draw(self, shape, dtype, how):
        return super().draw(shape, dtype, how) | {"mask": recurrent_mask(how, "mask", self.rate, shape, dtype)}


@dataclass(frozen=True)
class MaskPerGate:
    """In front of the class of a plain cell without feedback: each pre-activation reads the output by a mask of its
    own."""

    _: KW_ONLY
    rate: float = 0.0

    equations = Cell.equations  # derived from `feedback` and `forward`

    def feedback(self, z, s):
        return tuple(mask * s[0] for mask in z[-len(self.masks) :]), z

    def forward(self, z, s):
        s1, gates = super().equations.forward(z[: len(super().inputs)], s)
        return s1, gates[: len(self.saved)]

    @property
    def masks(self):
        return tuple(f"mask_{name}" for name, fed in super().inputs.items() if "h" in fed)

    @property
    def inputs(self):
        fed = super().inputs
        numbers = {mask.removeprefix("mask_"): i for i, mask in enumerate(self.masks)}
        fed = {name: f"{f.replace('h', 'q')}{numbers[name]}" if name in numbers else f for name, f in fed.items()}
        return fed | dict.fromkeys(self.masks, "m")

    def draw(self, shape, dtype, how):
        masks = {name: recurrent_mask(how, name, self.rate, shape, dtype) for name in self.masks}
        return super().draw(shape, dtype, how) | masks


def recurrent_mask(how, name, rate, shape, dtype):
    """One for each row and unit, (1, B, H)."""
    return draw(how.part(name).random("RecurrentDropoutWrapper"), 1 - rate, (1, *shape[1:]), dtype)


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
        who = type(self.cell).__name__
        if self.cell.num_proj is not None or self.cell.last_is_output or not self.cell.fed_by("h"):
            raise InputError(f"RecurrentDropoutWrapper: expected a cell whose products read its first state, got {who}")
        if self.per_gate and self.cell.equations.feedback:
            raise InputError(
                f"RecurrentDropoutWrapper: {who} computes within the step, so it has one mask for all gates"
            )

    def unroll(self, params, x, state, mask, how):
        if not how.training or not self.rate:
            return self.cell.unroll(params, x, state, mask, how)
        if self.per_gate:
            return transformed(MaskPerGate, self.cell, rate=self.rate).unroll(params, x, state, mask, how)
        return self._with_one_mask(params, x, state, mask, how)

    def _with_one_mask(self, params, x, state, mask, how):
        cell = transformed(OneMask, self.cell, rate=self.rate)
        kept = recurrent_mask(how, "mask", self.rate, (*x.shape[:2], cell.units), x.dtype)[0]
        if state is not None:
            state = cell.State(kept * state[0], *state[1:], state[0])
        run = engines.run(cell, params, x, state, mask, how)
        State = self.cell.State

        def backward(d_outputs, d_state):
            d_params, dx, (d_fed, *rest, d) = run.backward(d_outputs, (None, *d_state[1:], d_state[0]))
            return d_params, dx, State(d + kept * d_fed, *rest)

        states = lambda: {name: run.states()[name] for name in State._fields}  # noqa: E731
        return replace(run, state=State(run.state[-1], *run.state[1:-1]), backward=backward, states=states)
