"""Both directions of time, and stacks of them.

Cells, parameters, initial and final states and their gradients are pairs (forward, backward). The backward direction
reads each row from its last valid step to its first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...cells.rnn_cell import RNNCell
from ...errors import InputError
from ..arguments import shared_generator
from ..inputs import dtype_of_lists
from ..run import Gradients, forward
from .result import Unrolled, UnrolledBothWays
from .rnn import in_lists
from .tensorflow_options import of_tensorflow
from .time_axis import stacked


def bidirectional_dynamic_rnn(
    cells: Sequence[RNNCell],
    params: Sequence[dict[str, Any]],
    inputs: ArrayLike,
    *,
    initial_state: Sequence | None = None,
    rng: int | np.random.Generator | None = None,
    **options: Any,
) -> Unrolled:
    """Run two cells over sequences in an array, one in each direction of time.

    Parameters
    ----------
    cells : pair of RNNCell
        The cells (forward, backward).
    params : pair of dict of str to ndarray
        The parameters of both cells.
    inputs : ndarray (B, T, I)
        Sequences of the parameters' dtype; (T, B, I) with ``time_major=True``. Integers (B, T) if the cells take those.
    initial_state : pair of State, optional
        The states of both cells before the first step that they read; zeros by default.
    rng : int or numpy.random.Generator, optional
        Seed of the random numbers; each direction draws its own.
    **options
        Keyword arguments of `forward` except ``reverse``, or TensorFlow's; see `dynamic_rnn`.

    Returns
    -------
    Unrolled
        The pair (outputs, state), each itself a pair (forward, backward): outputs (B, T, output_size), or
        (T, B, output_size) with ``time_major=True``, and final states. That of the backward direction is the state
        after the first step of a row. ``.backward(d_outputs, d_state)`` computes the gradient.

    Raises
    ------
    InputError
        If an argument has another type, shape, dtype or value than expected.

    See Also
    --------
    Bidirectional : The same as a cell, the outputs merged.

    References
    ----------
    Schuster and Paliwal 1997, "Bidirectional recurrent neural networks"; ``tf.nn.bidirectional_dynamic_rnn`` of
    TensorFlow 1.

    Examples
    --------
    >>> import numpy as np
    >>> import numbarnn as nr
    >>> cells = nr.LSTMCell(5), nr.GRUCell(4)
    >>> params = cells[0].init_params(3, rng=0), cells[1].init_params(3, rng=1)
    >>> x = np.ones((2, 7, 3), "float32")
    >>> (forward, backward), (last, first) = nr.bidirectional_dynamic_rnn(cells, params, x)
    >>> forward.shape, backward.shape, last.c.shape, first.h.shape
    ((2, 7, 5), (2, 7, 4), (2, 5), (2, 4))
    """
    caller = "bidirectional_dynamic_rnn"
    rng = shared_generator(caller, rng)
    initial_state, options = initial_pair(caller, "initial_state", initial_state, options)
    inputs, options = of_tensorflow(caller, first_cell(cells), params, inputs, options)
    parts = zip(
        pair(caller, "cells", cells),
        pair(caller, "params", params),
        pair(caller, "initial_state", initial_state),
        (False, True),
        strict=True,
    )
    runs = [
        forward(cell, p, inputs, initial_state=state, reverse=reverse, rng=rng, **options)
        for cell, p, state, reverse in parts
    ]

    def backward(d_outputs=None, d_state=None):
        parts = zip(runs, pair(caller, "d_outputs", d_outputs), pair(caller, "d_state", d_state), strict=True)
        forth, back = (run.backward(dy, ds) for run, dy, ds in parts)
        d_params: Any = (forth.params, back.params)
        d_inputs: Any = None if forth.inputs is None else forth.inputs + back.inputs
        return Gradients(d_params, d_inputs, (forth.initial_state, back.initial_state))

    return Unrolled(tuple(run.outputs for run in runs), tuple(run.state for run in runs), backward)


def static_bidirectional_rnn(
    cells: Sequence[RNNCell],
    params: Sequence[dict[str, Any]],
    inputs: Iterable[ArrayLike],
    **options: Any,
) -> UnrolledBothWays:
    """Run two cells over sequences in a list of steps, one in each direction of time.

    The results are those of `bidirectional_dynamic_rnn`, with the outputs of both directions side by side.

    Parameters
    ----------
    cells : pair of RNNCell
        The cells (forward, backward).
    params : pair of dict of str to ndarray
        The parameters of both cells.
    inputs : list of T ndarrays (B, I)
        The inputs of each step, of the parameters' dtype. Integers (B,) if the cells take those.
    **options
        Keyword arguments of `bidirectional_dynamic_rnn` except ``time_major``; masks are (T, B).

    Returns
    -------
    UnrolledBothWays
        The triple (outputs, state_fw, state_bw): a list of T outputs (B, sum of both output sizes), and the two final
        states; ``.state`` is the pair of them. ``.backward(d_outputs, d_state)``, with a pair `d_state`, computes the
        gradient; that of the inputs is a list of T arrays.

    Raises
    ------
    InputError
        If an argument has another type, shape, dtype or value than expected.

    References
    ----------
    ``tf.nn.static_bidirectional_rnn`` of TensorFlow 1.
    """
    caller = "static_bidirectional_rnn"
    steps = stacked(caller, inputs, dtype_of_lists(first_cell(cells), params))
    steps, options = of_tensorflow(caller, first_cell(cells), params, steps, options)
    initial, options = initial_pair(caller, "initial_state", options.pop("initial_state", None), options)
    run = bidirectional_dynamic_rnn(cells, params, steps, time_major=True, initial_state=initial, **options)
    return by_direction(in_lists(caller, concatenated(run)))


def stack_bidirectional_dynamic_rnn(
    cells: Sequence[Sequence[RNNCell]],
    params: Sequence[Sequence[dict[str, Any]]],
    inputs: ArrayLike,
    *,
    initial_state: Sequence[Sequence | None] | None = None,
    rng: int | np.random.Generator | None = None,
    **options: Any,
) -> UnrolledBothWays:
    """Run a stack of bidirectional layers over sequences in an array.

    Both directions of a layer read the outputs of the layer below, those of its two directions side by side.

    Parameters
    ----------
    cells : pair of lists of RNNCell
        The cells (forward, backward), a list of one cell a layer each.
    params : pair of lists of dict of str to ndarray
        The parameters of the cells, in the same structure.
    inputs : ndarray (B, T, I)
        Sequences of the parameters' dtype; (T, B, I) with ``time_major=True``. Integers (B, T) if the lowest cells take
        those.
    initial_state : pair of lists of State, optional
        The states of the cells, in the same structure; zeros by default.
    rng : int or numpy.random.Generator, optional
        Seed of the random numbers; each cell draws its own.
    **options
        Keyword arguments of `forward` except ``reverse``, or TensorFlow's; see `dynamic_rnn`.

    Returns
    -------
    UnrolledBothWays
        The triple (outputs, states_fw, states_bw): outputs (B, T, sum of both output sizes) of the last layer, and two
        tuples with the final states of all layers; ``.state`` is the pair of them. ``.backward(d_outputs, d_state)``,
        with a pair `d_state`, computes the gradient.

    Raises
    ------
    InputError
        If an argument has another type, shape, dtype or value than expected.

    References
    ----------
    ``tf.contrib.rnn.stack_bidirectional_dynamic_rnn`` of TensorFlow 1.
    """
    caller = "stack_bidirectional_dynamic_rnn"
    rng, first = shared_generator(caller, rng), pair(caller, "cells", cells)[0]
    if not isinstance(first, tuple | list) or not first:
        raise InputError(f"{caller}: expected cells to be a pair of lists, of one cell a layer or more, got {cells!r}")
    initial_state, options = initial_pair(caller, "initial_states", initial_state, options)
    inputs, options = of_tensorflow(caller, first[0], params, inputs, options)
    layers, x, depth = [], inputs, len(first)
    parts = zip(
        by_layer(caller, "cells", cells, depth),
        by_layer(caller, "params", params, depth),
        by_layer(caller, "initial_state", initial_state, depth),
        strict=True,
    )
    for c, p, state in parts:
        layers.append(concatenated(bidirectional_dynamic_rnn(c, p, x, initial_state=state, rng=rng, **options)))
        x = layers[-1].outputs

    def backward(d_outputs=None, d_state=None):
        grads = []
        for layer, ds in reversed([*zip(layers, by_layer(caller, "d_state", d_state, depth), strict=True)]):
            grads.insert(0, layer.backward(d_outputs, ds))
            d_outputs = grads[0].inputs
        d_params: Any = tuple(zip(*(g.params for g in grads), strict=True))
        return Gradients(d_params, d_outputs, tuple(zip(*(g.initial_state for g in grads), strict=True)))

    return by_direction(Unrolled(x, tuple(zip(*(layer.state for layer in layers), strict=True)), backward))


def by_direction(run: Unrolled) -> UnrolledBothWays:
    """Return the result as TensorFlow does, with the two states apart."""
    return UnrolledBothWays(run.outputs, *run.state, run.backward)


def concatenated(run: Unrolled) -> Unrolled:
    """Put the outputs of both directions side by side."""
    width = run.outputs[0].shape[-1]

    def backward(d_outputs=None, d_state=None):
        if d_outputs is not None:
            d_outputs = np.split(np.asarray(d_outputs), [width], axis=-1)
        return run.backward(d_outputs, d_state)

    return Unrolled(np.concatenate(run.outputs, axis=-1), run.state, backward)


def initial_pair(caller: str, name: str, value: Any, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the initial states as a pair, given so or as TensorFlow's two options, and the other options."""
    ways = f"{name}_fw", f"{name}_bw"
    given = tuple(options.get(way) for way in ways)
    others = {key: option for key, option in options.items() if key not in ways}
    if all(state is None for state in given):
        return value, others
    if value is not None:
        raise InputError(f"{caller}: expected initial_state, a pair, or {ways[0]} and {ways[1]}, got both")
    return given, others


def first_cell(cells: Any) -> Any:
    """Return the first of a pair of cells, if it is one."""
    return cells[0] if isinstance(cells, tuple | list) and cells else cells


def pair(caller: str, what: str, value: Any) -> Any:
    """Return `value` if it is a pair, a pair of None for None; raise `InputError` otherwise."""
    if value is None:
        return None, None
    if not isinstance(value, tuple | list) or len(value) != 2:
        got = f"{len(value)} of them" if isinstance(value, tuple | list) else type(value).__name__
        raise InputError(f"{caller}: expected {what} to be a pair (forward, backward), got {got}")
    return value


def by_layer(caller: str, what: str, value: Any, depth: int) -> list[tuple[Any, Any]]:
    """Turn a pair of lists into a list of pairs, one a layer; None is None for every layer."""
    lists = [[None] * depth if part is None else part for part in pair(caller, what, value)]
    for direction, part in zip(("forward", "backward"), lists, strict=True):
        if not isinstance(part, tuple | list) or len(part) != depth:
            got = len(part) if isinstance(part, tuple | list) else type(part).__name__
            raise InputError(f"{caller}: expected {direction} {what} to be a list of {depth}, one a layer, got {got}")
    return [*zip(*lists, strict=True)]
