"""Long streams in contiguous batches, for stateful layers and truncated BPTT."""

from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..rnn.truncation import is_count


class Contiguous(NamedTuple):
    """Inputs x and labels y (batches * batch_size, steps, ...), batch after batch, and the `rest` of the stream."""

    x: np.ndarray
    y: np.ndarray
    rest: np.ndarray


def contiguous_batches(stream, batch_size, steps):
    """Cut one long stream into ``batch_size`` equal rows side by side, and these into batches of ``steps`` steps.

    Row i of a batch goes on where row i of the batch before ended, and its labels are what follows each input. For
    ``model.fit(x, y, batch_size, shuffle=False)`` with stateful layers.

    Parameters
    ----------
    stream : (N,) integers, such as characters or words, or a series of floats (N,) or (N, F); N > batch_size * steps

    Returns
    -------
    x, y : (batches * batch_size, steps) of integers, or (batches * batch_size, steps, F) of floats, F = 1 for (N,)
    rest : what is in no x, the end of the stream: at least one item, which is the last label

    Source: the truncated BPTT batches of Zaremba, Sutskever, Vinyals (2014), whose remainder is dropped in silence.
    Raises `InputError`.
    """
    caller, stream = "contiguous_batches", np.asarray(stream)
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
