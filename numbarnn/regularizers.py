"""Regularisers: penalties on an array that a model adds to its loss, and their gradients.

``regularizer(w)`` is the penalty as a float, ``regularizer.gradient(w)`` its gradient in the shape and dtype of w. A
layer's ``kernel_regularizer`` and the like are penalties on parameters; its ``activity_regularizer`` is one on the
output, divided by the size of the batch (Keras 3).
"""

import numpy as np

from .errors import InputError
from .utils.config import Configured


class Regularizer(Configured):
    """Base class of penalties; subclasses define both methods."""

    def __call__(self, w: np.ndarray) -> float:
        """Compute the penalty.

        Parameters
        ----------
        w : array
            A parameter, or the output of a layer.

        Returns
        -------
        float
            The penalty.
        """
        raise NotImplementedError

    def gradient(self, w: np.ndarray) -> np.ndarray:
        """Compute the gradient of the penalty.

        Parameters
        ----------
        w : array
            A parameter, or the output of a layer.

        Returns
        -------
        array
            dpenalty/dw, of the shape and dtype of ``w``.
        """
        raise NotImplementedError


class L1L2(Regularizer):
    """Penalty l1 sum |w| + l2 sum w^2; the gradient of |w| at 0 is 0.

    Parameters
    ----------
    l1, l2 : float, optional
        Factors of at least 0.

    Raises
    ------
    InputError
        A factor is negative or no number.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        self.l1, self.l2 = self._factor("l1", l1), self._factor("l2", l2)

    def __call__(self, w: np.ndarray) -> float:
        penalty = self.l1 * np.abs(w).sum(dtype=np.float64) + self.l2 * np.square(w).sum(dtype=np.float64)
        return float(penalty)

    def gradient(self, w: np.ndarray) -> np.ndarray:
        return w.dtype.type(self.l1) * np.sign(w) + w.dtype.type(2 * self.l2) * w

    def _factor(self, name, value):
        if value < 0:
            raise InputError(f"{type(self).__name__}: expected {name} to be a number of at least 0, got {value!r}")
        return float(value)

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in vars(self).items() if value)})"


class L1(L1L2):
    """Penalty l1 sum |w|.

    Parameters
    ----------
    l1 : float, optional
        Factor of at least 0.
    """

    def __init__(self, l1: float = 0.01):
        super().__init__(l1=l1)


class L2(L1L2):
    """Penalty l2 sum w^2.

    Parameters
    ----------
    l2 : float, optional
        Factor of at least 0.
    """

    def __init__(self, l2: float = 0.01):
        super().__init__(l2=l2)


BY_NAME: dict[str, Regularizer] = {"l1": L1(), "l2": L2(), "l1_l2": L1L2(0.01, 0.01)}


def get(regularizer: str | Regularizer | None) -> Regularizer | None:
    """Find a regulariser by its name.

    Parameters
    ----------
    regularizer : str, Regularizer or None
        "l1", "l2" or "l1_l2", each with factors of 0.01; or what is returned as it is.

    Returns
    -------
    Regularizer or None
        The regulariser.

    Raises
    ------
    InputError
        There is none of that name.
    """
    if regularizer is None or isinstance(regularizer, Regularizer):
        return regularizer
    if isinstance(regularizer, str) and regularizer in BY_NAME:
        return BY_NAME[regularizer]
    raise InputError(f"regularizer: expected a Regularizer or one of {', '.join(BY_NAME)}, got {regularizer!r}")


__all__ = ["L1", "L1L2", "L2", "Regularizer", "get"]


def __dir__():
    return __all__
