"""Truncated BPTT(k1, k2) of a cell over a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from .. import losses
from ..cells.rnn_cell import RNNCell
from ..engines.on_device import is_on_device
from ..errors import InputError
from ..losses.evaluation import measure
from ..utils.arrays import plain_array
from ..wrappers import Bidirectional
from .arguments import check_cell, check_state, shared_generator, valid_steps
from .inputs import check_inputs
from .run import forward
from .segments import Steps, backward_passes, check_activations
from .truncation import check_truncate


class TruncatedPass(NamedTuple):
    """A backward pass of truncated BPTT."""

    outputs: np.ndarray  # (B, n, output_size) of the steps since the pass before
    loss: float
    gradients: dict[str, np.ndarray]  # {parameter: gradient}
    state: Any  # after these steps


def truncated_bptt(
    cell: RNNCell,
    params: dict[str, np.ndarray],
    chunks: Iterable[tuple],
    loss: str | losses.Loss,
    *,
    truncate: tuple[int, int],
    loss_scope: str = "new",
    activations: str = "stale",
    initial_state: Any = None,
    training: bool = False,
    rng: int | np.random.Generator | None = None,
    device: str = "cpu",
) -> Iterator[TruncatedPass]:
    """Back-propagate over a stream of any length in bounded memory.

    A backward pass follows every k1 steps and the last step. It goes back over the last k2 steps; the state before them
    is a constant::

        for step in nr.truncated_bptt(cell, params, chunks, loss, truncate=(20, 100)):
            optimizer.apply(params, step.gradients)

    Parameters
    ----------
    cell : RNNCell
        A cell that reads forwards.
    params : dict of str to ndarray
        Its parameters; they may be changed in place between passes.
    chunks : iterable of (x, y), (x, y, mask) or (x, y, lengths)
        Parts of the stream, in order, of any number n of steps: inputs x (B, n, I), labels y (B, n, ...), a mask (B, n)
        of the steps that count, or lengths (B,) in this chunk. A chunk must stay as it is for the next k2 steps.
    loss : str or Loss
        One of `nr.losses`, or its name. Under a mask it gets the valid steps as rows.
    truncate : (k1, k2)
        Steps between passes, and steps that a pass goes back over, k2 >= k1 > 0.
    loss_scope : {"new", "window"}
        Whether a pass takes the loss of the steps since the pass before [1]_, or of all its steps [2]_.
    activations : {"stale", "refresh"}
        "stale": older steps count as they were computed, with the parameters of then (a copy for each pass in the
        window), and gradients with respect to old and new parameters add up. "refresh": each pass runs its window
        again with the present ones, from the state that the pass before had at its start. With fixed parameters both
        give the gradients of `Run.backward` with this ``truncate``.
    initial_state : State of ndarray (B, H), optional
        The states before the stream; zeros by default.
    training : bool
        Whether cells that draw random numbers do so; they draw again each time that steps run.
    rng : int or numpy.random.Generator, optional
        Seed of these random numbers.
    device : str
        The engine, see `nr.forward`.

    Returns
    -------
    iterator of TruncatedPass
        Outputs of the newest steps, loss, gradients, and the state after these steps, of one pass after the other.

    Raises
    ------
    InputError
        If an argument or a chunk does not fit.

    References
    ----------
    .. [1] R. J. Williams, J. Peng, "An efficient gradient-based algorithm for on-line training of recurrent network
       trajectories", Neural Computation 2 (1990): BPTT(h; h') with h = k2 and h' = k1.
    .. [2] I. Sutskever, "Training recurrent neural networks", PhD thesis, University of Toronto (2013).
    """
    caller = "truncated_bptt"
    check_cell(caller, cell)
    if reads_backwards(cell):
        raise InputError(f"{caller}: expected a cell that reads forwards, got {cell!r}")
    truncate = check_truncate(caller, truncate, loss_scope)
    check_activations(caller, activations)
    loss = losses.get(loss)
    options = {"training": training, "rng": shared_generator(caller, rng), "device": device}

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
    """Return whether a cell, or one in it, needs all steps before its first output."""
    inside = [c for v in vars(cell).values() for c in (v if isinstance(v, tuple) else (v,)) if isinstance(c, RNNCell)]
    return isinstance(cell, Bidirectional) or any(map(reads_backwards, inside))


def _stream(cell, params, chunks, initial_state):
    """Yield the chunks as `Steps`, checked."""
    caller, start, batch = type(cell).__name__, 0, None
    for chunk in chunks:
        if not isinstance(chunk, tuple | list) or len(chunk) not in (2, 3):
            raise InputError(f"{caller}: expected chunks (x, y) or (x, y, mask or lengths), got {type(chunk).__name__}")
        x, y, *valid = chunk
        x, checked, dtype = check_inputs(cell, params, x)
        y = plain_array(caller, "labels", y)
        if batch is None:
            batch = len(x)
            check_state(cell, "initial_state", initial_state, batch, dtype)
        if any(map(is_on_device, (x, *checked.values()))):
            raise InputError(f"{caller}: truncated_bptt takes NumPy arrays, got one on the GPU")
        if len(x) != batch:
            raise InputError(f"{caller}: expected every chunk to have {batch} rows, as the first one, got {len(x)}")
        if y.shape[:2] != x.shape[:2]:
            raise InputError(f"{caller}: expected labels for each step, {x.shape[:2]}, got shape {y.shape}")
        steps = Steps(start, x, y, _mask(caller, x, *valid))
        start = steps.end
        yield steps


def _mask(caller, x, valid=None):
    """Return (B, n) booleans from a mask or from lengths."""
    if valid is None:
        return None
    batch, count = x.shape[:2]
    if np.ndim(valid) == 2:
        return valid_steps(caller, None, valid, count, batch, False).T
    return valid_steps(caller, valid, None, count, batch, False).T
