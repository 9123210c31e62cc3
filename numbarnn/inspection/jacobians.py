"""How much one step can amplify what it is given, and the gradient that comes back through it."""

import numpy as np

from ..rnn.arguments import check_cell, check_params, check_state, checked_inputs
from ..rnn.run import forward
from ..utils.tree import tree_leaves, tree_map
from .stepwise import StepwiseRuns


def step_jacobian(cell, params, x, state=None, *, device="cpu"):
    """d state_t / d state_(t-1) (B, S, S) of the step with inputs x (B, I) from a state; all states side by side, in
    the order of `state_names`, S numbers in all. Costs, for each row, one step of S rows. Raises `InputError`."""
    check_cell("step_jacobian", cell)
    x = np.asarray(x)
    batch = len(x) if x.ndim else 0
    x = checked_inputs(cell, x[:, None] if x.ndim else x, False)
    params = check_params(cell, params, *(x.shape[2:] or [None]), dtype=None if cell.takes_integers else x.dtype)
    dtype = next(iter(params.values())).dtype
    state = cell.zero_state(batch, dtype) if state is None else check_state(cell, "state", state, batch, dtype)
    size = sum(tree_leaves(cell.state_size))
    unit, jacobian = _split(cell.state_size, np.eye(size, dtype=dtype)), np.empty((batch, size, size), dtype)
    for b in range(batch):
        here = tree_map(lambda s, b=b: np.repeat(s[b : b + 1], size, axis=0), state)
        run = forward(cell, params, np.repeat(x[b : b + 1], size, axis=0), initial_state=here, device=device)
        jacobian[b] = np.concatenate(tree_leaves(run.backward(None, unit).initial_state), axis=1)
    return jacobian


def jacobian_norms(cell, params, x, *, steps=None, rows=None, **options):
    """Largest singular values (rows, steps) of `step_jacobian` along the sequences x (B, T, I): above 1 a step can
    amplify a gradient, below 1 every gradient shrinks in it (Pascanu, Mikolov, Bengio 2013).

    `steps` and `rows` choose some, by index; None: all. A masked step has the norm 1. `options` are those of
    `state_gradients`. Costs S rows of a step, and a decomposition of an (S, S) matrix, for each norm.
    """
    runs = StepwiseRuns(cell, params, x, **options)
    rows = np.arange(len(runs.x)) if rows is None else np.asarray(rows)
    steps = np.arange(runs.x.shape[1]) if steps is None else np.asarray(steps)
    norms = np.ones((len(rows), len(steps)))
    for i, t in enumerate(steps):
        before = tree_map(lambda s: s[rows], runs.before[t])
        jacobian = step_jacobian(cell, runs.params, runs.x[rows, t], before, device=runs.device)
        valid = True if runs.valid is None else runs.valid[t, rows]
        norms[:, i] = np.where(valid, np.linalg.norm(jacobian, 2, axis=(1, 2)), 1)
    return norms


def _split(sizes, array):
    """The columns of an array, nested like these sizes."""
    ends = iter(np.cumsum(tree_leaves(sizes)))
    return tree_map(lambda size: (lambda end: array[:, end - size : end])(next(ends)), sizes)
