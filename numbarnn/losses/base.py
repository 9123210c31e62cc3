"""What a loss is: a term for each row of the predictions, and how the terms become one number."""

import math
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from ..utils.arrays import plain_array
from ..utils.config import Configured

REDUCTIONS = ("mean_valid", "mean_all", "sum")


@dataclass(eq=False, repr=False)
class Loss(Configured):
    """Base class of losses; subclasses define ``terms(y_true, y_pred)``.

    Parameters
    ----------
    reduction : {"mean_valid", "mean_all", "sum"}, default "mean_valid"
        How terms l with weights w become one number. A weight is 1 unless it is given; steps that a mask hides have
        none. "mean_valid" is sum(w l) / sum(w). "mean_all" is sum(w l) / number of terms, and counts the hidden ones
        too: the plain mean of TensorFlow, and how Keras divides if there is no mask. "sum" is sum(w l).

    Raises
    ------
    InputError
        An option is unknown or out of its range.
    """

    _: KW_ONLY
    reduction: str = "mean_valid"

    # the last activation of a model that this loss can take over
    activation: ClassVar[str | None] = None
    from_logits = False
    legacy_clip = False

    # arrays of the size of the predictions that `value_and_gradient` holds at a time, measured
    arrays_at_once: ClassVar[float] = 4

    def __post_init__(self):
        if self.reduction not in REDUCTIONS:
            name = type(self).__name__
            raise InputError(f"{name}: expected reduction to be one of {', '.join(REDUCTIONS)}, got {self.reduction!r}")

    def terms(self, y_true: "ArrayLike", y_pred: "ArrayLike") -> tuple[np.ndarray, np.ndarray]:
        """Compute the loss of each row and its gradient.

        Parameters
        ----------
        y_true : array_like
            Labels (batch, ..., outputs), or (batch, ...) for some losses.
        y_pred : array_like
            Predictions (batch, ..., outputs), float32 or float64.

        Returns
        -------
        terms : array
            A loss for each row, (batch, ...).
        gradient : array
            dterms/dy_pred (batch, ..., outputs), of the dtype of ``y_pred``.

        Raises
        ------
        InputError
            Labels do not fit the predictions.
        """
        raise NotImplementedError

    def __call__(self, y_true: "ArrayLike", y_pred: "ArrayLike", weights: "ArrayLike | None" = None) -> float:
        """Compute the loss of a batch.

        Parameters
        ----------
        y_true : array_like
            Labels (batch, ..., outputs), or (batch, ...) for some losses.
        y_pred : array_like
            Predictions (batch, ..., outputs), float32 or float64.
        weights : array_like, optional
            Numbers of at least 0: one for each row (batch, ...), or for each sample (batch,). By default all are 1.

        Returns
        -------
        float
            The loss; 0 for an empty batch.

        Raises
        ------
        InputError
            Labels or weights do not fit the predictions.
        """
        if weights is not None:
            weights = finite_weights(type(self).__name__, "weights", weights)
        return self.value_and_gradient(y_true, y_pred, weights)[0]

    def value_and_gradient(
        self, y_true: "ArrayLike", y_pred: "ArrayLike", weights: "ArrayLike | None" = None, hidden: int = 0
    ) -> tuple[float, np.ndarray]:
        """Compute the loss of a batch and its gradient.

        Parameters
        ----------
        y_true : array_like
            Labels (batch, ..., outputs), or (batch, ...) for some losses.
        y_pred : array_like
            Predictions (batch, ..., outputs), float32 or float64.
        weights : array_like, optional
            Numbers of at least 0: one for each row (batch, ...), or for each sample (batch,). By default all are 1.
        hidden : int, default 0
            Number of rows that were left out beforehand; only the reduction "mean_all" counts them.

        Returns
        -------
        value : float
            The loss; 0 for an empty batch.
        gradient : array
            dloss/dy_pred (batch, ..., outputs), of the dtype of ``y_pred``.

        Raises
        ------
        InputError
            Labels or weights do not fit the predictions.
        """
        terms, gradient = self.terms(y_true, y_pred)
        if weights is not None:
            weights = spread(type(self).__name__, weights, terms.shape)
            terms = np.where(weights == 0, 0, terms * weights)
            gradient = np.where(weights[..., None] == 0, 0, gradient * weights[..., None]).astype(gradient.dtype)
        divisor = (
            self.divisor(terms.size if weights is None else float(weights.sum(dtype=np.float64)), terms.size + hidden)
            or 1.0
        )
        return float(terms.sum(dtype=np.float64)) / divisor, gradient / divisor

    def divisor(self, weight: float, count: int) -> float:
        """Compute the number by which the weighted sum is divided.

        Parameters
        ----------
        weight : float
            Sum of the weights.
        count : int
            Number of terms, the hidden ones among them.

        Returns
        -------
        float
            The divisor under the reduction.
        """
        return {"mean_valid": weight, "mean_all": count, "sum": 1}[self.reduction]

    def __repr__(self):
        shown = {name: value for name, value in vars(self).items() if value != getattr(type(self), name)}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


def finite_weights(caller, name, values):
    """Return weights as an array; raise `InputError` unless they are finite numbers of at least 0."""
    values = plain_array(caller, name, values)
    ends = (values.min(initial=0), values.max(initial=0)) if values.dtype.kind in "fiub" else (math.nan,)
    if not all(0 <= end < math.inf for end in ends):
        raise InputError(
            f"{caller}: expected {name} of finite numbers of at least 0, got {values.dtype} of shape {values.shape}"
        )
    return values


def spread(caller, weights, shape):
    """Repeat weights of the first axes of `shape` over the others."""
    weights = plain_array(caller, "weights", weights)
    if weights.dtype.kind not in "fiub":
        raise InputError(f"{caller}: expected weights of numbers, got {weights.dtype}")
    if not 1 <= weights.ndim <= len(shape) or weights.shape != shape[: weights.ndim]:
        shapes = " or ".join(str(shape[: n + 1]) for n in range(len(shape)))
        raise InputError(f"{caller}: expected weights of shape {shapes}, got {weights.shape}")
    return np.broadcast_to(weights.reshape(*weights.shape, *[1] * (len(shape) - weights.ndim)), shape)
