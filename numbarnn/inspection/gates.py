"""Which gates are stuck open or shut."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..cells.rnn_cell import RNNCell
from ..rnn.arguments import check_array
from ..rnn.run import Run, forward
from ..utils.tree import tree_map


class Saturation(NamedTuple):
    """Shares of a gate's values that are close to its limits, for each unit; zero if there is no limit.

    Parameters
    ----------
    low, high : array (H,)
        Shares of values close to the lower and to the upper limit, from 0 to 1.
    """

    low: np.ndarray
    high: np.ndarray


def gate_saturation(run: Run, *, epsilon: float = 0.1, mask: ArrayLike | None = None) -> dict[str, Saturation]:
    """Count how often gates are close to their limits, over rows and steps.

    The limits are those that the cell's own equations approach for huge pre-activations; a gate without any is left
    out.

    Parameters
    ----------
    run : Run
        The result of `nr.forward`.
    epsilon : float, default 0.1
        Values within this distance of a limit count.
    mask : array (B, T), optional
        Booleans, true at the steps that count; by default all.

    Returns
    -------
    dict
        {gate: `Saturation`}.

    Raises
    ------
    InputError
        The mask does not fit.

    References
    ----------
    Karpathy, Johnson, Fei-Fei (2015), "Visualizing and understanding recurrent networks".
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


def gate_limits(cell: RNNCell) -> dict[str, tuple[float, float]]:
    """Find the limits that gates approach for huge pre-activations.

    Parameters
    ----------
    cell : RNNCell
        A cell, plain or composite.

    Returns
    -------
    dict
        {gate: (lower limit, upper limit)}, infinite if there is none; gates without any are left out.
    """
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
    """Find {gate: (least, largest) value} for parameters and inputs that are random numbers of about this size."""
    rng = np.random.default_rng(0)
    features = None if cell.takes_integers else 3
    params = {n: size * rng.standard_normal(a.shape) for n, a in cell.init_params(features, 0, "float64").items()}
    x = np.zeros((64, 1), int) if cell.takes_integers else rng.standard_normal((64, 1, 3))
    state = tree_map(lambda n: rng.standard_normal((64, n)), cell.state_size)
    with np.errstate(all="ignore"):
        gates = forward(cell, params, x, initial_state=state, device="numpy").gates
    return {name: (float(values.min()), float(values.max())) for name, values in gates.items()}
