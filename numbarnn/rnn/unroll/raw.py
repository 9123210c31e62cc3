"""Unrolling in the hands of a Python function: decoders that feed back what they say, attention, samplers."""

import numpy as np

from ...errors import InputError
from ...utils.tree import tree_leaves, tree_map
from ..arguments import check_array, check_cell, check_state
from ..run import forward
from .bidirectional import generator
from .raw_gradient import Step, backward, checked_like, filled, select
from .result import Unrolled


class RawUnrolled(Unrolled):
    """The pair (emits, state) of `raw_rnn`, its gradient, and `loop_state`, the last that loop_fn returned."""

    def __new__(cls, outputs, state, backward, loop_state):
        self = super().__new__(cls, outputs, state, backward)
        self.loop_state = loop_state
        return self


def raw_rnn(cell, params, loop_fn, *, loop_gradient=None, rng=None, **options):
    """Step a cell until `loop_fn` says that all rows have finished.

    `loop_fn(time, cell_output, cell_state, loop_state) -> finished, next_input, next_cell_state, emit, loop_state` is
    TensorFlow's. It is called first with time 0 and None, and gives `finished` (B,) booleans, the first input (B, I),
    the initial state, and in place of `emit` an example of one row's: arrays without the batch, nested tuples at will,
    None for the cell's output. Then it is called after each step, with time 1, 2, ..., and gives what that step emits:
    arrays (B, ...) in that structure. `loop_state` is anything. A row that had finished before a step is not run: it
    emits zeros and keeps its state. What loop_fn is given must not be written into.

    Returns (emits, state), each array of the emits stacked to (T, B, ...); `.loop_state` is the last one.
    `.backward(d_emits, d_state)` gives the gradients of params, of the list of inputs, (B, I) each, and of the initial
    state. It follows what loop_fn hands on untouched: an array that it was given and returns itself, as emit, next
    input or state. An input that it computed counts as given. For all else the caller supplies
    `loop_gradient(time, d_next_input, d_next_cell_state, d_emit) -> d_cell_output, d_cell_state`, the gradient of
    loop_fn, called with the times backwards down to 1. `options` are training, device and save of `forward`; each step
    draws its own random numbers, so that no dropout mask stays the same over time. Raises `InputError`.
    """
    check_cell("raw_rnn", cell)
    rng = generator("raw_rnn", rng)
    finished, x, state, example, loop_state = call(loop_fn, 0, None, None, None)
    first = np.asarray(x)
    if first.ndim == 0:
        raise InputError(f"raw_rnn: expected next_input of shape (batch, features), got {first!r}")
    batch = len(first)
    finished = checked_finished(finished, batch)
    initial = state = checked_state(cell, state, batch)
    zeros = zero_emit(cell, example, batch, tree_leaves(state)[0].dtype)

    steps = []
    while not finished.all():
        x = check_array("raw_rnn", "next_input", x, first.shape, first.dtype)
        run = forward(
            cell, params, x[None], initial_state=state, mask=~finished[None], time_major=True, rng=rng, **options
        )
        output, reached = run.outputs[0], run.state
        now_finished, x, given, emit, loop_state = call(loop_fn, len(steps) + 1, output, reached, loop_state)
        given, emit = checked_state(cell, given, batch), checked_like("emit", emit, zeros)
        steps.append(Step(run, finished, output, reached, x, given, emit))
        state = tree_map(lambda old, new, done=finished: select(done, old, new), reached, given)
        finished = finished | checked_finished(now_finished, batch)

    each = [tree_map(lambda zero, a, s=s: select(s.finished, zero, a), zeros, s.emit) for s in steps]
    emits = tree_map(lambda zero, *emits: np.stack(emits) if emits else zero[None][:0], zeros, *each)

    def gradients(d_emits=None, d_state=None):
        d_emits = checked_like("d_emits", d_emits, emits, partial=True)
        d_state = filled(initial, checked_like("d_state", d_state, initial, partial=True))
        return backward(params, steps, loop_gradient, d_emits, d_state, np.zeros_like(first))

    return RawUnrolled(emits, state, gradients, loop_state)


def call(loop_fn, *given):
    """The five things that loop_fn returns."""
    returned = loop_fn(*given)
    if not isinstance(returned, tuple | list) or len(returned) != 5:
        got = len(returned) if isinstance(returned, tuple | list) else type(returned).__name__
        raise InputError(
            "raw_rnn: expected loop_fn to return (finished, next_input, next_cell_state, emit, next_loop_state), got "
            f"{got}"
        )
    return returned


def checked_finished(finished, batch):
    return check_array("raw_rnn", "finished", finished, (batch,), np.dtype(bool))


def checked_state(cell, state, batch):
    """The state that loop_fn gave, arrays nested like the cell's."""
    if any(a is None for a in tree_leaves(state)):
        raise InputError(
            "raw_rnn: expected loop_fn to give a cell state (cell.zero_state(batch) to begin with), got None"
        )
    return check_state(cell, "next_cell_state", state, batch, np.asarray(tree_leaves(state)[0]).dtype)


def zero_emit(cell, example, batch, dtype):
    """Zeros for a batch of emits, from the example of one row's."""
    if example is None:
        example = np.zeros(cell.output_size, dtype)
    return tree_map(lambda a: np.zeros((batch, *np.shape(a)), np.asarray(a).dtype), example)
