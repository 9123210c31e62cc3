"""Losses of predicted numbers: means over each row; targets have the predictions' shape."""

import math
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .base import Loss
from .labels import same_shape, scores


class _Error(Loss):
    """Subclasses define ``of_difference(d)``: values and slopes, both shaped as d = y_pred - y_true."""

    def terms(self, y_true, y_pred):
        y_pred = scores(type(self).__name__, y_pred)
        values, slopes = self.of_difference(y_pred - same_shape(type(self).__name__, y_true, y_pred))
        return values.mean(axis=-1), slopes / y_pred.shape[-1]


class MeanSquaredError(_Error):
    """(y_pred - y_true)^2."""

    def of_difference(self, d):
        return d * d, 2 * d


class MeanAbsoluteError(_Error):
    """|y_pred - y_true|; its slope at 0 is 0."""

    def of_difference(self, d):
        return np.abs(d), np.sign(d)


@dataclass(eq=False, repr=False)
class Huber(_Error):
    """d^2 / 2 for |d| up to delta, then the straight line delta |d| - delta^2 / 2 (Huber 1964)."""

    delta: float = 1.0

    def __post_init__(self):
        super().__post_init__()
        if not isinstance(self.delta, int | float | np.number) or not 0 < self.delta < math.inf:
            raise InputError(f"Huber: expected delta to be a number above 0, got {self.delta!r}")

    def of_difference(self, d):
        slopes = np.clip(d, -self.delta, self.delta)
        return slopes * (d - 0.5 * slopes), slopes
