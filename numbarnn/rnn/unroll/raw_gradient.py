"""The gradient of `raw_rnn`: back-propagation through the steps that it recorded."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...errors import InputError
from ...utils.tree import tree_leaves, tree_map, tree_unflatten, tuple_like
from ..arguments import check_array
from ..run import Gradients, Run


class Step(NamedTuple):
    """Record one step: the run, what loop_fn was given and what it returned."""

    run: Run
    finished: np.ndarray  # (B,) the rows that had finished before this step
    output: np.ndarray
    state: Any
    next_input: Any
    next_state: Any
    emit: Any


def backward(
    params: dict[str, np.ndarray],
    steps: list[Step],
    loop_gradient: Callable | None,
    d_emits: Any,
    d_state: Any,
    d_input: np.ndarray | None,
) -> Gradients:
    """Compute the gradients of params, inputs (a list of one a step) and initial state.

    `d_emits` is time-major, with None for zeros; `d_state` belongs to the final state. `d_input` is zero: it belongs to
    the input that loop_fn returned after the last step, which is not used.
    """
    d_params = {name: np.zeros_like(value) for name, value in params.items()}
    d_inputs: Any = []
    for t, step in reversed([*enumerate(steps)]):
        running = lambda d, done=step.finished: None if d is None else select(done, np.zeros_like(d), d)  # noqa: E731
        d_emit = tree_map(lambda d, t=t: None if d is None else d[t], d_emits)
        d_emit, d_next = tree_map(running, d_emit), tree_map(running, d_state)
        if loop_gradient is None:
            d_output, d_given = passed_on(t + 1, step, d_input, d_next, d_emit)
        else:
            d_output, d_given = loop_gradient(t + 1, d_input, d_next, fill_zeros(step.emit, d_emit))
            d_output = fill_zeros(step.output, check_like("d_cell_output", d_output, step.output, partial=True))
            d_given = fill_zeros(step.state, check_like("d_cell_state", d_given, step.state, partial=True))
        d_given = tree_map(lambda new, old, done=step.finished: select(done, old, new), d_given, d_state)
        grads = step.run.backward(d_output[None], d_given)
        for name, total in d_params.items():
            total += grads.params[name]
        d_input = None if grads.inputs is None else grads.inputs[0]
        d_state = grads.initial_state
        d_inputs.insert(0, d_input)
    return Gradients(d_params, d_inputs, d_state)


def passed_on(time: int, step: Step, d_input: Any, d_state: Any, d_emit: Any) -> tuple[np.ndarray, Any]:
    """Compute the gradients of the cell's output and state, if loop_fn returned the arrays that it was given."""
    given = [step.output, *tree_leaves(step.state)]
    totals = [np.zeros_like(a) for a in given]

    def accumulate(returned, d):
        """Add d to the gradient of the array that was returned; say whether loop_fn had been given that array."""
        for array, total in zip(given, totals, strict=True):
            if array is returned:
                total += d
                return True
        return False

    accumulate(step.next_input, d_input)
    for what, returned, ds in (("emit", step.emit, d_emit), ("next_cell_state", step.next_state, d_state)):
        for array, d in zip(tree_leaves(returned), tree_leaves(ds), strict=True):
            if d is not None and not accumulate(array, d):
                raise InputError(
                    f"raw_rnn: loop_fn computed its own {what} at time {time}; its gradient needs loop_gradient"
                )
    return totals[0], tree_unflatten(step.state, totals[1:])


def fill_zeros(like: Any, tree: Any) -> Any:
    """Replace None in a tree by zeros."""
    return tree_map(lambda a, d: np.zeros_like(a) if d is None else d, like, tree)


def select(rows: np.ndarray, yes: np.ndarray, no: np.ndarray) -> np.ndarray:
    """Take `yes` in these rows of the batch, and `no` in the others."""
    return np.where(rows.reshape(-1, *(1,) * (np.ndim(no) - 1)), yes, no)


def check_like(what: str, value: Any, like: Any, partial: bool = False) -> Any:
    """Return a tree of arrays with the nesting, shapes and dtypes of `like`, or raise `InputError`.

    If `partial`, the whole tree or any part of it may be None.
    """
    if value is None and partial:
        return tree_map(lambda _: None, like)
    if not isinstance(like, tuple | list):
        return check_array("raw_rnn", what, value, like.shape, like.dtype)
    if not isinstance(value, tuple | list) or len(value) != len(like):
        got = len(value) if isinstance(value, tuple | list) else type(value).__name__
        raise InputError(f"raw_rnn: expected {what} to be a tuple of {len(like)}, got {got}")
    return tuple_like(like, [check_like(what, *both, partial) for both in zip(value, like, strict=True)])
