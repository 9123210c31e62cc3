"""A function of one's own as a loss."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..utils.docs import inherit_parameters
from .base import Loss
from .labels import scores


@inherit_parameters
@dataclass(eq=False, repr=False)
class FunctionLoss(Loss):
    """A loss that a function computes; ``compile(loss=function)`` makes one.

    Parameters
    ----------
    function : callable
        function(y_true, y_pred) -> (values, gradient): for predictions (batch, ..., outputs) the loss of each row,
        (batch, ...), and its derivative with respect to the predictions, of their shape.
    """

    function: Callable[[Any, np.ndarray], tuple[Any, Any]]

    def terms(self, y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
        name, y_pred = getattr(self.function, "__name__", "loss"), scores("loss", y_pred)
        found = self.function(np.asarray(y_true), y_pred)
        if not isinstance(found, tuple) or len(found) != 2:
            raise InputError(f"{name}: expected a pair (values, gradient), got {type(found).__name__}")
        values, gradient = map(np.asarray, found)
        for what, array, shape in (("values", values, y_pred.shape[:-1]), ("a gradient", gradient, y_pred.shape)):
            if array.shape != shape or array.dtype.kind not in "fiub":
                expected = f"{what} of shape {shape} for predictions of shape {y_pred.shape}"
                raise InputError(f"{name}: expected {expected}, got {array.dtype} of shape {array.shape}")
        return values, gradient.astype(y_pred.dtype, copy=False)
