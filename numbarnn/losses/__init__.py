"""Losses: one number for a batch of predictions, and its gradient.

``loss(y_true, y_pred)`` is the value, ``loss.value_and_gradient(y_true, y_pred)`` also gives dL/dy_pred. Predictions
are arrays (batch, ..., outputs) of float32 or float64; gradients keep their dtype. Labels have exactly the shape
of the predictions, or are integers of rank one less; nothing is ever broadcast. The loss of an empty batch is 0.
"""

from collections.abc import Callable

from ..errors import InputError
from .base import Loss
from .cross_entropy import BinaryCrossentropy, CategoricalCrossentropy, CrossEntropy, SparseCategoricalCrossentropy
from .function import FunctionLoss
from .regression import Huber, MeanAbsoluteError, MeanSquaredError, Pinball

BY_NAME: dict[str, type[Loss]] = {
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "binary_crossentropy": BinaryCrossentropy,
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
    "mean_absolute_error": MeanAbsoluteError,
    "mae": MeanAbsoluteError,
    "huber": Huber,
    "pinball": Pinball,
}


def get(loss: str | Loss | Callable) -> Loss:
    """Find a loss by its name, or make one of a function.

    Parameters
    ----------
    loss : str, Loss or callable
        A name such as "mse", for that loss with its default options; a loss, which is returned; or a function
        (y_true, y_pred) -> (values, gradient), see `FunctionLoss`.

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
    if callable(loss) and not isinstance(loss, type):
        return FunctionLoss(loss)
    raise InputError(f"loss: expected a Loss, a function or one of {', '.join(BY_NAME)}, got {loss!r}")


__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CrossEntropy",
    "FunctionLoss",
    "Huber",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "Pinball",
    "SparseCategoricalCrossentropy",
    "get",
]


def __dir__():
    return __all__
