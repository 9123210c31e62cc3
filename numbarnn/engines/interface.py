"""The contract of engines: the options of a pass, and the results of an engine and of a cell."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from ..errors import InputError
from ..utils.rows import EVERY, Rows


@dataclass
class EngineResult:
    """The result of an engine's forward pass; all arrays are time-major.

    An engine is a module with four functions:

    - `forward(cell, params, x, initial, mask, resets, reverse, keep, noise) -> EngineResult`. `noise` is what
      `Cell.draw` returned. Where `resets` (T, B) is true, the states of a row become zero before the step.
    - `backward(result, d_outputs, d_state, cut) -> (params, inputs, initial state)`, the gradients. Where `cut` (T, B)
      is true, no gradient flows to the states before the step; it is true at all resets.
    - `states(result)` and `gates(result)`, {name: (T, B, n)}.
    """

    cell: Any
    params: dict
    x: np.ndarray  # (T, B, I), zeros where masked; or (T, B) int64 (see `dispatch.unroll`)
    mask: np.ndarray | None  # (T, B) booleans
    reverse: bool
    outputs: np.ndarray  # (T, B, n)
    state: tuple  # final states, each (B, n)
    saved: Any  # what the engine's `backward` needs; None if `keep` was false

    def with_saved(self, saved):
        """Return a result with something else saved."""
        return EngineResult(self.cell, self.params, self.x, self.mask, self.reverse, self.outputs, self.state, saved)


class RunOptions(NamedTuple):
    """Options of a pass; a composite cell passes them on unchanged, but for `part`.

    `reverse`: read each row from its last valid step to its first. `keep`: the gradient will be asked for. `seed`: a
    path of integers, empty if the caller gave none; every random number depends on it alone, so a pass can be repeated.
    `resets` (T, B) booleans or None: the steps before which all states of a row become zero. `segments`: keep only the
    states between segments of the steps, if the engine can. `rows`: which rows of a larger batch these are.
    """

    reverse: bool = False
    training: bool = False
    seed: tuple = ()
    device: str = "cpu"
    keep: bool = True
    resets: np.ndarray | None = None
    segments: bool = False
    rows: Rows = EVERY

    def part(self, name):
        """Return the options for one part of a composite, which then draws random numbers of its own."""
        return self._replace(seed=(*self.seed, crc32(str(name).encode()))) if self.seed else self

    def cuts(self, cut, shape):
        """Return where no gradient flows, booleans (T, B): at these cuts and at resets; None if it flows everywhere."""
        if self.resets is None:
            return None if cut is None else np.broadcast_to(cut, shape)
        return self.resets if cut is None else self.resets | cut

    def random(self, caller):
        """Make the NumPy Generator of this part."""
        if not self.seed:
            raise InputError(f"{caller}: draws random numbers in training; expected rng (a seed), got None")
        return np.random.default_rng(self.seed)


def check_finite(caller, params):
    """Raise `InputError`, with their names, if parameters have values that are not finite."""
    names = [name for name, value in params.items() if not np.isfinite(value).all()]
    if names:
        raise InputError(f"{caller}: values that are not finite in parameter {', '.join(names)}")


@dataclass
class CellResult:
    """The result of a cell's forward pass over a batch of sequences; all arrays are time-major.

    `outputs` (T, B, output_size), zero at padding. `state`: the final states, nested like the cell's `state_size`.
    `backward(d_outputs, d_state, cut=None)` returns the gradients of (params, x, initial state). `d_outputs` and each
    array of `d_state` may be None. `cut`, booleans (T, B) or (T, 1): the steps before which no gradient flows to the
    states. `states()` and `gates()` return {name: (T, B, n)}.
    """

    outputs: np.ndarray
    state: Any
    backward: Callable[..., Any]
    states: Callable[[], dict[str, np.ndarray]] = dict
    gates: Callable[[], dict[str, np.ndarray]] = dict
