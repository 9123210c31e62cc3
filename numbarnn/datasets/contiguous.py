"""Long streams in contiguous batches, for stateful layers and truncated BPTT."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, checked
from ..rnn.truncation import is_count
from ..utils.arrays import plain_array


class Contiguous(NamedTuple):
    """Inputs and labels, batch after batch, and the rest of the stream; see `contiguous_batches`."""

    # (batches * batch_size, steps, ...)
    x: np.ndarray
    # like x
    y: np.ndarray
    rest: np.ndarray


@checked
def contiguous_batches(stream: ArrayLike, batch_size: int, steps: int) -> Contiguous:
    """Cut one long stream into ``batch_size`` equal rows side by side, and these into batches of ``steps`` steps.

    Row i of a batch continues row i of the batch before, and the label of each input is the item after it. This is the
    order for ``model.fit(x, y, batch_size, shuffle=False)`` with stateful layers.

    Parameters
    ----------
    stream : array_like
        Integers (N,), such as characters or words, or a series of floats (N,) or (N, F); N > batch_size * steps.
    batch_size : int
        Number of rows in a batch.
    steps : int
        Number of steps in a batch.

    Returns
    -------
    x, y : array
        Integers (batches * batch_size, steps), or floats (batches * batch_size, steps, F) with F = 1 for a series (N,).
    rest : array
        The end of the stream, which is in no x: at least one item, which is the last label.

    Raises
    ------
    InputError
        The stream is too short or of another dtype or shape, or a size is no positive integer.

    References
    ----------
    Zaremba, Sutskever, Vinyals (2014), "Recurrent neural network regularization", whose code drops the rest in silence.
    """
    caller, stream = "contiguous_batches", plain_array("contiguous_batches", "a stream", stream)
    if stream.ndim not in (1, 2) or stream.dtype.kind not in ("iuf" if stream.ndim == 1 else "f"):
        got = f"{stream.dtype} of shape {stream.shape}"
        raise InputError(f"{caller}: expected integers (N,) or floats (N,) or (N, F), got {got}")
    for name, value in {"batch_size": batch_size, "steps": steps}.items():
        if not is_count(value):
            raise InputError(f"{caller}: expected {name} to be a positive integer, got {value!r}")
    batches = (len(stream) - 1) // (batch_size * steps)
    if batches < 1:
        raise InputError(f"{caller}: expected more than {batch_size} * {steps} items, got {len(stream)}")
    used = batches * batch_size * steps
    items = stream[:, None] if stream.ndim == 1 and stream.dtype.kind == "f" else stream

    def batch_after_batch(items):
        rows = items.reshape(batch_size, batches, steps, *items.shape[1:])
        return rows.swapaxes(0, 1).reshape(batches * batch_size, steps, *items.shape[1:])

    return Contiguous(batch_after_batch(items[:used]), batch_after_batch(items[1 : used + 1]), stream[used:])
