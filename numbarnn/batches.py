"""Cutting data into batches, and means over them."""

import numpy as np

from .errors import InputError


def batch_rows(samples, batch_size, order=None):
    """The rows of each batch: slices, or pieces of ``order``. The last may be short; no samples: one empty batch."""
    for start in range(0, max(1, samples), batch_size):
        rows = slice(start, min(start + batch_size, samples))
        yield rows if order is None else order[rows]


def split_validation(x, y, share):
    """((x, y), (x, y)) to train on and to validate on: the last ``share`` of the samples, as Keras has it."""
    if not 0 < share < 1:
        raise InputError(f"fit: expected validation_split in [0, 1), got {share!r}")
    cut = int(len(x) * (1 - share))
    if cut == 0 or cut == len(x):
        raise InputError(f"fit: validation_split={share!r} of {len(x)} samples leaves nothing on one side")
    return (x[:cut], y[:cut]), (x[cut:], y[cut:])


class Means:
    """Means of named values over batches, each batch with the weight of its samples."""

    def __init__(self, names):
        self.names = names
        self.sums = np.zeros(len(names))
        self.samples = 0

    def add(self, values, samples):
        self.sums += np.multiply(values, samples)
        self.samples += samples

    def values(self):
        """{name: mean} so far, as floats."""
        return dict(zip(self.names, (self.sums / max(1, self.samples)).tolist(), strict=True))
