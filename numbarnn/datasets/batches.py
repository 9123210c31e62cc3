"""Batches as the notebooks for TensorFlow 1 draw them, each with one rule of its own for the last ones."""

import numpy as np

from ..errors import InputError


def shuffle_batch(x, y, batch_size, rng=0):
    """One epoch of batches (x, y) in random order; what does not fill a batch goes into the first ones.

    55,000 samples with `batch_size` 150 give 366 batches, the first 100 of 151 samples. `rng`: a seed or a Generator.
    """
    _check("shuffle_batch", x, y, batch_size)
    order = np.random.default_rng(rng).permutation(len(x))
    for rows in np.array_split(order, len(x) // batch_size):
        yield x[rows], y[rows]


def batch_stream(x, y, batch_size, rng=0):
    """Batches (x, y) without end, as `next_batch` of TensorFlow's tutorials gives them: all of `batch_size` samples.

    The samples come in a random order, and in a new one after the last; a batch may hold the tail of one order and the
    head of the next. `rng`: a seed or a Generator.
    """
    _check("batch_stream", x, y, batch_size)
    rng, order = np.random.default_rng(rng), np.empty(0, np.intp)
    while True:
        if len(order) < batch_size:
            order = np.concatenate([order, rng.permutation(len(x))])
        rows, order = order[:batch_size], order[batch_size:]
        yield x[rows], y[rows]


def _check(caller, x, y, batch_size):
    if len(x) != len(y) or not 1 <= batch_size <= len(x):
        raise InputError(
            f"{caller}: expected as many labels as samples, and batches of 1 to all of them, "
            f"got {len(x)} samples, {len(y)} labels, batch_size {batch_size}"
        )
