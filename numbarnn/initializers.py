"""Initialisers: functions ``(shape, rng, dtype="float32") -> array``.

``rng`` is a ``numpy.random.Generator`` or an integer seed. Values are drawn in float64 and then rounded, so one seed
gives the same weights in float32 and float64. An initialiser sees the packed matrix with all gates side by side,
as Keras and TensorFlow 1 have it: fan_out of an LSTM's kernel is 4 H.
"""

import math

import numpy as np

from .errors import InputError

# A normal distribution cut at two standard deviations keeps this share of its standard deviation.
TRUNCATED_STDDEV = 0.87962566103423978


def zeros(shape, rng=None, dtype="float32"):
    """All zeros."""
    return np.zeros(shape, dtype)


def ones(shape, rng=None, dtype="float32"):
    """All ones."""
    return np.ones(shape, dtype)


def constant(value):
    """Make an initialiser that fills the array with ``value``."""

    def initializer(shape, rng=None, dtype="float32"):
        return np.full(shape, value, dtype)

    return initializer


def identity(shape, rng=None, dtype="float32", gain=1.0):
    """``gain`` times the identity matrix (Le, Jaitly, Hinton 2015: recurrent matrix of a ReLU network)."""
    rows, columns = _matrix_shape("identity", shape)
    return (gain * np.eye(rows, columns)).astype(dtype)


def uniform(low=-0.05, high=0.05):
    """Make an initialiser that draws from U(low, high)."""

    def initializer(shape, rng, dtype="float32"):
        return np.random.default_rng(rng).uniform(low, high, shape).astype(dtype)

    return initializer


def normal(mean=0.0, stddev=0.05):
    """Make an initialiser that draws from N(mean, stddev^2)."""

    def initializer(shape, rng, dtype="float32"):
        return np.random.default_rng(rng).normal(mean, stddev, shape).astype(dtype)

    return initializer


def torch_uniform(units):
    """Make PyTorch's initialiser of recurrent layers: U(-1/sqrt(units), 1/sqrt(units)) for matrices and biases."""
    bound = 1.0 / math.sqrt(units)
    return uniform(-bound, bound)


def glorot_uniform(shape, rng, dtype="float32"):
    """U(-l, l) with l = sqrt(6 / (fan_in + fan_out)) (Glorot, Bengio 2010)."""
    fan_in, fan_out = _fans("glorot_uniform", shape)
    return _uniform_with_variance(2.0 / (fan_in + fan_out), shape, rng, dtype)


def glorot_normal(shape, rng, dtype="float32"):
    """Normal of variance 2 / (fan_in + fan_out), cut at two standard deviations (Glorot, Bengio 2010)."""
    fan_in, fan_out = _fans("glorot_normal", shape)
    return _truncated_normal_with_variance(2.0 / (fan_in + fan_out), shape, rng, dtype)


def he_uniform(shape, rng, dtype="float32"):
    """U(-l, l) with l = sqrt(6 / fan_in) (He et al. 2015)."""
    fan_in, _ = _fans("he_uniform", shape)
    return _uniform_with_variance(2.0 / fan_in, shape, rng, dtype)


def he_normal(shape, rng, dtype="float32"):
    """Normal of variance 2 / fan_in, cut at two standard deviations (He et al. 2015)."""
    fan_in, _ = _fans("he_normal", shape)
    return _truncated_normal_with_variance(2.0 / fan_in, shape, rng, dtype)


def lecun_normal(shape, rng, dtype="float32"):
    """Normal of variance 1 / fan_in, cut at two standard deviations (LeCun et al. 1998)."""
    fan_in, _ = _fans("lecun_normal", shape)
    return _truncated_normal_with_variance(1.0 / fan_in, shape, rng, dtype)


def orthogonal(shape, rng, dtype="float32", gain=1.0):
    """Random matrix with orthonormal rows or columns, whichever are fewer, times ``gain`` (Saxe et al. 2014)."""
    rows, columns = _matrix_shape("orthogonal", shape)
    tall = np.random.default_rng(rng).standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(tall)
    q *= np.where(np.diagonal(r) < 0.0, -1.0, 1.0)  # without this, Q is not uniformly distributed
    return np.ascontiguousarray(gain * (q if rows >= columns else q.T), dtype)


def _fans(name, shape):
    """(fan_in, fan_out): rows and columns of a matrix; of a vector both are its length, as in TensorFlow."""
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
    rng = np.random.default_rng(rng)
    values = rng.standard_normal(shape)
    while (outside := np.abs(values) > 2.0).any():
        values[outside] = rng.standard_normal(np.count_nonzero(outside))
    return (math.sqrt(variance) / TRUNCATED_STDDEV * values).astype(dtype)


BY_NAME = {
    "zeros": zeros,
    "ones": ones,
    "identity": identity,
    "uniform": uniform(),
    "normal": normal(),
    "glorot_uniform": glorot_uniform,
    "glorot_normal": glorot_normal,
    "he_uniform": he_uniform,
    "he_normal": he_normal,
    "lecun_normal": lecun_normal,
    "orthogonal": orthogonal,
}


def get(initializer):
    """The initialiser of that name, or ``initializer`` itself when it is callable.

    ``constant(value)`` and ``torch_uniform(units)`` need their argument and so have no name here.
    """
    if callable(initializer):
        return initializer
    if isinstance(initializer, str) and initializer in BY_NAME:
        return BY_NAME[initializer]
    raise InputError(f"initializer: expected a callable or one of {', '.join(BY_NAME)}, got {initializer!r}")
