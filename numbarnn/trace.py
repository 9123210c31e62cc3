"""What an engine's forward pass hands to its backward pass."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class Trace:
    """One forward pass, everything time-major.

    An engine is a module with `forward(cell, params, x, initial, mask, resets, reverse, keep, given) -> Trace`
    (`given`: what `Cell.draw` gave; where `resets` (T, B) is true, a row's states are zero before the step),
    `backward(trace, d_outputs, d_state, cut) -> params, inputs, initial state` (gradients; where `cut` (T, B) is true,
    as it is at all resets, none passes to the states before the step), `states(trace)` and `gates(trace)`.
    """

    cell: Any
    params: dict
    x: np.ndarray  # (T, B, I), zeros where masked; or (T, B) int64 (see `engines.run`)
    mask: np.ndarray | None  # (T, B) booleans
    reverse: bool
    outputs: np.ndarray  # (T, B, n)
    state: tuple  # final states, each (B, n)
    saved: Any  # the engine's own; None when nothing is kept for the gradient
