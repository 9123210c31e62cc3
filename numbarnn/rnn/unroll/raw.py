"""Unrolling by a Python function: decoders that feed back their outputs, attention, samplers."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...cells.rnn_cell import RNNCell
from ...errors import InputError
from ...utils.tree import tree_leaves, tree_map
from ..arguments import check_array, check_cell, check_state, shared_generator
from ..prepared import prepare
from ..run import Gradients, forward
from .raw_gradient import Step, backward, check_like, fill_zeros, select
from .result import Unrolled
from .tensorflow_options import of_tensorflow


class RawUnrolled(Unrolled):
    """The pair (emits, state) of `raw_rnn`, its gradient, and the last loop state that loop_fn returned.

    Attributes
    ----------
    loop_state : Any
        The last loop state.
    """

    loop_state: Any

    def __new__(cls, outputs: Any, state: Any, backward: Callable[..., Gradients], loop_state: Any):
        self = super().__new__(cls, outputs, state, backward)
        self.loop_state = loop_state
        return self


def raw_rnn(
    cell: RNNCell,
    params: dict[str, Any],
    loop_fn: Callable,
    *,
    loop_gradient: Callable | None = None,
    rng: int | np.random.Generator | None = None,
    **options: Any,
) -> RawUnrolled:
    """Step a cell under the control of a function, until that says that all rows have finished.

    Parameters
    ----------
    cell : RNNCell
        A cell, plain or composite, such as ``nr.LSTMCell(64)``.
    params : dict of str to ndarray
        The cell's parameters, as ``cell.init_params`` makes them; all float32 or all float64.
    loop_fn : callable
        ``loop_fn(time, cell_output, cell_state, loop_state)`` returns ``(finished, next_input, next_cell_state, emit,
        loop_state)``, as in TensorFlow. Arrays that it is given must not be written into.

        It is first called with time 0 and three times None. It then returns `finished` (B,) bool; the first input
        (B, I); the initial state; an example of what one row emits, an array without the batch axis or nested tuples of
        these, None for the cell's output; and any loop state.

        It is called again after each step, with time 1, 2, ..., and returns what that step emits, arrays (B, ...) in
        the structure of the example. A row that had finished before a step does not take part: it emits zeros and keeps
        its state.
    loop_gradient : callable, optional
        ``loop_gradient(time, d_next_input, d_next_cell_state, d_emit)`` returns ``(d_cell_output, d_cell_state)``, the
        gradient of `loop_fn`; it is called with the times backwards down to 1. Without it the gradient follows the
        arrays that `loop_fn` was given and returns unchanged, as emit, next input or state, and counts computed inputs
        as constants.
    rng : int or numpy.random.Generator, optional
        Seed of the random numbers. Each step draws its own, so that no dropout mask is shared over time.
    **options
        Keyword arguments of `forward`: ``training``, ``device`` and ``save``; or TensorFlow's ``swap_memory`` and
        ``parallel_iterations``.

    Returns
    -------
    RawUnrolled
        The pair (emits, state): the emits of all steps (T, B, ...), in the structure of the example, and the final
        state. ``.loop_state`` is the last loop state. ``.backward(d_emits, d_state)`` computes the gradients of the
        params, of the list of T inputs (B, I), and of the initial state.

    Raises
    ------
    InputError
        If an argument, or what `loop_fn` returns, has another type, shape, dtype or value than expected. On
        ``backward`` if the gradient of `loop_fn` is needed and there is no `loop_gradient`.

    References
    ----------
    ``tf.nn.raw_rnn`` of TensorFlow 1.

    Examples
    --------
    A decoder that feeds back its output for three steps:

    >>> import numpy as np
    >>> import numbarnn as nr
    >>> cell = nr.GRUCell(2)
    >>> def loop_fn(time, output, state, loop_state):
    ...     if time == 0:
    ...         output, state = np.ones((4, 2), "float32"), cell.zero_state(4)
    ...         return np.zeros(4, bool), output, state, None, None
    ...     return np.full(4, time >= 3), output, state, output, None
    >>> run = nr.raw_rnn(cell, cell.init_params(2), loop_fn)
    >>> emits, state = run
    >>> emits.shape
    (3, 4, 2)
    >>> len(run.backward(np.ones_like(emits)).inputs)
    3
    """
    check_cell("raw_rnn", cell)
    _, options = of_tensorflow("raw_rnn", cell, params, None, options)
    if options.get("save") == "sqrt":  # each step is a run of its own, a segment of which nothing is kept
        options["save"] = "minimal"
    if options.get("device", "cpu") == "cpu":
        params = prepare(cell, params).params
    rng = shared_generator("raw_rnn", rng)
    finished, x, state, example, loop_state = call(loop_fn, 0, None, None, None)
    first = np.asarray(x)
    if first.ndim == 0:
        raise InputError(f"raw_rnn: expected next_input of shape (batch, features), got {first!r}")
    batch = len(first)
    finished = check_finished(finished, batch)
    initial = state = check_next_state(cell, state, batch)
    zeros = zero_emit(cell, example, batch, tree_leaves(state)[0].dtype)

    steps = []
    while not finished.all():
        x = check_array("raw_rnn", "next_input", x, first.shape, first.dtype)
        run = forward(
            cell, params, x[None], initial_state=state, mask=~finished[None], time_major=True, rng=rng, **options
        )
        output, reached = run.outputs[0], run.state
        now_finished, x, given, emit, loop_state = call(loop_fn, len(steps) + 1, output, reached, loop_state)
        given, emit = check_next_state(cell, given, batch), check_like("emit", emit, zeros)
        steps.append(Step(run, finished, output, reached, x, given, emit))
        state = tree_map(lambda old, new, done=finished: select(done, old, new), reached, given)
        finished = finished | check_finished(now_finished, batch)

    emits = [tree_map(lambda zero, a, s=s: select(s.finished, zero, a), zeros, s.emit) for s in steps]
    emits = tree_map(lambda zero, *emits: np.stack(emits) if emits else zero[None][:0], zeros, *emits)

    def gradients(d_emits=None, d_state=None):
        d_emits = check_like("d_emits", d_emits, emits, partial=True)
        d_state = fill_zeros(initial, check_like("d_state", d_state, initial, partial=True))
        return backward(params, steps, loop_gradient, d_emits, d_state, np.zeros_like(first))

    return RawUnrolled(emits, state, gradients, loop_state)


def call(loop_fn: Callable, *given: Any) -> Any:
    """Call loop_fn; raise `InputError` unless it returns five things."""
    returned = loop_fn(*given)
    if not isinstance(returned, tuple | list) or len(returned) != 5:
        got = len(returned) if isinstance(returned, tuple | list) else type(returned).__name__
        raise InputError(
            "raw_rnn: expected loop_fn to return (finished, next_input, next_cell_state, emit, next_loop_state), got "
            f"{got}"
        )
    return returned


def check_finished(finished: Any, batch: int) -> np.ndarray:
    """Return `finished` as an array (B,) of booleans, or raise `InputError`."""
    return check_array("raw_rnn", "finished", finished, (batch,), np.dtype(bool))


def check_next_state(cell: RNNCell, state: Any, batch: int) -> Any:
    """Return the state that loop_fn gave as arrays nested like the cell's state, or raise `InputError`."""
    if any(a is None for a in tree_leaves(state)):
        raise InputError(
            "raw_rnn: expected loop_fn to give a cell state (cell.zero_state(batch) to begin with), got None"
        )
    return check_state(cell, "next_cell_state", state, batch, np.asarray(tree_leaves(state)[0]).dtype)


def zero_emit(cell: RNNCell, example: Any, batch: int, dtype: np.dtype) -> Any:
    """Make the zeros that a batch emits, from the example of one row."""
    if example is None:
        example = np.zeros(cell.output_size, dtype)
    return tree_map(lambda a: np.zeros((batch, *np.shape(a)), np.asarray(a).dtype), example)
