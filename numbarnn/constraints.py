"""Constraints: functions ``w -> array`` that a model applies to a parameter after each update.

Norms are taken along ``axis``; that of a kernel's column, the weights into one unit, is the default. Source: Keras.
"""

import math

import numpy as np

from .errors import Checked, InputError

EPSILON = 1e-7  # added to norms that something is divided by


class Constraint(Checked):
    """A constraint; subclasses define ``__call__(w)``, which leaves w as it is."""

    def __call__(self, w):
        raise NotImplementedError

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in vars(self).items())})"


class NonNeg(Constraint):
    """Negative weights become 0."""

    def __init__(self):
        """No options."""

    def __call__(self, w):
        return np.maximum(w, w.dtype.type(0))


class MinMaxNorm(Constraint):
    """Norms outside [min_value, max_value] move there, by the share ``rate`` of the way."""

    def __init__(self, min_value=0.0, max_value=1.0, rate=1.0, axis=0):
        self.min_value = self._number("min_value", min_value, math.inf)
        self.max_value = self._number("max_value", max_value, math.inf)
        self.rate = self._number("rate", rate, 1)
        self.axis = axis
        if self.min_value > self.max_value:
            raise InputError(f"{type(self).__name__}: expected min_value up to max_value, got {min_value}, {max_value}")

    def __call__(self, w):
        norms = np.sqrt(np.square(w).sum(axis=self.axis, keepdims=True))
        wanted = self.rate * np.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (wanted / (EPSILON + norms))

    def _number(self, name, value, most):
        good = isinstance(value, int | float | np.number) and not isinstance(value, bool) and 0 <= value <= most
        if not good:
            raise InputError(f"{type(self).__name__}: expected {name} from 0 to {most}, got {value!r}")
        return float(value)


class MaxNorm(MinMaxNorm):
    """Norms above max_value become max_value (Srivastava et al. 2014)."""

    def __init__(self, max_value=2, axis=0):
        super().__init__(max_value=max_value, axis=axis)


class UnitNorm(MinMaxNorm):
    """Norms become 1."""

    def __init__(self, axis=0):
        super().__init__(min_value=1, max_value=1, axis=axis)


BY_NAME = {"max_norm": MaxNorm(), "non_neg": NonNeg(), "unit_norm": UnitNorm(), "min_max_norm": MinMaxNorm()}


def get(constraint):
    """The constraint of that name with its default options, ``constraint`` itself when it is callable, or None."""
    if constraint is None or callable(constraint):
        return constraint
    if isinstance(constraint, str) and constraint in BY_NAME:
        return BY_NAME[constraint]
    raise InputError(f"constraint: expected a callable or one of {', '.join(BY_NAME)}, got {constraint!r}")
