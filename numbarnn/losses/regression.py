"""Losses of predicted numbers: means over each row; targets have the predictions' shape."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..utils.docs import inherit_parameters
from .base import Loss
from .labels import same_shape, scores


class _Error(Loss):
    """A loss of the difference between prediction and target."""

    def of_difference(self, d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute the loss of each element and its slope.

        Parameters
        ----------
        d : array
            y_pred - y_true (batch, ..., outputs).

        Returns
        -------
        values, slopes : array
            The loss and its derivative, of the shape and dtype of ``d``.
        """
        raise NotImplementedError

    def terms(self, y_true: "ArrayLike", y_pred: "ArrayLike") -> tuple[np.ndarray, np.ndarray]:
        y_pred = scores(type(self).__name__, y_pred)
        values, slopes = self.of_difference(y_pred - same_shape(type(self).__name__, y_true, y_pred))
        return values.mean(axis=-1), slopes / y_pred.shape[-1]


@inherit_parameters
class MeanSquaredError(_Error):
    """Squared error (y_pred - y_true)^2, as a mean over each row; both are (batch, ..., outputs)."""

    def of_difference(self, d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return d * d, 2 * d


@inherit_parameters
class MeanAbsoluteError(_Error):
    """Absolute error |y_pred - y_true|, as a mean over each row; both are (batch, ..., outputs).

    Its slope at 0 is 0.
    """

    def of_difference(self, d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.abs(d), np.sign(d)


@inherit_parameters
@dataclass(eq=False, repr=False)
class Huber(_Error):
    """Huber's error, as a mean over each row: d^2 / 2 up to |d| = delta, then delta |d| - delta^2 / 2.

    Parameters
    ----------
    delta : float, default 1.0
        The difference, above 0, from which the error grows linearly.

    References
    ----------
    Huber (1964), "Robust estimation of a location parameter".
    """

    delta: float = 1.0

    def __post_init__(self):
        super().__post_init__()
        if self.delta <= 0:
            raise InputError(f"Huber: expected delta to be a number above 0, got {self.delta!r}")

    def of_difference(self, d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        slopes = np.clip(d, -self.delta, self.delta)
        return slopes * (d - 0.5 * slopes), slopes
