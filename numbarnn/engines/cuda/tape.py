"""What a pass works on: arrays on the device, everything time-major and in the order of the inputs.

z[t, b, slot, u] holds pre-activations, after the step what it saved, after the step back dz: see `Slots`. The states
before and after step t stand in states[i, t, b, u] and states[i, t + 1, b, u], the other way round in reverse.
"""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...utils.lazy import cached_property
from .arrays import as_device, contiguous, put
from .blas import STRICT, matrix
from .equations import Slots, slots_of
from .memory import empty, nothing, zero
from .vectors import vectors_of

VALID, RESET, STOP = 1, 2, 4  # bits of flags[t, b]


@dataclass
class Tape:
    cell: Any
    params: dict
    x: Any  # (T, B, I), zeros where masked
    noise: dict  # what `Cell.draw` gave
    z: Any  # (T, B, slots, H)
    states: Any  # (states, T + 1, B, H), those of the equations
    y: Any  # (T + 1, B, F): what is put out and fed back, where that is a projection of the first state
    before: Any  # (T, B, F): what is fed back in each step, where a reset makes it another than y
    r: Any  # (T, B, F): the projection before it is clipped, then its gradient
    q: Any  # (T, B, kinds, H)
    normed: tuple  # units (T, B, normed, H): normalised rows before scale and shift; inverse (T, B, groups): 1 / std
    resets: Any  # (T, B) booleans in NumPy, or None
    flags: Any  # (T, B), see VALID
    reverse: bool
    mode: int

    @property
    def slots(self) -> Slots:
        return slots_of(self.cell)

    @property
    def real(self):
        return self.z.dtype

    @cached_property
    def vectors(self):
        """(slots, H): what pre-activations have in all steps."""
        return vectors_of(self.cell, self.params, self.real)

    @property
    def steps(self):
        """The time steps in the order in which they are walked."""
        T = self.z.shape[0]
        return range(T - 1, -1, -1) if self.reverse else range(T)

    @property
    def fed(self):
        """(T + 1, B, F): the outputs that are fed back."""
        return self.states[0] if self.y is None else self.y

    def before_steps(self, array):
        """Of an array over T + 1 times, what stood there before each step."""
        return array[1:] if self.reverse else array[:-1]

    def after_steps(self, array):
        return array[:-1] if self.reverse else array[1:]

    def rows(self, array):
        """An array over time and rows as matrix of T B rows."""
        return matrix(array, array.size // max(len(array) * self.z.shape[1], 1))

    def norms(self, d_norms=None):
        """What kernels get for layer norm; `d_norms`: going back."""
        if not self.normed:
            return ()
        return (*self.normed, self.params["norm_scale"], self.params["norm_shift"] if d_norms is None else d_norms)

    def exposed(self, at_first, others):
        """Of arrays for the output and for the states of the equations, those that a caller sees."""
        if self.y is None:
            return list(others)
        return [at_first, *(others if self.cell.carries_output else others[1:])]


def begin(cell, params, x, initial, mask, resets, reverse, noise, mode=STRICT):
    """The tape before the first step; z holds nothing yet."""
    x = contiguous(as_device(x))
    params = {name: contiguous(as_device(value)) for name, value in params.items()}
    (T, B, _), H, real, slots = x.shape, cell.units, x.dtype, slots_of(cell)
    kinds, F, projected = slots.kinds, cell.state_width, cell.num_proj is not None
    tape = Tape(
        cell,
        params,
        x,
        noise,
        z=empty((T, B, slots.count, H), real),
        states=empty((len(cell.states), T + 1, B, H), real),
        y=empty((T + 1, B, F), real) if projected else None,
        before=None if resets is None else empty((T, B, F), real),
        r=empty((T, B, F), real) if projected else None,
        q=empty((T, B, kinds, H), real) if kinds else nothing(4, real),
        normed=(empty((T, B, len(cell.normed), H), real), empty((T, B, len(cell.norms)), real)) if cell.norms else (),
        resets=resets,
        flags=flags_on_device(T, B, mask, resets),
        reverse=reverse,
        mode=mode,
    )
    start = T if reverse else 0
    if projected:
        zero(tape.states[0][start])  # a caller sees none
    seen = tape.exposed(tape.y, list(map(tape.states.__getitem__, range(len(cell.states)))))
    for array, value in zip(seen, initial or [None] * len(seen), strict=True):
        put(value, array[start])
    return tape


def flags_on_device(T, B, mask, resets, cut=None):
    """What is to be known of each step of each row, in one byte, (T, B)."""
    return all_valid(T, B) if mask is resets is cut is None else as_device(flags(T, B, mask, resets, cut))


@functools.lru_cache(32)
def all_valid(T, B):
    return as_device(np.full((T, B), VALID, np.uint8))


def flags(T, B, mask, resets, cut):
    found = np.full((T, B), VALID, np.uint8)
    for values, bits in ((resets, RESET), (cut, STOP)):
        if values is not None:
            found |= np.where(values, bits, 0).astype(np.uint8)
    if mask is not None:
        found[~np.asarray(mask)] &= ~np.uint8(VALID)
    return found
