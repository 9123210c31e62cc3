"""Truncated BPTT(k1, k2) of a cell over a stream, of any length in bounded memory.

Williams and Peng (1990), BPTT(h; h') with h = k2 and h' = k1; Sutskever (2013).
"""

from typing import Any, NamedTuple

import numpy as np

from .. import losses
from ..cells.rnn_cell import RNNCell
from ..engines.on_device import is_on_device
from ..errors import InputError
from ..losses.evaluation import measure
from ..wrappers import Bidirectional
from .arguments import check_cell, check_params, check_state, checked_inputs, seed_path, valid_steps
from .run import forward
from .segments import Steps, backward_passes, check_activations
from .truncation import check_truncate


class TruncatedPass(NamedTuple):
    """A backward pass: the `outputs` (B, n, output_size) of the steps since the one before, the `loss`, its `gradients`
    {parameter: array}, and the `state` after these steps."""

    outputs: np.ndarray
    loss: float
    gradients: dict
    state: Any


def truncated_bptt(
    cell,
    params,
    chunks,
    loss,
    *,
    truncate,
    loss_scope="new",
    activations="stale",
    initial_state=None,
    training=False,
    rng=None,
    device="cpu",
):
    """Goes through a stream, and gives a `TruncatedPass` after every k1 steps and at the end; ``truncate`` is (k1, k2).

        for step in nr.truncated_bptt(cell, params, chunks, loss, truncate=(20, 100)):
            optimizer.apply(params, step.gradients)

    ``chunks`` are pairs (x, y) that follow one another in time: x (B, n, I), and labels y (B, n, ...), any number n of
    steps each; or triples with a mask (B, n) of the steps that count, or lengths (B,) in this chunk. What is held for
    gradients never covers more than k2 steps, for which chunks must stay as they are. ``loss``: one of `nr.losses`, or
    its name; where there is a mask it gets the valid steps as rows.

    A pass goes back over the last k2 steps, the state before them is a constant. ``loss_scope`` "new": it takes the
    loss of the steps since the pass before; "window": that of all its steps. Parameters may be changed in place
    between passes. ``activations`` "stale": older steps count as they were computed, with the parameters of then
    (kept, a copy for each pass in the window), and the gradients with respect to old and new ones add up; "refresh":
    each pass runs its window again with the present ones, from the state that the pass before had at its start.
    With fixed parameters both are the gradients of `Run.backward` with this ``truncate``. Cells that draw random
    numbers draw anew each time steps are run. Raises `InputError`.
    """
    caller = "truncated_bptt"
    check_cell(caller, cell)
    if reads_backwards(cell):
        raise InputError(f"{caller}: expected a cell that reads forwards, got {cell!r}")
    truncate = check_truncate(caller, truncate, loss_scope)
    check_activations(caller, activations)
    loss = losses.get(loss)
    seed = seed_path(caller, rng)
    options = {"training": training, "rng": np.random.default_rng(seed) if seed else None, "device": device}

    def make_runner():
        used = {name: np.copy(value) for name, value in params.items()} if activations == "stale" else params
        return lambda steps, state: forward(cell, used, steps.x, initial_state=state, mask=steps.mask, **options)

    passes = backward_passes(
        _stream(cell, params, chunks, initial_state),
        make_runner,
        lambda run, steps: measure(run, steps.y, loss, (), False),
        truncate,
        loss_scope,
        activations,
        initial_state,
    )
    return (
        TruncatedPass(outputs, float(measured.values[0]), gradients, state)
        for measured, gradients, outputs, state in passes
    )


def reads_backwards(cell):
    """Whether a cell, or one in it, needs all steps before its first output."""
    inside = [c for v in vars(cell).values() for c in (v if isinstance(v, tuple) else (v,)) if isinstance(c, RNNCell)]
    return isinstance(cell, Bidirectional) or any(map(reads_backwards, inside))


def _stream(cell, params, chunks, initial_state):
    """The chunks as `Steps`, checked."""
    caller, start, batch = type(cell).__name__, 0, None
    for chunk in chunks:
        if not isinstance(chunk, tuple | list) or len(chunk) not in (2, 3):
            raise InputError(f"{caller}: expected chunks (x, y) or (x, y, mask or lengths), got {type(chunk).__name__}")
        x, y, *valid = chunk
        x, y = checked_inputs(cell, x, False), np.asarray(y)
        if batch is None:
            batch = len(x)
            check_params(cell, params, *(x.shape[2:] or [None]), dtype=None if cell.takes_integers else x.dtype)
            check_state(cell, "initial_state", initial_state, batch, next(iter(params.values())).dtype)
        if any(map(is_on_device, (x, *params.values()))):
            raise InputError(f"{caller}: truncated_bptt takes NumPy arrays, got one on the GPU")
        if len(x) != batch:
            raise InputError(f"{caller}: expected every chunk to have {batch} rows, as the first one, got {len(x)}")
        if y.shape[:2] != x.shape[:2]:
            raise InputError(f"{caller}: expected labels for each step, {x.shape[:2]}, got shape {y.shape}")
        steps = Steps(start, x, y, _mask(caller, x, *valid))
        start = steps.end
        yield steps


def _mask(caller, x, valid=None):
    """(B, n) booleans from a mask or from lengths."""
    if valid is None:
        return None
    batch, count = x.shape[:2]
    if np.ndim(valid) == 2:
        return valid_steps(caller, None, valid, count, batch, False).T
    return valid_steps(caller, valid, None, count, batch, False).T
