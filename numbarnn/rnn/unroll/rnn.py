"""One direction of time, over an array or over a list of steps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...cells.rnn_cell import RNNCell
from ...errors import InputError
from ..arguments import check_array
from ..inputs import dtype_of_lists
from ..run import forward
from .nested import apart, is_nested, side_by_side, with_inputs
from .result import Unrolled
from .tensorflow_options import of_tensorflow
from .time_axis import check_is_list, stacked


def dynamic_rnn(cell: RNNCell, params: dict[str, Any], inputs: ArrayLike, **options: Any) -> Unrolled:
    """Run a cell over sequences in an array.

    Parameters
    ----------
    cell : RNNCell
        A cell, plain or composite, such as ``nr.LSTMCell(64)``.
    params : dict of str to ndarray
        The cell's parameters, as ``cell.init_params`` makes them; all float32 or all float64.
    inputs : ndarray (B, T, I)
        Sequences of the parameters' dtype; (T, B, I) with ``time_major=True``. Integers (B, T) if the cell takes those.
        Or nested tuples of such arrays: the cell reads their features side by side, and the gradient is nested alike.
    **options
        Keyword arguments of `forward`: ``initial_state``, ``lengths``, ``mask``, ``reset_mask``, ``time_major``,
        ``reverse``, ``training``, ``rng``, ``device`` and ``save``; or TensorFlow's, see Notes.

    Returns
    -------
    Unrolled
        The pair (outputs, state): outputs (B, T, output_size), or (T, B, output_size) with ``time_major=True``, and the
        state after the last valid step of each row. ``.backward(d_outputs, d_state)`` computes the gradient.

    Raises
    ------
    InputError
        If an argument has another type, shape, dtype or value than expected.

    See Also
    --------
    forward : The same with states and gates of every step, and truncated BPTT.
    static_rnn : The same over a list of steps.

    Notes
    -----
    TensorFlow's names of options work too: ``sequence_length`` is ``lengths``, ``swap_memory=True`` is
    ``save="sqrt"``. With ``dtype`` inputs that are integers or lists are converted to it, as a placeholder does.
    ``parallel_iterations`` changes nothing. ``scope`` is refused: `params` takes its place.

    References
    ----------
    ``tf.nn.dynamic_rnn`` of TensorFlow 1.

    Examples
    --------
    >>> import numpy as np
    >>> import numbarnn as nr
    >>> cell = nr.LSTMCell(5)
    >>> x = np.ones((4, 7, 3), "float32")
    >>> run = nr.dynamic_rnn(cell, cell.init_params(3), x, lengths=[7, 2, 5, 0])
    >>> outputs, state = run
    >>> outputs.shape, state.h.shape, state.c.shape
    ((4, 7, 5), (4, 5), (4, 5))
    >>> run.backward(np.ones_like(outputs)).inputs.shape
    (4, 7, 3)
    """
    x = side_by_side("dynamic_rnn", inputs) if is_nested(inputs, 3) else inputs
    x, options = of_tensorflow("dynamic_rnn", cell, params, x, options)
    run = forward(cell, params, x, **options)
    if is_nested(inputs, 3):
        return Unrolled(run.outputs, run.state, with_inputs(run.backward, lambda d: apart(d, inputs)))
    return Unrolled(run.outputs, run.state, run.backward)


def static_rnn(cell: RNNCell, params: dict[str, Any], inputs: Iterable[ArrayLike], **options: Any) -> Unrolled:
    """Run a cell over sequences in a list of steps.

    The results are those of `dynamic_rnn`, bit for bit.

    Parameters
    ----------
    cell : RNNCell
        A cell, plain or composite, such as ``nr.LSTMCell(64)``.
    params : dict of str to ndarray
        The cell's parameters, as ``cell.init_params`` makes them; all float32 or all float64.
    inputs : list of T ndarrays (B, I)
        The inputs of each step, of the parameters' dtype. Integers (B,) if the cell takes those. A step may be nested
        tuples of such arrays, as in `dynamic_rnn`.
    **options
        Keyword arguments of `forward` except ``time_major``, or TensorFlow's; see `dynamic_rnn`. Masks are (T, B).

    Returns
    -------
    Unrolled
        The pair (outputs, state): a list of T outputs (B, output_size), and the state after the last valid step of each
        row. ``.backward(d_outputs, d_state)`` computes the gradient; `d_outputs` is a list of T arrays, each of which
        may be None, and the gradient of the inputs a list of T arrays.

    Raises
    ------
    InputError
        If an argument has another type, shape, dtype or value than expected.

    See Also
    --------
    dynamic_rnn : The same over an array.
    unstack_time, stack_time : Convert between arrays and lists of steps.

    References
    ----------
    ``tf.nn.static_rnn`` of TensorFlow 1.

    Examples
    --------
    >>> import numpy as np
    >>> import numbarnn as nr
    >>> cell = nr.GRUCell(5)
    >>> steps = [np.ones((4, 3), "float32") for _ in range(7)]
    >>> outputs, state = nr.static_rnn(cell, cell.init_params(3), steps)
    >>> len(outputs), outputs[0].shape, state.h.shape
    (7, (4, 5), (4, 5))
    """
    check_is_list("static_rnn", "a list", inputs)
    given = list(inputs)
    nested = bool(given) and all(is_nested(step, 2) for step in given)
    x = [side_by_side("static_rnn", step) for step in given] if nested else given
    steps = stacked("static_rnn", x, dtype_of_lists(cell, params))
    steps, options = of_tensorflow("static_rnn", cell, params, steps, options)
    run = in_lists("static_rnn", dynamic_rnn(cell, params, steps, time_major=True, **options))
    if nested:
        by_step = lambda d: [apart(*parts) for parts in zip(d, given, strict=True)]  # noqa: E731
        return Unrolled(run.outputs, run.state, with_inputs(run.backward, by_step))
    return run


def in_lists(caller: str, run: Unrolled) -> Unrolled:
    """Replace each time-major array of a result by a list of steps."""
    outputs = run.outputs

    def backward(d_outputs=None, d_state=None):
        if d_outputs is not None:
            check_is_list(caller, "d_outputs", d_outputs)
            d_outputs = as_array(list(d_outputs))
        grads = run.backward(d_outputs, d_state)
        return replace(grads, inputs=None if grads.inputs is None else list(grads.inputs))

    def as_array(d_outputs):
        if len(d_outputs) != len(outputs):
            raise InputError(f"{caller}: expected d_outputs of {len(outputs)} steps, got {len(d_outputs)}")
        shape, dtype = outputs.shape[1:], outputs.dtype
        zeros = np.zeros(shape, dtype)
        return np.stack(
            [zeros if d is None else check_array(caller, "each of d_outputs", d, shape, dtype) for d in d_outputs]
        )

    return Unrolled(list(outputs), run.state, backward)
