"""Cutting data into batches, and means over them."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError, is_number


def batch_rows(samples: int, batch_size: int, order: np.ndarray | None = None) -> Iterator:
    """Yield the rows of each batch, as slices or parts of ``order``; without samples one empty batch."""
    for start in range(0, max(1, samples), batch_size):
        rows = slice(start, min(start + batch_size, samples))
        yield rows if order is None else order[rows]


class Data(NamedTuple):
    """Samples with their labels and weights."""

    # (samples, ...), to be indexed by rows; several arrays are `Columns`
    x: Any
    # None: there are only inputs
    y: Any = None
    # (samples,) or (samples, steps); None: each counts alike
    weights: Any = None

    def rows(self, rows) -> "Data":
        return Data(*(None if part is None else part[rows] for part in self))


def split_validation(data: Data, share: float) -> tuple[Data, Data]:
    """Return the `Data` to train on and to validate on: the last ``share`` of the samples, as in Keras."""
    if not is_number(share) or not 0 < share < 1:
        raise InputError(f"fit: expected validation_split in [0, 1), got {share!r}")
    samples = len(data.x)
    cut = int(samples * (1 - share))
    if cut == 0 or cut == samples:
        raise InputError(f"fit: validation_split={share!r} of {samples} samples leaves nothing on one side")
    return data.rows(slice(cut)), data.rows(slice(cut, None))


class Means:
    """Totals of named values over batches, and what they mean.

    A value counts with a weight. By default the result is the weighted mean; a metric with ``of_mean(mean)`` converts
    it, and one with ``of_sums(sums)`` makes its result of the sum itself. The first value gets those behind it added,
    each with its share, which are the losses of several outputs.
    """

    def __init__(self, names, metrics=(), shares=()):
        plain = len(names) - len(metrics)
        self.results = [weighted_mean] * plain + [result_of(metric) for metric in metrics]
        self.names, self.shares = names, shares
        self.sums = [0.0] * len(names)
        self.weights = [0.0] * len(names)

    def add(self, values, weights):
        """Add a batch's values, each with its weight."""
        self.sums = [total + weight * value for total, value, weight in zip(self.sums, values, weights, strict=True)]
        self.weights = [total + weight for total, weight in zip(self.weights, weights, strict=True)]

    def values(self):
        """Return {name: result} so far, as floats."""
        columns = zip(self.results, self.sums, self.weights, strict=True)
        values = [float(result(total, weight)) for result, total, weight in columns]
        if self.shares:
            values[0] += sum(share * value for share, value in zip(self.shares, values[1:], strict=False))
        return dict(zip(self.names, values, strict=True))


def weighted_mean(total, weight):
    return total / weight if weight else total


def result_of(metric):
    """Return the function (total, weight) -> result of a metric."""
    if hasattr(metric, "of_sums"):
        return lambda total, weight: metric.of_sums(total)
    if hasattr(metric, "of_mean"):
        return lambda total, weight: metric.of_mean(weighted_mean(total, weight))
    return weighted_mean
