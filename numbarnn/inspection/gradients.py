"""How the gradient flows back through time, from state to state."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..cells.rnn_cell import RNNCell
from ..layers.states import added, place_of_output
from ..rnn.arguments import check_array, check_state
from ..utils.tree import tree_leaves, tree_map
from ..utils.types import ReadArrays
from .stepwise import StepwiseRuns, state_names


def gradient_flow(
    cell: RNNCell,
    params: ReadArrays,
    x: ArrayLike,
    d_outputs: ArrayLike | None = None,
    d_state: Any = None,
    **options: Any,
) -> dict[str, np.ndarray]:
    """Measure how a gradient vanishes or explodes on its way back through time: |dL/d state_t|.

    Parameters
    ----------
    cell : RNNCell
        A cell, plain or composite.
    params : dict
        {name: array}, its parameters.
    x : array (B, T, I)
        Sequences, float32 or float64 like ``params``; integers (B, T) for a cell that takes them.
    d_outputs : array (B, T, n), optional
        Gradient of the loss L with respect to the outputs.
    d_state : tuple of array, optional
        Gradient with respect to the final state, nested like it; None for a part without gradient.
    **options : object
        Options of `nr.forward`: initial_state, lengths, mask, reverse and device.

    Returns
    -------
    dict
        {state: norms (B, T)}, float64: those of `state_gradients` over the units.

    Raises
    ------
    InputError
        Arguments do not fit.

    References
    ----------
    Hochreiter (1991), "Untersuchungen zu dynamischen neuronalen Netzen"; Bengio, Simard, Frasconi (1994), "Learning
    long-term dependencies with gradient descent is difficult".
    """
    gradients = state_gradients(cell, params, x, d_outputs, d_state, **options)
    return {name: np.sqrt((d.astype(np.float64) ** 2).sum(axis=-1)) for name, d in gradients.items()}


def state_gradients(
    cell: RNNCell,
    params: ReadArrays,
    x: ArrayLike,
    d_outputs: ArrayLike | None = None,
    d_state: Any = None,
    **options: Any,
) -> dict[str, np.ndarray]:
    """Compute the gradient of a loss with respect to each state after each step, the others held fixed.

    The output of step t counts with the state that it is (h). If a cell's output is none of its states, only the effect
    of the states on later steps counts. It costs one forward and one backward call per step.

    Parameters
    ----------
    cell : RNNCell
        A cell, plain or composite.
    params : dict
        {name: array}, its parameters.
    x : array (B, T, I)
        Sequences, float32 or float64 like ``params``; integers (B, T) for a cell that takes them.
    d_outputs : array (B, T, n), optional
        Gradient of the loss L with respect to the outputs.
    d_state : tuple of array, optional
        Gradient with respect to the final state, nested like it; None for a part without gradient.
    **options : object
        Options of `nr.forward`: initial_state, lengths, mask, reverse and device.

    Returns
    -------
    dict
        {state: dL/d state_t (B, T, size)}, of the dtype of ``params``. States of a composite cell have the names of
        their places, such as "0/h".

    Raises
    ------
    InputError
        Arguments do not fit.
    """
    runs = StepwiseRuns(cell, params, x, **options)
    batch, steps = runs.x.shape[:2]
    given: Any = None
    if d_outputs is not None:
        given = check_array("state_gradients", "d_outputs", d_outputs, (batch, steps, cell.output_size), runs.dtype)
    d = check_state(cell, "d_state", d_state, batch, runs.dtype, partial=True)
    d = cell.no_gradient if d is None else d
    d = tree_map(lambda size, a: np.zeros((batch, size), runs.dtype) if a is None else a, cell.state_size, d)
    place, found = place_of_output(cell), {}
    for t in reversed(runs.order):
        d_output = None if given is None else given[:, t : t + 1]
        whole = d
        if d_output is not None and place is not None:
            seen = d_output[:, 0] if runs.valid is None else np.where(runs.valid[t][:, None], d_output[:, 0], 0)
            whole = added(d, cell.state_size, place, seen.astype(runs.dtype, copy=False))
        found[t] = tree_leaves(whole)
        d = runs.runs[t].backward(d_output, d).initial_state
    each = [np.stack(arrays, axis=1) for arrays in zip(*(found[t] for t in range(steps)), strict=True)]
    return dict(zip(state_names(cell.state_size), each, strict=True))
