"""Both directions, and stacks of them.

Where the functions of one direction take a cell, its params and its initial state, these take pairs (forward,
backward), and `state`, `d_state` and the gradients are pairs likewise. The backward direction walks each row from its
last valid step to its first.
"""

import numpy as np

from ...errors import InputError
from ..arguments import seed_path
from ..run import Gradients, forward
from .result import Unrolled
from .rnn import in_lists
from .time_axis import stacked


def bidirectional_dynamic_rnn(cells, params, inputs, *, initial_state=None, rng=None, **options):
    """Outputs (forward, backward), each (B, T, output_size), and final states (forward, backward), over an array
    (B, T, I).

    `cells`, `params`, `initial_state`: pairs (forward, backward). `options` are those of `forward` but for reverse.
    The final backward state is that after the first step. Schuster and Paliwal (1997). Raises `InputError`.
    """
    caller = "bidirectional_dynamic_rnn"
    rng = generator(caller, rng)
    parts = zip(
        pair(caller, "cells", cells),
        pair(caller, "params", params),
        pair(caller, "initial_state", initial_state),
        strict=True,
    )
    runs = [
        forward(cell, p, inputs, initial_state=state, reverse=reverse, rng=rng, **options)
        for reverse, (cell, p, state) in enumerate(parts)
    ]

    def backward(d_outputs=None, d_state=None):
        parts = zip(runs, pair(caller, "d_outputs", d_outputs), pair(caller, "d_state", d_state), strict=True)
        forth, back = (run.backward(dy, ds) for run, dy, ds in parts)
        inputs = None if forth.inputs is None else forth.inputs + back.inputs
        return Gradients((forth.params, back.params), inputs, (forth.initial_state, back.initial_state))

    return Unrolled(tuple(run.outputs for run in runs), tuple(run.state for run in runs), backward)


def static_bidirectional_rnn(cells, params, inputs, **options):
    """The same over a list of T arrays (B, I), the outputs of both directions side by side: a list of T outputs
    (B, both output sizes), and the pair of final states."""
    caller = "static_bidirectional_rnn"
    run = bidirectional_dynamic_rnn(cells, params, stacked(caller, inputs), time_major=True, **options)
    return in_lists(caller, concatenated(run))


def stack_bidirectional_dynamic_rnn(cells, params, inputs, *, initial_state=None, rng=None, **options):
    """Layers of both directions over an array (B, T, I); the outputs of a layer, side by side, feed both directions of
    the next.

    `cells`, `params`, `initial_state`: pairs of lists, (one of each layer forward, one of each layer backward). Outputs
    (B, T, both output sizes) of the last layer; `state` is a pair of tuples, with the final state of each layer.
    """
    caller = "stack_bidirectional_dynamic_rnn"
    rng, first = generator(caller, rng), pair(caller, "cells", cells)[0]
    if not isinstance(first, tuple | list) or not first:
        raise InputError(f"{caller}: expected cells to be a pair of lists, of one cell a layer or more, got {cells!r}")
    layers, x, depth = [], inputs, len(first)
    cells, params = by_layer(caller, "cells", cells, depth), by_layer(caller, "params", params, depth)
    initial = by_layer(caller, "initial_state", initial_state, depth)
    for c, p, state in zip(cells, params, initial, strict=True):
        layers.append(concatenated(bidirectional_dynamic_rnn(c, p, x, initial_state=state, rng=rng, **options)))
        x = layers[-1].outputs

    def backward(d_outputs=None, d_state=None):
        grads = []
        for layer, ds in reversed([*zip(layers, by_layer(caller, "d_state", d_state, depth), strict=True)]):
            grads.insert(0, layer.backward(d_outputs, ds))
            d_outputs = grads[0].inputs
        params, initial = ([getattr(g, name) for g in grads] for name in ("params", "initial_state"))
        return Gradients(tuple(zip(*params, strict=True)), d_outputs, tuple(zip(*initial, strict=True)))

    return Unrolled(x, tuple(zip(*(layer.state for layer in layers), strict=True)), backward)


def concatenated(run):
    """The result with the outputs of both directions side by side."""
    width = run.outputs[0].shape[-1]

    def backward(d_outputs=None, d_state=None):
        if d_outputs is not None:
            d_outputs = np.split(np.asarray(d_outputs), [width], axis=-1)
        return run.backward(d_outputs, d_state)

    return Unrolled(np.concatenate(run.outputs, axis=-1), run.state, backward)


def pair(caller, what, value):
    """`value` as a pair; None is a pair of None."""
    if value is None:
        return None, None
    if not isinstance(value, tuple | list) or len(value) != 2:
        got = f"{len(value)} of them" if isinstance(value, tuple | list) else type(value).__name__
        raise InputError(f"{caller}: expected {what} to be a pair (forward, backward), got {got}")
    return value


def by_layer(caller, what, value, depth):
    """A pair of lists as a list of pairs; None is None for every layer."""
    lists = [[None] * depth if part is None else part for part in pair(caller, what, value)]
    for direction, part in zip(("forward", "backward"), lists, strict=True):
        if not isinstance(part, tuple | list) or len(part) != depth:
            got = len(part) if isinstance(part, tuple | list) else type(part).__name__
            raise InputError(f"{caller}: expected {direction} {what} to be a list of {depth}, one a layer, got {got}")
    return [*zip(*lists, strict=True)]


def generator(caller, rng):
    """One source of random numbers for several runs, so that each draws its own."""
    return None if rng is None else np.random.default_rng(seed_path(caller, rng))
