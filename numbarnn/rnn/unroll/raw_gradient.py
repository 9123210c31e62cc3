"""The gradient of `raw_rnn`: BPTT over the steps that it recorded."""

from typing import Any, NamedTuple

import numpy as np

from ...errors import InputError
from ...utils.tree import tree_leaves, tree_map, tree_unflatten
from ..arguments import check_array
from ..run import Gradients, Run


class Step(NamedTuple):
    """One step: what ran, what loop_fn was given and what it returned. `finished`: the rows that were so before."""

    run: Run
    finished: np.ndarray
    output: np.ndarray
    state: tuple
    next_input: Any
    next_state: tuple
    emit: Any


def backward(params, steps, loop_gradient, d_emits, d_state, d_input):
    """Gradients of params, inputs (one a step) and initial state.

    `d_emits`: time-major, None where there is none; `d_state`: of the final state; `d_input`: zeros, for the input that
    loop_fn gave after the last step and nobody used.
    """
    d_params, d_inputs = {name: np.zeros_like(value) for name, value in params.items()}, []
    for t, step in reversed([*enumerate(steps)]):
        running = lambda d, done=step.finished: None if d is None else select(done, np.zeros_like(d), d)  # noqa: E731
        d_emit = tree_map(lambda d, t=t: None if d is None else d[t], d_emits)
        d_emit, d_next = tree_map(running, d_emit), tree_map(running, d_state)
        if loop_gradient is None:
            d_output, d_given = handed_on(t + 1, step, d_input, d_next, d_emit)
        else:
            d_output, d_given = loop_gradient(t + 1, d_input, d_next, filled(step.emit, d_emit))
            d_output = filled(step.output, checked_like("d_cell_output", d_output, step.output, partial=True))
            d_given = filled(step.state, checked_like("d_cell_state", d_given, step.state, partial=True))
        stays = tree_map(lambda new, old, done=step.finished: select(done, old, new), d_given, d_state)
        grads = step.run.backward(d_output[None], stays)
        for name, total in d_params.items():
            total += grads.params[name]
        d_input = None if grads.inputs is None else grads.inputs[0]
        d_state = grads.initial_state
        d_inputs.insert(0, d_input)
    return Gradients(d_params, d_inputs, d_state)


def handed_on(time, step, d_input, d_state, d_emit):
    """The gradient of a loop_fn that returns the arrays that it was given: of the cell's output and of its state."""
    given = [step.output, *tree_leaves(step.state)]
    totals = [np.zeros_like(a) for a in given]

    def flows(returned, d):
        for array, total in zip(given, totals, strict=True):
            if array is returned:
                total += d
                return True
        return False

    flows(step.next_input, d_input)
    for what, returned, ds in (("emit", step.emit, d_emit), ("next_cell_state", step.next_state, d_state)):
        for array, d in zip(tree_leaves(returned), tree_leaves(ds), strict=True):
            if d is not None and not flows(array, d):
                raise InputError(
                    f"raw_rnn: loop_fn computed its own {what} at time {time}; its gradient needs loop_gradient"
                )
    states = iter(totals[1:])
    return totals[0], tree_map(lambda _: next(states), step.state)


def filled(like, tree):
    """The tree with zeros in place of None."""
    return tree_map(lambda a, d: np.zeros_like(a) if d is None else d, like, tree)


def select(rows, yes, no):
    """`yes` in these rows of the batch, `no` in the others."""
    return np.where(rows.reshape(-1, *(1,) * (np.ndim(no) - 1)), yes, no)


def checked_like(what, value, like, partial=False):
    """Arrays of the shapes and dtypes of `like`, nested as they are; where `partial`, None for some or for all."""
    if value is None and partial:
        return tree_map(lambda _: None, like)
    if not isinstance(like, tuple | list):
        return check_array("raw_rnn", what, value, like.shape, like.dtype)
    if not isinstance(value, tuple | list) or len(value) != len(like):
        got = len(value) if isinstance(value, tuple | list) else type(value).__name__
        raise InputError(f"raw_rnn: expected {what} to be a tuple of {len(like)}, got {got}")
    return tree_unflatten(like, [checked_like(what, *both, partial) for both in zip(value, like, strict=True)])
