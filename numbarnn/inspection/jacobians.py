"""How much one step can amplify what it is given, and the gradient that comes back through it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..cells.rnn_cell import RNNCell
from ..rnn.arguments import check_cell, check_state
from ..rnn.inputs import as_inputs, check_inputs
from ..rnn.run import forward
from ..utils.tree import tree_leaves, tree_map
from ..utils.types import ReadArrays
from .stepwise import StepwiseRuns


def step_jacobian(
    cell: RNNCell, params: ReadArrays, x: ArrayLike, state: Any = None, *, device: str = "cpu"
) -> np.ndarray:
    """Compute the Jacobian of one step, d state_t / d state_(t-1).

    It costs, for each row, one step of S rows.

    Parameters
    ----------
    cell : RNNCell
        A cell, plain or composite.
    params : dict
        {name: array}, its parameters.
    x : array (B, I)
        Inputs of the step; integers (B,) for a cell that takes them.
    state : tuple of array, optional
        State before the step, nested like that of the cell; zeros by default.
    device : str, default "cpu"
        Device of the runs, see `nr.forward`.

    Returns
    -------
    array (B, S, S)
        Derivatives, of the dtype of ``params``: all states side by side, in the order of `state_names`, S numbers in
        all.

    Raises
    ------
    InputError
        Arguments do not fit.
    """
    check_cell("step_jacobian", cell)
    inputs: Any = x if type(x) is np.ndarray else as_inputs(cell, params, x)
    inputs, params, dtype = check_inputs(cell, params, inputs[:, None] if np.ndim(inputs) else inputs)
    batch = len(inputs)
    state = cell.zero_state(batch, dtype) if state is None else check_state(cell, "state", state, batch, dtype)
    size = sum(tree_leaves(cell.state_size))
    unit, jacobian = _split(cell.state_size, np.eye(size, dtype=dtype)), np.empty((batch, size, size), dtype)
    for b in range(batch):
        here = tree_map(lambda s, b=b: np.repeat(s[b : b + 1], size, axis=0), state)
        run = forward(cell, params, np.repeat(inputs[b : b + 1], size, axis=0), initial_state=here, device=device)
        jacobian[b] = np.concatenate(tree_leaves(run.backward(None, unit).initial_state), axis=1)
    return jacobian


def jacobian_norms(
    cell: RNNCell,
    params: ReadArrays,
    x: ArrayLike,
    *,
    steps: ArrayLike | None = None,
    rows: ArrayLike | None = None,
    **options: Any,
) -> np.ndarray:
    """Measure how much each step can amplify: the largest singular value of `step_jacobian`.

    Above 1 a step can amplify a gradient; below 1 every gradient shrinks in it. Each norm costs a step of S rows and a
    decomposition of an (S, S) matrix.

    Parameters
    ----------
    cell : RNNCell
        A cell, plain or composite.
    params : dict
        {name: array}, its parameters.
    x : array (B, T, I)
        Sequences, float32 or float64 like ``params``; integers (B, T) for a cell that takes them.
    steps, rows : array_like, optional
        Indices of the steps and of the rows to measure; by default all.
    **options : object
        Options of `nr.forward`: initial_state, lengths, mask, reverse and device.

    Returns
    -------
    array (rows, steps)
        Norms, float64; 1 at a masked step.

    Raises
    ------
    InputError
        Arguments do not fit.

    References
    ----------
    Pascanu, Mikolov, Bengio (2013), "On the difficulty of training recurrent neural networks".
    """
    runs = StepwiseRuns(cell, params, x, **options)
    chosen_rows = np.arange(len(runs.x)) if rows is None else np.asarray(rows)
    chosen_steps = np.arange(runs.x.shape[1]) if steps is None else np.asarray(steps)
    norms = np.ones((len(chosen_rows), len(chosen_steps)))
    for i, t in enumerate(chosen_steps):
        before = tree_map(lambda s: s[chosen_rows], runs.before[t])
        jacobian = step_jacobian(cell, runs.params, runs.x[chosen_rows, t], before, device=runs.device)
        valid = True if runs.valid is None else runs.valid[t, chosen_rows]
        norms[:, i] = np.where(valid, np.linalg.norm(jacobian, 2, axis=(1, 2)), 1)
    return norms


def _split(sizes, array):
    """Nest the columns of an array like these sizes."""
    ends = iter(np.cumsum(tree_leaves(sizes)))
    return tree_map(lambda size: (lambda end: array[:, end - size : end])(next(ends)), sizes)
