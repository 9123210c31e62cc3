"""Constraints: functions ``w -> array`` that a model applies to a parameter after each update.

Norms are taken along ``axis``; that of a kernel's column, the weights into one unit, is the default. Source: Keras.
"""

import math
from collections.abc import Callable

import numpy as np

from .errors import InputError, is_integer, is_number
from .utils.config import Configured

# added to norms that something is divided by
EPSILON = 1e-7


class Constraint(Configured):
    """Base class of constraints; subclasses define ``__call__``."""

    def __call__(self, w: np.ndarray) -> np.ndarray:
        """Compute the nearest allowed value.

        Parameters
        ----------
        w : array
            A parameter, which stays as it is.

        Returns
        -------
        array
            Values of the shape and dtype of ``w``.
        """
        raise NotImplementedError

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in vars(self).items())})"


class NonNeg(Constraint):
    """Negative weights become 0."""

    def __init__(self):
        """Make the constraint; it has no options."""

    def __call__(self, w: np.ndarray) -> np.ndarray:
        return np.maximum(w, w.dtype.type(0))


class MinMaxNorm(Constraint):
    """Norms outside an interval move towards it.

    Parameters
    ----------
    min_value, max_value : float, optional
        The interval, limits of at least 0.
    rate : float, optional
        Share of the way that a norm moves, from 0 to 1.
    axis : int or tuple of int, optional
        Axes along which norms are taken.

    Raises
    ------
    InputError
        An option is out of its range.
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float | np.floating = 1.0,
        rate: float = 1.0,
        axis: int | tuple[int, ...] = 0,
    ):
        self.min_value = self._number("min_value", min_value, math.inf)
        self.max_value = self._number("max_value", max_value, math.inf)
        self.rate = self._number("rate", rate, 1)
        if not all(map(is_integer, axis if isinstance(axis, tuple | list) else (axis,))):
            raise InputError(f"{type(self).__name__}: expected axis to be an integer or a tuple of them, got {axis!r}")
        self.axis = tuple(axis) if isinstance(axis, list) else axis
        if self.min_value > self.max_value:
            raise InputError(f"{type(self).__name__}: expected min_value up to max_value, got {min_value}, {max_value}")

    def __call__(self, w: np.ndarray) -> np.ndarray:
        norms = np.sqrt(np.square(w).sum(axis=self.axis, keepdims=True))
        wanted = self.rate * np.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (wanted / (EPSILON + norms))

    def _number(self, name, value, most):
        if not is_number(value, finite=False) or not 0 <= value <= most:
            raise InputError(f"{type(self).__name__}: expected {name} from 0 to {most}, got {value!r}")
        return float(value)


class MaxNorm(MinMaxNorm):
    """Norms above a limit become the limit.

    Parameters
    ----------
    max_value : float, optional
        The limit.
    axis : int or tuple of int, optional
        Axes along which norms are taken.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov (2014), "Dropout: a simple way to prevent neural networks
    from overfitting".
    """

    def __init__(self, max_value: float | np.floating = 2, axis: int | tuple[int, ...] = 0):
        super().__init__(max_value=max_value, axis=axis)


class UnitNorm(MinMaxNorm):
    """Norms become 1.

    Parameters
    ----------
    axis : int or tuple of int, optional
        Axes along which norms are taken.
    """

    def __init__(self, axis: int | tuple[int, ...] = 0):
        super().__init__(min_value=1, max_value=1, axis=axis)


BY_NAME = {"max_norm": MaxNorm(), "non_neg": NonNeg(), "unit_norm": UnitNorm(), "min_max_norm": MinMaxNorm()}


def get(constraint: str | Callable[[np.ndarray], np.ndarray] | None) -> Callable[[np.ndarray], np.ndarray] | None:
    """Find a constraint by its name.

    Parameters
    ----------
    constraint : str, callable or None
        "max_norm", "non_neg", "unit_norm" or "min_max_norm", each with its default options; or what is returned as it
        is: a function of an array that returns an array of the same shape, or None.

    Returns
    -------
    callable or None
        The constraint.

    Raises
    ------
    InputError
        There is none of that name.
    """
    if constraint is None or callable(constraint):
        return constraint
    if isinstance(constraint, str) and constraint in BY_NAME:
        return BY_NAME[constraint]
    raise InputError(f"constraint: expected a callable or one of {', '.join(BY_NAME)}, got {constraint!r}")


__all__ = ["Constraint", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "get"]


def __dir__():
    return __all__
