"""Initialisers: functions ``(shape, rng, dtype="float32") -> array``.

``rng`` is a ``numpy.random.Generator`` or an integer seed. Values are drawn in float64 and then rounded, so one seed
gives the same weights in float32 and float64. An initialiser sees the packed matrix with all gates side by side,
as Keras and TensorFlow 1 have it: fan_out of an LSTM's kernel is 4 H.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from .errors import InputError, is_integer
from .utils.config import Configured
from .utils.types import Seed

# A normal distribution cut at two standard deviations keeps this share of its standard deviation.
TRUNCATED_STDDEV = 0.87962566103423978


class Initializer(Protocol):
    """A function that makes the initial values of a parameter."""

    def __call__(self, shape: tuple[int, ...], rng: Any, dtype: DTypeLike, /) -> np.ndarray:
        """Make initial values.

        Parameters
        ----------
        shape : tuple of int
            Shape of the parameter.
        rng : Generator or int
            Random numbers, or a seed for them.
        dtype : dtype
            float32 or float64.

        Returns
        -------
        array
            Values of ``shape`` and ``dtype``.
        """
        ...


def zeros(shape: tuple[int, ...], rng: Seed | None = None, dtype: DTypeLike = "float32") -> np.ndarray:
    """Fill with zeros.

    Parameters
    ----------
    shape : tuple of int
        Any shape.
    rng : object, optional
        Not used.
    dtype : dtype, optional
        float32 or float64.

    Returns
    -------
    array
        Values of ``shape`` and ``dtype``.
    """
    return np.zeros(shape, dtype)


def ones(shape: tuple[int, ...], rng: Seed | None = None, dtype: DTypeLike = "float32") -> np.ndarray:
    """Fill with ones.

    Parameters
    ----------
    shape : tuple of int
        Any shape.
    rng : object, optional
        Not used.
    dtype : dtype, optional
        float32 or float64.

    Returns
    -------
    array
        Values of ``shape`` and ``dtype``.
    """
    return np.ones(shape, dtype)


@dataclass(frozen=True, eq=False)
class Constant(Configured):
    """An initialiser that fills the array with ``value``.

    Parameters
    ----------
    value : array_like
        A number, or values that broadcast to the shape.

    Raises
    ------
    InputError
        The value is no number or array of numbers; a call raises it for a shape to which it does not broadcast.
    """

    value: ArrayLike

    def __post_init__(self):
        expect_numbers("constant", value=self.value)

    def __call__(self, shape: tuple[int, ...], rng: Any = None, dtype: DTypeLike = "float32") -> np.ndarray:
        try:
            return np.broadcast_to(np.asarray(self.value), shape).astype(dtype)
        except ValueError:
            expected, got = f"the shape of a parameter, here {tuple(shape)}", np.shape(self.value)
            raise InputError(f"constant: expected values that broadcast to {expected}, got {got}") from None


def identity(
    shape: tuple[int, ...], rng: Seed | None = None, dtype: DTypeLike = "float32", gain: float = 1.0
) -> np.ndarray:
    """Make a multiple of the identity matrix, such as the recurrent matrix of a ReLU network.

    Parameters
    ----------
    shape : (rows, columns)
        Shape of a matrix.
    rng : object, optional
        Not used.
    dtype : dtype, optional
        float32 or float64.
    gain : float, optional
        Factor of all values.

    Returns
    -------
    array
        Values of ``shape`` and ``dtype``.

    Raises
    ------
    InputError
        ``shape`` is not that of a matrix.

    References
    ----------
    Le, Jaitly, Hinton (2015), "A simple way to initialize recurrent networks of rectified linear units".
    """
    rows, columns = _matrix_shape("identity", shape)
    expect_numbers("identity", gain=gain)
    return (gain * np.eye(rows, columns)).astype(dtype)


@dataclass(frozen=True, eq=False)
class Uniform(Configured):
    """An initialiser that draws from the uniform distribution U(low, high).

    Parameters
    ----------
    low, high : float, optional
        Limits of the values.

    Raises
    ------
    InputError
        They are no finite numbers in this order.
    """

    low: float | np.ndarray = -0.05
    high: float | np.ndarray = 0.05

    def __post_init__(self):
        expect_numbers("uniform", low=self.low, high=self.high)
        if np.any(np.asarray(self.low) > np.asarray(self.high)):
            raise InputError(f"uniform: expected low up to high, got {self.low}, {self.high}")

    def __call__(self, shape: tuple[int, ...], rng: Any, dtype: DTypeLike = "float32") -> np.ndarray:
        return np.random.default_rng(rng).uniform(self.low, self.high, shape).astype(dtype)


@dataclass(frozen=True, eq=False)
class Normal(Configured):
    """An initialiser that draws from the normal distribution N(mean, stddev^2).

    Parameters
    ----------
    mean, stddev : float, optional
        Mean and standard deviation of the values.

    Raises
    ------
    InputError
        They are no finite numbers, or ``stddev`` is below 0.
    """

    mean: float | np.ndarray = 0.0
    stddev: float | np.ndarray = 0.05

    caller: ClassVar[str] = "normal"

    def __post_init__(self):
        expect_numbers(self.caller, mean=self.mean, stddev=self.stddev)
        if np.any(np.asarray(self.stddev) < 0):
            raise InputError(f"{self.caller}: expected stddev of at least 0, got {self.stddev}")

    def __call__(self, shape: tuple[int, ...], rng: Any, dtype: DTypeLike = "float32") -> np.ndarray:
        return np.random.default_rng(rng).normal(self.mean, self.stddev, shape).astype(dtype)


@dataclass(frozen=True, eq=False)
class TruncatedNormal(Normal):
    """An initialiser that draws from N(mean, stddev^2), cut at two standard deviations.

    Parameters
    ----------
    mean, stddev : float, optional
        Mean and standard deviation of the values before the cut; 0.88 of the standard deviation are left.

    Raises
    ------
    InputError
        They are no finite numbers, or ``stddev`` is below 0.
    """

    caller: ClassVar[str] = "truncated_normal"

    def __call__(self, shape: tuple[int, ...], rng: Any, dtype: DTypeLike = "float32") -> np.ndarray:
        return (self.mean + self.stddev * _cut_normal(shape, rng)).astype(dtype)


@dataclass(frozen=True, eq=False)
class VarianceScaling(Configured):
    """An initialiser that draws values of mean zero and of variance scale / n.

    Parameters
    ----------
    scale : float, default 1.0
        A positive number.
    mode : {"fan_in", "fan_out", "fan_avg"}, default "fan_in"
        What n is: rows of the matrix, columns, or the mean of both.
    distribution : {"truncated_normal", "untruncated_normal", "uniform"}, default "truncated_normal"
        The distribution; the first one is a normal distribution cut at two standard deviations.

    Raises
    ------
    InputError
        The scale is not positive, or there is no mode or distribution of this name.
    """

    scale: float = 1.0
    mode: str = "fan_in"
    distribution: str = "truncated_normal"

    def __post_init__(self):
        if self.scale <= 0:
            raise InputError(f"variance_scaling: expected scale to be a positive number, got {self.scale!r}")
        for option, names in ("mode", MODES), ("distribution", DISTRIBUTIONS):
            value = getattr(self, option)
            if value not in names:
                raise InputError(f"variance_scaling: expected {option} to be one of {', '.join(names)}, got {value!r}")

    def __call__(self, shape: tuple[int, ...], rng: Any, dtype: DTypeLike = "float32") -> np.ndarray:
        variance = self.scale / MODES[self.mode](*_fans("variance_scaling", shape))
        return DISTRIBUTIONS[self.distribution](variance, shape, rng, dtype)


# Keras has both names, too
constant, uniform, normal = Constant, Uniform, Normal
truncated_normal, variance_scaling = TruncatedNormal, VarianceScaling


def torch_uniform(units: int) -> Initializer:
    """Make PyTorch's initialiser of recurrent layers: U(-1/sqrt(units), 1/sqrt(units)) for matrices and biases.

    Parameters
    ----------
    units : int
        Width of the hidden state.

    Returns
    -------
    Initializer
        The initialiser.
    """
    if not is_integer(units) or units < 1:
        raise InputError(f"torch_uniform: expected units to be a positive integer, got {units!r}")
    bound = 1.0 / math.sqrt(units)
    return Uniform(-bound, bound)


def glorot_uniform(shape: tuple[int, ...], rng: Seed, dtype: DTypeLike = "float32") -> np.ndarray:
    """Draw from U(-l, l) with l = sqrt(6 / (fan_in + fan_out)).

    Parameters
    ----------
    shape : (fan_in, fan_out) or (n,)
        Shape of a matrix or a vector; both fans of a vector are n, as in TensorFlow.
    rng : Generator or int
        Random numbers, or a seed for them.
    dtype : dtype, optional
        float32 or float64.

    Returns
    -------
    array
        Values of ``shape`` and ``dtype``.

    Raises
    ------
    InputError
        ``shape`` is not that of a vector or a matrix.

    References
    ----------
    Glorot, Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks".
    """
    fan_in, fan_out = _fans("glorot_uniform", shape)
    return _uniform_with_variance(2.0 / (fan_in + fan_out), shape, rng, dtype)


def glorot_normal(shape: tuple[int, ...], rng: Seed, dtype: DTypeLike = "float32") -> np.ndarray:
    """Draw from a normal distribution of variance 2 / (fan_in + fan_out), cut at two standard deviations.

    Parameters
    ----------
    shape : (fan_in, fan_out) or (n,)
        Shape of a matrix or a vector; both fans of a vector are n, as in TensorFlow.
    rng : Generator or int
        Random numbers, or a seed for them.
    dtype : dtype, optional
        float32 or float64.

    Returns
    -------
    array
        Values of ``shape`` and ``dtype``.

    Raises
    ------
    InputError
        ``shape`` is not that of a vector or a matrix.

    References
    ----------
    Glorot, Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks".
    """
    fan_in, fan_out = _fans("glorot_normal", shape)
    return _truncated_normal_with_variance(2.0 / (fan_in + fan_out), shape, rng, dtype)


def he_uniform(shape: tuple[int, ...], rng: Seed, dtype: DTypeLike = "float32") -> np.ndarray:
    """Draw from U(-l, l) with l = sqrt(6 / fan_in).

    Parameters
    ----------
    shape : (fan_in, fan_out) or (n,)
        Shape of a matrix or a vector; both fans of a vector are n, as in TensorFlow.
    rng : Generator or int
        Random numbers, or a seed for them.
    dtype : dtype, optional
        float32 or float64.

    Returns
    -------
    array
        Values of ``shape`` and ``dtype``.

    Raises
    ------
    InputError
        ``shape`` is not that of a vector or a matrix.

    References
    ----------
    He, Zhang, Ren, Sun (2015), "Delving deep into rectifiers".
    """
    fan_in, _ = _fans("he_uniform", shape)
    return _uniform_with_variance(2.0 / fan_in, shape, rng, dtype)


def he_normal(shape: tuple[int, ...], rng: Seed, dtype: DTypeLike = "float32") -> np.ndarray:
    """Draw from a normal distribution of variance 2 / fan_in, cut at two standard deviations.

    Parameters
    ----------
    shape : (fan_in, fan_out) or (n,)
        Shape of a matrix or a vector; both fans of a vector are n, as in TensorFlow.
    rng : Generator or int
        Random numbers, or a seed for them.
    dtype : dtype, optional
        float32 or float64.

    Returns
    -------
    array
        Values of ``shape`` and ``dtype``.

    Raises
    ------
    InputError
        ``shape`` is not that of a vector or a matrix.

    References
    ----------
    He, Zhang, Ren, Sun (2015), "Delving deep into rectifiers".
    """
    fan_in, _ = _fans("he_normal", shape)
    return _truncated_normal_with_variance(2.0 / fan_in, shape, rng, dtype)


def lecun_normal(shape: tuple[int, ...], rng: Seed, dtype: DTypeLike = "float32") -> np.ndarray:
    """Draw from a normal distribution of variance 1 / fan_in, cut at two standard deviations.

    Parameters
    ----------
    shape : (fan_in, fan_out) or (n,)
        Shape of a matrix or a vector; both fans of a vector are n, as in TensorFlow.
    rng : Generator or int
        Random numbers, or a seed for them.
    dtype : dtype, optional
        float32 or float64.

    Returns
    -------
    array
        Values of ``shape`` and ``dtype``.

    Raises
    ------
    InputError
        ``shape`` is not that of a vector or a matrix.

    References
    ----------
    LeCun, Bottou, Orr, Müller (1998), "Efficient backprop".
    """
    fan_in, _ = _fans("lecun_normal", shape)
    return _truncated_normal_with_variance(1.0 / fan_in, shape, rng, dtype)


def lecun_uniform(shape: tuple[int, ...], rng: Seed, dtype: DTypeLike = "float32") -> np.ndarray:
    """Draw from U(-l, l) with l = sqrt(3 / fan_in).

    Parameters
    ----------
    shape : (fan_in, fan_out) or (n,)
        Shape of a matrix or a vector; both fans of a vector are n, as in TensorFlow.
    rng : Generator or int
        Random numbers, or a seed for them.
    dtype : dtype, optional
        float32 or float64.

    Returns
    -------
    array
        Values of ``shape`` and ``dtype``.

    Raises
    ------
    InputError
        ``shape`` is not that of a vector or a matrix.

    References
    ----------
    LeCun, Bottou, Orr, Müller (1998), "Efficient backprop".
    """
    fan_in, _ = _fans("lecun_uniform", shape)
    return _uniform_with_variance(1.0 / fan_in, shape, rng, dtype)


def orthogonal(shape: tuple[int, ...], rng: Seed, dtype: DTypeLike = "float32", gain: float = 1.0) -> np.ndarray:
    """Draw a random matrix with orthonormal rows or columns, whichever are fewer.

    Parameters
    ----------
    shape : (rows, columns)
        Shape of a matrix.
    rng : Generator or int
        Random numbers, or a seed for them.
    dtype : dtype, optional
        float32 or float64.
    gain : float, optional
        Factor of all values.

    Returns
    -------
    array
        Values of ``shape`` and ``dtype``.

    Raises
    ------
    InputError
        ``shape`` is not that of a matrix.

    References
    ----------
    Saxe, McClelland, Ganguli (2014), "Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks".
    """
    rows, columns = _matrix_shape("orthogonal", shape)
    expect_numbers("orthogonal", gain=gain)
    tall = np.random.default_rng(rng).standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(tall)
    # without this, Q is not uniformly distributed
    q *= np.where(np.diagonal(r) < 0.0, -1.0, 1.0)
    return np.ascontiguousarray(gain * (q if rows >= columns else q.T), dtype)


def draw(caller: str, initializer: Initializer, shape: tuple[int, ...], rng: Any, dtype: DTypeLike) -> np.ndarray:
    """Make initial values in an array of their own; raise `InputError` unless they are numbers of this shape."""
    drawn: Any = initializer(shape, rng, dtype)
    values = np.asarray(drawn)
    if values.shape != tuple(shape) or values.dtype.kind not in "iuf":
        got = f"{values.dtype} of shape {values.shape}"
        raise InputError(f"{caller}: expected initial values that are numbers of shape {tuple(shape)}, got {got}")
    return np.array(values, dtype, order="C")


def expect_numbers(caller: str, **options: ArrayLike) -> None:
    """Raise `InputError` unless all of these are finite numbers, or arrays of such numbers."""
    for name, value in options.items():
        numbers = np.asarray(value)
        if numbers.dtype.kind not in "iuf" or not np.isfinite(numbers).all():
            raise InputError(f"{caller}: expected {name} to be a finite number, got {value!r}")


def _fans(name, shape):
    """Give (fan_in, fan_out): rows and columns of a matrix; both are the length of a vector, as in TensorFlow."""
    if len(shape) not in (1, 2):
        raise InputError(f"{name}: expected the shape of a vector or a matrix, got {tuple(shape)}")
    return max(1, shape[0]), max(1, shape[-1])


def _matrix_shape(name, shape):
    if len(shape) != 2:
        raise InputError(f"{name}: expected the shape of a matrix, got {tuple(shape)}")
    return shape


def _uniform_with_variance(variance, shape, rng, dtype):
    bound = math.sqrt(3.0 * variance)
    return np.random.default_rng(rng).uniform(-bound, bound, shape).astype(dtype)


def _truncated_normal_with_variance(variance, shape, rng, dtype):
    return (math.sqrt(variance) / TRUNCATED_STDDEV * _cut_normal(shape, rng)).astype(dtype)


def _cut_normal(shape, rng):
    """Draw from the standard normal distribution, cut at two standard deviations."""
    rng = np.random.default_rng(rng)
    values = rng.standard_normal(shape)
    while (outside := np.abs(values) > 2.0).any():
        values[outside] = rng.standard_normal(np.count_nonzero(outside))
    return values


def _normal_with_variance(variance, shape, rng, dtype):
    return normal(0.0, math.sqrt(variance))(shape, rng, dtype)


MODES = {"fan_in": lambda fan_in, _: fan_in, "fan_out": lambda _, out: out, "fan_avg": lambda n, out: (n + out) / 2}
DISTRIBUTIONS = {
    "truncated_normal": _truncated_normal_with_variance,
    "untruncated_normal": _normal_with_variance,
    "uniform": _uniform_with_variance,
}

BY_NAME: dict[str, Initializer] = {
    "zeros": zeros,
    "ones": ones,
    "identity": identity,
    "uniform": Uniform(),
    "normal": Normal(),
    "random_uniform": Uniform(),
    "random_normal": Normal(),
    "truncated_normal": TruncatedNormal(),
    "variance_scaling": VarianceScaling(),
    "glorot_uniform": glorot_uniform,
    "glorot_normal": glorot_normal,
    "he_uniform": he_uniform,
    "he_normal": he_normal,
    "lecun_normal": lecun_normal,
    "lecun_uniform": lecun_uniform,
    "orthogonal": orthogonal,
}


def get(initializer: str | Initializer | np.ndarray) -> Initializer:
    """Find an initialiser by its name.

    Parameters
    ----------
    initializer : str, Initializer or array
        A name such as "glorot_uniform" or "GlorotUniform", or an initialiser, which is returned; an array stands for
        its values. ``constant(value)`` and ``torch_uniform(units)`` need their argument and so have no name here.

    Returns
    -------
    Initializer
        The initialiser.

    Raises
    ------
    InputError
        There is none of that name, or it cannot be called.
    """
    if callable(initializer):
        return initializer
    if isinstance(initializer, np.ndarray):
        return Constant(initializer)
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", initializer).lower() if isinstance(initializer, str) else None
    if name in BY_NAME:
        return BY_NAME[name]
    raise InputError(f"initializer: expected a callable or one of {', '.join(BY_NAME)}, got {initializer!r}")


__all__ = [
    "Constant",
    "Initializer",
    "Normal",
    "TruncatedNormal",
    "Uniform",
    "VarianceScaling",
    "constant",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "ones",
    "orthogonal",
    "torch_uniform",
    "truncated_normal",
    "uniform",
    "variance_scaling",
    "zeros",
]


def __dir__():
    return __all__
