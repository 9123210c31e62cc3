"""Lists of different lengths as one array."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ..errors import InputError


def pad_sequences(
    sequences: Iterable[ArrayLike],
    maxlen: int | None = None,
    dtype: DTypeLike = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: float = 0,
) -> np.ndarray:
    """Put sequences of different lengths into one array, with the rules and defaults of Keras.

    Parameters
    ----------
    sequences : iterable of array_like
        N lists or arrays, each (length,) or (length, ...) with the same further sizes.
    maxlen : int, optional
        Number of steps of the result; by default the length of the longest sequence.
    dtype : dtype, default "int32"
        Dtype of the result.
    padding : {"pre", "post"}, default "pre"
        Whether a short sequence is filled up in front or behind. For `lengths` of `numbarnn.forward`, use "post".
    truncating : {"pre", "post"}, default "pre"
        Whether a long sequence loses its first or its last items.
    value : float, default 0
        The filler.

    Returns
    -------
    array (N, maxlen, ...)
        The sequences, of `dtype`.

    Raises
    ------
    InputError
        An option is unknown, or the items are not of one shape.
    """
    for name, choice in (("padding", padding), ("truncating", truncating)):
        if choice not in ("pre", "post"):
            raise InputError(f"pad_sequences: expected {name} 'pre' or 'post', got {choice!r}")
    rows = [np.asarray(row) for row in sequences]
    item_shapes = {row.shape[1:] for row in rows if len(row)}
    if len(item_shapes) > 1:
        raise InputError(f"pad_sequences: expected items of one shape, got {sorted(item_shapes)}")
    maxlen = max(map(len, rows), default=0) if maxlen is None else maxlen
    padded = np.full((len(rows), maxlen, *(item_shapes.pop() if item_shapes else ())), value, dtype)
    for target, row in zip(padded, rows, strict=True):
        kept = row[:maxlen] if truncating == "post" else row[max(0, len(row) - maxlen) :]
        start = maxlen - len(kept) if padding == "pre" else 0
        target[start : start + len(kept)] = kept
    return padded
