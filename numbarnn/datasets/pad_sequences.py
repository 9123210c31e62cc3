"""Lists of different lengths as one array."""

import numpy as np

from ..errors import InputError


def pad_sequences(sequences, maxlen=None, dtype="int32", padding="pre", truncating="pre", value=0):
    """Put lists of different lengths into one array, with the rules and defaults of Keras.

    `padding` and `truncating` are "pre" or "post": by default the filler `value` stands before a short list, and of a
    long one the last `maxlen` items are kept. For `lengths=` of `numbarnn.forward`, pad with "post".

    Parameters
    ----------
    sequences : N lists or arrays, each (length,) or (length, ...) with the same further sizes
    maxlen : steps of the result; default: the longest list

    Returns
    -------
    (N, maxlen, ...) array of `dtype`
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
