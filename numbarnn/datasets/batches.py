"""Batches as the notebooks for TensorFlow 1 draw them, each with one rule of its own for the last ones."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..errors import InputError, checked
from ..utils.types import Seed


@checked
def shuffle_batch(
    x: np.ndarray, y: np.ndarray, batch_size: int, rng: Seed = 0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield one epoch of batches in random order; samples that do not fill a batch go into the first ones.

    55,000 samples with `batch_size` 150 give 366 batches, the first 100 of 151 samples.

    Parameters
    ----------
    x, y : array (samples, ...)
        Inputs and labels.
    batch_size : int
        Least number of samples in a batch.
    rng : Generator or int, default 0
        Random numbers, or a seed for them.

    Yields
    ------
    x, y : array (batch, ...)
        A batch.

    Raises
    ------
    InputError
        There are not as many labels as samples, or fewer samples than `batch_size`.
    """
    _check("shuffle_batch", x, y, batch_size)
    order = np.random.default_rng(rng).permutation(len(x))
    for rows in np.array_split(order, len(x) // batch_size):
        yield x[rows], y[rows]


@checked
def batch_stream(
    x: np.ndarray, y: np.ndarray, batch_size: int, rng: Seed = 0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield batches without end, all of the same size, as `next_batch` of TensorFlow's tutorials does.

    The samples come in a random order, and in a new one after the last; a batch may hold the tail of one order and the
    head of the next.

    Parameters
    ----------
    x, y : array (samples, ...)
        Inputs and labels.
    batch_size : int
        Number of samples in a batch.
    rng : Generator or int, default 0
        Random numbers, or a seed for them.

    Yields
    ------
    x, y : array (batch_size, ...)
        A batch.

    Raises
    ------
    InputError
        There are not as many labels as samples, or fewer samples than `batch_size`.
    """
    _check("batch_stream", x, y, batch_size)
    order = RandomOrder(len(x), rng)
    while True:
        rows = order.take(batch_size)
        yield x[rows], y[rows]


class RandomOrder:
    """Numbers of samples in a random order, and in a new one after the last, without end.

    Parameters
    ----------
    samples : int
        Number of samples.
    rng : Generator or int
        Random numbers, or a seed for them.
    """

    def __init__(self, samples: int, rng: Seed) -> None:
        self._samples, self._rng = samples, np.random.default_rng(rng)
        self._left = np.empty(0, np.intp)

    def take(self, n: int) -> np.ndarray:
        """Take the next `n` of them, at most all samples."""
        if len(self._left) < n:
            self._left = np.concatenate([self._left, self._rng.permutation(self._samples)])
        taken, self._left = self._left[:n], self._left[n:]
        return taken


def _check(caller, x, y, batch_size):
    if len(x) != len(y) or not 1 <= batch_size <= len(x):
        raise InputError(
            f"{caller}: expected as many labels as samples, and batches of 1 to all of them, "
            f"got {len(x)} samples, {len(y)} labels, batch_size {batch_size}"
        )
