"""How the gradient flows back through time, from state to state."""

import numpy as np

from ..layers.states import added, place_of_output
from ..rnn.arguments import check_array, check_state
from ..utils.tree import tree_leaves, tree_map
from .stepwise import StepwiseRuns, state_names


def gradient_flow(cell, params, x, d_outputs=None, d_state=None, **options):
    """{state: |dL/d state_t| (B, T)}: the norms, over units, of `state_gradients`; how a gradient vanishes or explodes
    on its way back through time (Hochreiter 1991; Bengio, Simard, Frasconi 1994)."""
    gradients = state_gradients(cell, params, x, d_outputs, d_state, **options)
    return {name: np.sqrt((d.astype(np.float64) ** 2).sum(axis=-1)) for name, d in gradients.items()}


def state_gradients(cell, params, x, d_outputs=None, d_state=None, **options):
    """{state: dL/d state_t (B, T, size)}: the derivative of a loss with respect to each state as step t hands it on,
    the others held fixed.

    Arguments are those of `nr.forward` (initial_state, lengths, mask, reverse, device) and of `Run.backward`: the
    gradients of the loss with respect to the outputs (B, T, n) and to the final state. The output of step t counts with
    the state that it is (h); where a cell's output is none of its states, only what later steps do with them counts.
    States of a composite cell are called by their places, such as "0/h". Costs one forward and one backward call per
    step. Raises `InputError`.
    """
    runs = StepwiseRuns(cell, params, x, **options)
    batch, steps = runs.x.shape[:2]
    if d_outputs is not None:
        d_outputs = check_array("state_gradients", "d_outputs", d_outputs, (batch, steps, cell.output_size), runs.dtype)
    d = check_state(cell, "d_state", d_state, batch, runs.dtype, partial=True)
    d = cell.no_gradient if d is None else d
    d = tree_map(lambda size, a: np.zeros((batch, size), runs.dtype) if a is None else a, cell.state_size, d)
    place, found = place_of_output(cell), {}
    for t in reversed(runs.order):
        d_output = None if d_outputs is None else d_outputs[:, t : t + 1]
        whole = d
        if d_output is not None and place is not None:
            seen = d_output[:, 0] if runs.valid is None else np.where(runs.valid[t][:, None], d_output[:, 0], 0)
            whole = added(d, cell.state_size, place, seen.astype(runs.dtype, copy=False))
        found[t] = tree_leaves(whole)
        d = runs.runs[t].backward(d_output, d).initial_state
    each = [np.stack(arrays, axis=1) for arrays in zip(*(found[t] for t in range(steps)), strict=True)]
    return dict(zip(state_names(cell.state_size), each, strict=True))
