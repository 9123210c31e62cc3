"""Dual numbers: arrays with their derivatives along many directions at once, for forward-mode differentiation.

The functions of `autograd.numpy`, in which the references are written, hand them to NumPy, and NumPy to `Dual`. It has
the rules of what the references use, and shares none with autograd.
"""

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from scipy.special import erf, expit

SLOPES = {  # ufunc of one argument: derivative, from the value y and the argument x
    np.negative: lambda y, x: np.full_like(x, -1.0),
    np.tanh: lambda y, x: 1 - y * y,
    np.exp: lambda y, x: y,
    np.expm1: lambda y, x: y + 1,
    np.sqrt: lambda y, x: 0.5 / y,
    expit: lambda y, x: y * (1 - y),
    erf: lambda y, x: 2 / np.sqrt(np.pi) * np.exp(-x * x),
}
BILINEAR = (np.multiply, np.matmul)
COMPARISONS = (np.greater, np.greater_equal, np.less, np.less_equal)


class Dual(NDArrayOperatorsMixin):
    """value (...), and `along` (directions, ...): its derivative along each."""

    def __init__(self, value, along):
        self.value, self.along = value, along

    @property
    def shape(self):
        return self.value.shape

    def __len__(self):
        return len(self.value)

    def __getitem__(self, key):
        keys = key if isinstance(key, tuple) else (key,)
        return Dual(self.value[key], self.along[(slice(None), *keys)])

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        if method != "__call__" or options:
            return NotImplemented
        values = [value_of(a) for a in inputs]
        y = ufunc(*values)
        if ufunc in COMPARISONS:
            return y
        along = lambda i: along_of(inputs[i], y.ndim)  # noqa: E731
        if ufunc in SLOPES:
            return Dual(y, SLOPES[ufunc](y, values[0]) * along(0))
        if ufunc in BILINEAR:
            given = [i for i in (0, 1) if isinstance(inputs[i], Dual)]
            parts = [ufunc(along(0), values[1]) if i == 0 else ufunc(values[0], along(1)) for i in given]
            return Dual(y, np.broadcast_to(sum(parts), (parts[0].shape[0], *y.shape)))
        if ufunc in (np.add, np.subtract):
            return Dual(y, along(0) + (1 if ufunc is np.add else -1) * along(1) + np.zeros(y.shape))
        if ufunc is np.divide:
            return Dual(y, (along(0) - y * along(1)) / values[1])
        if ufunc is np.logaddexp:
            return Dual(y, sum(np.exp(values[i] - y) * along(i) for i in (0, 1)))
        if ufunc is np.power:  # the exponent is a number
            return Dual(y, values[1] * values[0] ** (values[1] - 1) * along(0))
        return NotImplemented

    def __array_function__(self, function, types, args, kwargs):
        return FUNCTIONS[function](*args, **kwargs) if function in FUNCTIONS else NotImplemented

    def view(self, kind):
        """The same: `autograd.numpy.concatenate` asks for it."""
        return self


def value_of(a):
    return a.value if isinstance(a, Dual) else a


def along_of(a, rank=0):
    """Derivatives (directions, ...) with axes in front, so that the array has this rank; zero of a constant."""
    if not isinstance(a, Dual):
        return 0.0
    return a.along.reshape(len(a.along), *(1,) * (rank - a.value.ndim), *a.value.shape)


def behind(axis):
    """The place of an axis of the value among those of the derivatives."""
    return axis + 1 if axis >= 0 else axis


def concatenate(arrays, axis=0):
    values, count = [value_of(a) for a in arrays], next(len(a.along) for a in arrays if isinstance(a, Dual))
    alongs = [a.along if isinstance(a, Dual) else np.zeros((count, *np.shape(a))) for a in arrays]
    return Dual(np.concatenate(values, axis), np.concatenate(alongs, behind(axis)))


def split(a, parts, axis=0):
    values, alongs = np.split(a.value, parts, axis), np.split(a.along, parts, behind(axis))
    return [Dual(*pair) for pair in zip(values, alongs, strict=True)]


def where(condition, a, b):
    y = np.where(condition, value_of(a), value_of(b))
    return Dual(y, np.where(condition, along_of(a, y.ndim), along_of(b, y.ndim)))


def mean(a, axis, keepdims):
    return Dual(np.mean(a.value, axis, keepdims=keepdims), np.mean(a.along, behind(axis), keepdims=keepdims))


def ravel(a):
    return Dual(a.value.ravel(), a.along.reshape(len(a.along), -1))


FUNCTIONS = {np.concatenate: concatenate, np.split: split, np.where: where, np.mean: mean, np.ravel: ravel}
