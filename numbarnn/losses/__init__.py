"""Losses: one number for a batch of predictions, and its gradient.

``loss(y_true, y_pred)`` is the value, ``loss.value_and_gradient(y_true, y_pred)`` also gives dL/dy_pred. Predictions
are arrays (batch, ..., outputs) of float32 or float64; gradients keep their dtype. Labels have exactly the shape
of the predictions, or are integers of rank one less; nothing is ever broadcast. The loss of an empty batch is 0.
"""

from ..errors import InputError
from .base import Loss
from .cross_entropy import BinaryCrossentropy, CategoricalCrossentropy, CrossEntropy, SparseCategoricalCrossentropy
from .regression import Huber, MeanAbsoluteError, MeanSquaredError

BY_NAME: dict[str, type[Loss]] = {
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "binary_crossentropy": BinaryCrossentropy,
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
    "mean_absolute_error": MeanAbsoluteError,
    "mae": MeanAbsoluteError,
    "huber": Huber,
}


def get(loss: str | Loss) -> Loss:
    """Find a loss by its name.

    Parameters
    ----------
    loss : str or Loss
        A name such as "mse", for that loss with its default options; or a loss, which is returned.

    Returns
    -------
    Loss
        The loss.

    Raises
    ------
    InputError
        There is none of that name.
    """
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, str) and loss in BY_NAME:
        return BY_NAME[loss]()
    raise InputError(f"loss: expected a Loss or one of {', '.join(BY_NAME)}, got {loss!r}")


__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CrossEntropy",
    "Huber",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "get",
]


def __dir__():
    return __all__
