"""Which gates are stuck open or shut."""

from typing import NamedTuple

import numpy as np

from ..rnn.arguments import check_array
from ..rnn.run import forward
from ..utils.tree import tree_map


class Saturation(NamedTuple):
    """For each unit the share of a gate's values that are close to its lower and to its upper limit, (H,) each; a share
    is zero where there is no limit."""

    low: np.ndarray
    high: np.ndarray


def gate_saturation(run, *, epsilon=0.1, mask=None):
    """{gate: `Saturation`}: how much of `run.gates` is within `epsilon` of the limits, over rows and steps, or over the
    valid steps of `mask` (B, T) alone (as Karpathy, Johnson and Fei-Fei 2015 count saturated gates).

    The limits are those that the cell's own equations approach for huge pre-activations; what has none is left out.
    """
    gates, found = run.gates, {}
    for name, (low, high) in gate_limits(run.cell).items():
        values = np.moveaxis(gates[name], 0, 1) if run.time_major else gates[name]
        valid = np.full(values.shape[:2], True)
        if mask is not None:
            valid = check_array("gate_saturation", "mask", mask, valid.shape, valid.dtype)
        values = values[valid]
        near = values <= low + epsilon, values >= high - epsilon
        found[name] = Saturation(*(ends.sum(axis=0) / max(1, len(values)) for ends in near))
    return found


def gate_limits(cell):
    """{gate: (lower limit, upper limit)}, infinite where there is none; gates without any are left out."""
    near, far = (_extremes(cell, size) for size in (1e6, 2e6))
    limits = {}
    for name, ends in near.items():
        low, high = (
            end if abs(end - further) < 1e-3 else sign * np.inf
            for end, further, sign in zip(ends, far[name], (-1, 1), strict=True)
        )
        if np.isfinite([low, high]).any():
            limits[name] = low, high
    return limits


def _extremes(cell, size):
    """{gate: (least, largest) value} where parameters and inputs are random numbers of about this size."""
    rng = np.random.default_rng(0)
    features = None if cell.takes_integers else 3
    params = {n: size * rng.standard_normal(a.shape) for n, a in cell.init_params(features, 0, "float64").items()}
    x = np.zeros((64, 1), int) if cell.takes_integers else rng.standard_normal((64, 1, 3))
    state = tree_map(lambda n: rng.standard_normal((64, n)), cell.state_size)
    with np.errstate(all="ignore"):
        gates = forward(cell, params, x, initial_state=state, device="numpy").gates
    return {name: (float(values.min()), float(values.max())) for name, values in gates.items()}
