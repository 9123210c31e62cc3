"""Lists of different lengths as one array."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ..errors import InputError, checked


@checked
def pad_sequences(
    sequences: Iterable[ArrayLike],
    maxlen: int | None = None,
    dtype: DTypeLike = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: float | np.generic = 0,
) -> np.ndarray:
    """Put sequences of different lengths into one array, with the rules and defaults of Keras.

    Keras cuts floats to integers without a word; here a value that an integer `dtype` cannot hold is an error. Floats
    may be rounded, as from float64 to float32.

    Parameters
    ----------
    sequences : iterable of array_like
        N lists or arrays, each (length,) or (length, ...) with the same further sizes.
    maxlen : int, optional
        Number of steps of the result; by default the length of the longest sequence.
    dtype : dtype, default "int32"
        Dtype of the result; for sequences of floats it is to be a dtype of floats.
    padding : {"pre", "post"}, default "pre"
        Whether a short sequence is filled up in front or behind. For `lengths` of `numbarnn.forward`, use "post".
    truncating : {"pre", "post"}, default "pre"
        Whether a long sequence loses its first or its last items; by default the last `maxlen` items are kept.
    value : float, default 0
        The filler.

    Returns
    -------
    array (N, maxlen, ...)
        The sequences, of `dtype`.

    Raises
    ------
    InputError
        An option is unknown, the items are not of one shape, or `dtype` cannot hold an item or `value`.
    """
    for name, choice in (("padding", padding), ("truncating", truncating)):
        if choice not in ("pre", "post"):
            raise InputError(f"pad_sequences: expected {name} 'pre' or 'post', got {choice!r}")
    if maxlen is not None and not (isinstance(maxlen, int | np.integer) and maxlen >= 0):
        raise InputError(f"pad_sequences: expected maxlen to be an integer of at least 0 or None, got {maxlen!r}")
    dtype = np.dtype(dtype)
    rows = [_row(number, row, dtype) for number, row in enumerate(sequences)]
    item_shapes = {row.shape[1:] for row in rows if len(row)}
    if len(item_shapes) > 1:
        raise InputError(f"pad_sequences: expected items of one shape, got {sorted(item_shapes)}")
    maxlen = max(map(len, rows), default=0) if maxlen is None else maxlen
    shape = (len(rows), maxlen, *(item_shapes.pop() if item_shapes else ()))
    padded = np.full(shape, _cast("value", np.asarray(value), dtype), dtype)
    for target, row in zip(padded, rows, strict=True):
        kept = row[:maxlen] if truncating == "post" else row[max(0, len(row) - maxlen) :]
        start = maxlen - len(kept) if padding == "pre" else 0
        target[start : start + len(kept)] = kept
    return padded


def _row(number, row, dtype):
    """One sequence as an array of `dtype`."""
    try:
        row = np.asarray(row)
    except ValueError as error:
        raise InputError(f"pad_sequences: sequence {number}: {error}") from error
    if row.ndim == 0:
        raise InputError(f"pad_sequences: expected a list of sequences, got {row} as sequence {number}")
    return _cast(f"sequence {number}", row, dtype)


def _cast(what, values, dtype):
    """The values in `dtype`, if it holds them: integers must be the same, floats may be rounded."""
    if values.size == 0 or dtype == values.dtype or dtype.kind == "O":
        return values.astype(dtype)
    try:
        with np.errstate(invalid="ignore", over="ignore"), warnings.catch_warnings():
            # NumPy only warns where it drops imaginary parts
            warnings.simplefilter("error")
            cast = values.astype(dtype)
    except (ValueError, TypeError, OverflowError, Warning) as error:
        raise InputError(f"pad_sequences: {what}: {error}") from error
    if dtype.kind in "iub":
        same = cast == values
    else:
        same = np.isfinite(cast) | ~np.isfinite(values) if dtype.kind == values.dtype.kind == "f" else np.True_
    if not np.all(same):
        lost = values[~same].flat[0]
        raise InputError(f"pad_sequences: dtype {dtype} cannot hold {lost} of {what}; for floats give dtype='float32'")
    return cast
