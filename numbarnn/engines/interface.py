"""What an engine's forward pass hands to its backward pass."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from ..errors import InputError


@dataclass
class EngineResult:
    """One forward pass, everything time-major.

    An engine is a module with `forward(cell, params, x, initial, mask, resets, reverse, keep, given) -> Trace`
    (`noise`: what `Cell.draw` gave; where `resets` (T, B) is true, a row's states are zero before the step),
    `backward(trace, d_outputs, d_state, cut) -> params, inputs, initial state` (gradients; where `cut` (T, B) is true,
    as it is at all resets, none passes to the states before the step), `states(trace)` and `gates(trace)`.
    """

    cell: Any
    params: dict
    x: np.ndarray  # (T, B, I), zeros where masked; or (T, B) int64 (see `dispatch.unroll`)
    mask: np.ndarray | None  # (T, B) booleans
    reverse: bool
    outputs: np.ndarray  # (T, B, n)
    state: tuple  # final states, each (B, n)
    saved: Any  # the engine's own; None when nothing is kept for the gradient


class RunOptions(NamedTuple):
    """How a pass is run; it goes down unchanged to the plain cells that a composite is made of, but for `part`.

    `reverse` walks each row from its last valid step to its first; `keep`: the gradient will be asked for. `seed` is a
    path of integers, empty where the caller gave none: every random number depends on it alone, so a pass can be
    run again and gives the same. `resets` (T, B) booleans or None: before which steps all states of a row become zero.
    """

    reverse: bool = False
    training: bool = False
    seed: tuple = ()
    device: str = "cpu"
    keep: bool = True
    resets: np.ndarray | None = None

    def part(self, name):
        """For one part of a composite: random numbers of its own."""
        return self._replace(seed=(*self.seed, crc32(str(name).encode()))) if self.seed else self

    def cuts(self, cut, shape):
        """(T, B), the shape: where no gradient passes, at these cuts and at resets; None for nowhere."""
        if self.resets is None:
            return None if cut is None else np.broadcast_to(cut, shape)
        return self.resets if cut is None else self.resets | cut

    def random(self, caller):
        """A NumPy Generator for this part."""
        if not self.seed:
            raise InputError(f"{caller}: draws random numbers in training; expected rng (a seed), got None")
        return np.random.default_rng(self.seed)


@dataclass
class CellResult:
    """A cell's run over a batch of sequences, everything time-major.

    `outputs` (T, B, output_size), zero where masked; `state`: final states, as nested as the cell's `state_size`.
    `backward(d_outputs, d_state, cut=None)` gives the gradients (params, x, initial state); d_outputs may be None, and
    so may each array of d_state. `cut` (T, B) or (T, 1) booleans: from which steps no gradient passes to the states
    before them. `states()` and `gates()` are {name: (T, B, n)}.
    """

    outputs: np.ndarray
    state: tuple
    backward: object
    states: object = field(default=dict)
    gates: object = field(default=dict)
