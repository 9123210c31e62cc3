"""Losses of predicted numbers: means over each row; targets have the predictions' shape."""

from dataclasses import dataclass
from typing import Any

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

    arrays_at_once = 3

    def of_difference(self, d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return d * d, 2 * d


@inherit_parameters
class MeanAbsoluteError(_Error):
    """Absolute error |y_pred - y_true|, as a mean over each row; both are (batch, ..., outputs).

    Its slope at 0 is 0.
    """

    arrays_at_once = 3

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


@inherit_parameters
@dataclass(eq=False, repr=False)
class Pinball(Loss):
    """The pinball loss of forecast quantiles, as a mean over each row: max(q e, (q - 1) e) with e = y_true - y_pred.

    Parameters
    ----------
    quantiles : float or sequence of float, default 0.5
        A number q in (0, 1): which quantile is forecast; or one for each output. ``y_true`` has the shape of ``y_pred``
        (batch, ..., outputs), or one value (batch, ..., 1) for all quantiles.

    Notes
    -----
    The slope where y_true equals y_pred is 0.

    References
    ----------
    Koenker, Bassett (1978), "Regression quantiles".
    """

    quantiles: Any = 0.5

    arrays_at_once = 3.25

    def __post_init__(self):
        super().__post_init__()
        q = np.asarray(self.quantiles)
        if q.ndim > 1 or q.size == 0 or q.dtype.kind != "f" or not np.all((q > 0) & (q < 1)):
            raise InputError(f"Pinball: expected quantiles to be numbers in (0, 1), got {self.quantiles!r}")

    def terms(self, y_true: "ArrayLike", y_pred: "ArrayLike") -> tuple[np.ndarray, np.ndarray]:
        y_pred, y_true = scores("Pinball", y_pred), np.asarray(y_true)
        q = np.asarray(self.quantiles, y_pred.dtype)
        if q.ndim and len(q) != y_pred.shape[-1]:
            raise InputError(f"Pinball: expected {len(q)} outputs, one for each quantile, got {y_pred.shape[-1]}")
        if q.ndim and y_true.shape == y_pred.shape[:-1]:
            expected = f"targets of shape {(*y_pred.shape[:-1], 1)} or {y_pred.shape}"
            raise InputError(f"Pinball: expected {expected}, got {y_true.shape}; y[..., None] has it")
        if q.ndim and y_true.shape == (*y_pred.shape[:-1], 1):
            y_true = np.broadcast_to(y_true, y_pred.shape)
        error = same_shape("Pinball", y_true, y_pred) - y_pred
        slopes = np.where(error > 0, -q, np.where(error < 0, 1 - q, 0)).astype(y_pred.dtype)
        return (-slopes * error).mean(axis=-1), slopes / y_pred.shape[-1]
