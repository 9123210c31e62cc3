"""The mathematics of cells: one name for SIMD vectors and floats (compiled) and for NumPy arrays (plain Python).

Each primitive (constant, sqrt, exp, expm1, tanh, sigmoid, absolute, where_less, straight_through) has a form for each
of them; everything else is written once in terms of the primitives. Constants come from `constant`, `one` and `zero`: a
compiled `1 - x` with a float32 x would be float64.
"""

import math

import numpy as np
from numba import types
from numba.extending import overload, register_jitable

from .runtime.simd import Vector, copysign, fabs, power_of_two, select_less, splat, square_root


def constant(x, value):
    """Return `value` in the type of x."""
    return value  # a Python number: NumPy keeps the type of x


def where_less(a, b, x, y):
    """Select x where a < b, and y elsewhere (also where a or b is NaN)."""
    return np.where(a < b, x, y)


def straight_through(x, y):
    """Return y, with the derivative of x: the straight-through estimator (Bengio, Leonard, Courville 2013)."""
    return x.straight_through(y) if hasattr(x, "straight_through") else y


def absolute(x):
    """Compute |x|."""
    return np.abs(x)


def sqrt(x):
    """Compute the square root of x."""
    return np.sqrt(x)


def exp(x):
    """Compute e^x."""
    return np.exp(x)


def expm1(x):
    """Compute exp(x) - 1, for x <= 0 only."""
    return np.expm1(x)


def tanh(x):
    """Compute the hyperbolic tangent of x."""
    return np.tanh(x)


def sigmoid(x):
    """Compute the logistic function 1 / (1 + exp(-x))."""
    return 0.5 * (np.tanh(0.5 * x) + 1)  # stable on both sides


# Range reduction (Cody and Waite): exp(x) = 2^n (1 + e) with e = expm1(r), |r| <= ln(2)/2. n * LN2_HIGH is exact, with
# and without fma. expm1(r) = r + r*r*p(r) with a near-minimax polynomial p (mpmath.chebyfit), highest power first.
LN2_HIGH, LN2_LOW = 0.693359375, -2.121944400546905827679e-4
LOG2_E = 1.4426950408889634
EXPM1 = {
    types.float32: (
        *(0.001392621346633244304, 0.008363202971575854947, 0.0416665544376859389),
        *(0.1666657684599397631, 0.5),
    ),
    types.float64: (
        *(2.510042415700506678e-8, 2.762013871973399556e-7, 2.755726837868419287e-6, 0.00002480152119021772765),
        *(0.0001984126986310596875, 0.001388888891728179331, 0.008333333333330051346, 0.04166666666662399152),
        *(0.1666666666666666746, 0.5000000000000001026),
    ),
}
SHIFT = {types.float32: 1.5 * 2.0**23, types.float64: 1.5 * 2.0**52}  # adding it rounds to an integer
SMALLEST = {types.float32: -87.0, types.float64: -708.0}  # exp of it is still a normal number
LARGEST = {types.float32: 88.72283935546875, types.float64: 709.782712893384}  # exp of it is still finite
INFINITE = {types.float32: 89.0, types.float64: 710.0}  # 2^n of `_split_exp` is infinite here


def _split_exp(x):
    """Split exp(x) = 2^n (1 + e) into (shifted, e): n is in the low bits of `shifted`, e is accurate if x is small."""


@overload(_split_exp)
def _(x):
    scalar = np.float32 if x.dtype == types.float32 else np.float64
    shift, coefficients = SHIFT[x.dtype], tuple(scalar(c) for c in EXPM1[x.dtype])
    first, rest = coefficients[: 2 - len(coefficients) % 2], coefficients[2 - len(coefficients) % 2 :]
    rest = tuple(zip(rest[::2], rest[1::2], strict=True))
    if len(first) == 1:
        highest = register_jitable(lambda r: splat(r, first[0]))
    else:
        highest = register_jitable(lambda r: r * first[0] + first[1])

    def split_exp(x):
        shifted = x * LOG2_E + shift
        n = shifted - shift
        r = x - n * LN2_HIGH - n * LN2_LOW
        square, p = r * r, highest(r)
        for (
            odd,
            even,
        ) in rest:  # Horner's rule in r^2, with pairs of coefficients: half as long a chain of dependent operations
            p = p * square + (r * odd + even)
        return shifted, square * p + r

    return split_exp


def _vector_or(function, scalar, vector):
    """Overload `function`: `vector(dtype)` makes the form for SIMD vectors, and `scalar` is the form for floats."""

    @overload(function)
    def _(x):
        return vector(x.dtype) if isinstance(x, Vector) else scalar


@overload(constant)
def _(x, value):
    if isinstance(x, Vector):
        return lambda x, value: splat(x, value)
    return (lambda x, value: np.float32(value)) if x == types.float32 else (lambda x, value: np.float64(value))


@overload(straight_through)
def _(x, y):
    return lambda x, y: y


@overload(where_less)
def _(a, b, x, y):
    if isinstance(a, Vector):
        return lambda a, b, x, y: select_less(a, b, x, y)
    return lambda a, b, x, y: x if a < b else y


def _vector_exp(dtype):
    small, large = 2 * SMALLEST[dtype], LARGEST[dtype]

    def vector_exp(x):
        inside = where_less(x, splat(x, small), splat(x, small), where_less(splat(x, large), x, splat(x, large), x))
        up = where_less(splat(x, 0.0), inside, one(x), -one(x))  # 2^n may not be a normal number where 2^(n -+ 1) is
        shifted, e = _split_exp(where_less(inside, splat(x, small / 2), splat(x, small / 2), inside))
        scale = power_of_two(shifted - up)
        y = (scale * e + scale) * where_less(splat(x, 0.0), up, splat(x, 2.0), splat(x, 0.5))
        y = where_less(splat(x, large), x, splat(x, np.inf), y)
        return where_less(x, splat(x, small / 2), zero(x), y)

    return vector_exp


@register_jitable
def _expm1(x):
    """Compute exp(x) - 1, if exp(x) is a normal number."""
    shifted, e = _split_exp(x)
    scale = power_of_two(shifted)
    return scale * e + (scale - 1.0)


def _vector_expm1(dtype):
    small = SMALLEST[dtype]

    def vector_expm1(x):
        return _expm1(where_less(x, splat(x, small), splat(x, small), x))

    return vector_expm1


def _vector_tanh(dtype):
    one_to_rounding = 20.0  # tanh is 1 there

    def vector_tanh(x):  # m / (m + 2) with m = expm1(2 |x|); odd
        size, most = fabs(x), splat(x, one_to_rounding)
        m = _expm1(2.0 * where_less(most, size, most, size))
        return copysign(m / (m + 2.0), x)

    return vector_tanh


def _vector_sigmoid(dtype):
    low, high = -INFINITE[dtype], -SMALLEST[dtype]

    def vector_sigmoid(x):  # 1 / (1 + exp(-x))
        y = where_less(x, splat(x, low), splat(x, low), x)
        shifted, e = _split_exp(-where_less(splat(x, high), y, splat(x, high), y))
        return one(x) / ((e + 1.0) * power_of_two(shifted) + 1.0)

    return vector_sigmoid


_vector_or(absolute, lambda x: abs(x), lambda dtype: lambda x: fabs(x))
_vector_or(sqrt, lambda x: math.sqrt(x), lambda dtype: lambda x: square_root(x))
_vector_or(exp, lambda x: math.exp(x), _vector_exp)
_vector_or(expm1, lambda x: math.expm1(x), _vector_expm1)
_vector_or(tanh, lambda x: math.tanh(x), _vector_tanh)
_vector_or(sigmoid, lambda x: one(x) / (one(x) + math.exp(-x)), _vector_sigmoid)


@register_jitable
def one(x):
    """Return 1 in the type of x."""
    return constant(x, 1.0)


@register_jitable
def zero(x):
    """Return 0 in the type of x."""
    return constant(x, 0.0)


# Activations and their derivatives; a derivative `d_...` is a function of the activation's value y.
@register_jitable
def d_tanh(y):
    """Return the derivative of tanh, 1 - y^2."""
    return one(y) - y * y


@register_jitable
def d_sigmoid(y):
    """Return the derivative of sigmoid, y (1 - y)."""
    return y * (one(y) - y)


@register_jitable
def linear(x):
    """Return x."""
    return x


@register_jitable
def d_linear(y):
    """Return the derivative of linear, 1."""
    return one(y)


@register_jitable
def relu(x):
    """Compute max(x, 0)."""
    return where_less(x, zero(x), zero(x), x)


@register_jitable
def d_relu(y):
    """Return the derivative of relu, 1 where y > 0 and 0 elsewhere."""
    return where_less(zero(y), y, one(y), zero(y))


@register_jitable
def clip(x, low, high):
    """Limit x to [low, high]."""
    return where_less(x, low, low, where_less(high, x, high, x))


@register_jitable
def d_clip(y, slope):
    """Return the derivative of a line clipped to [0, 1]: its slope strictly inside, 0 elsewhere."""
    return where_less(zero(y), y, where_less(y, one(y), slope, zero(y)), zero(y))


@register_jitable
def hard_sigmoid_keras2(x):
    """Compute clip(0.2 x + 0.5, 0, 1), as TensorFlow 1, Keras 2 and ONNX do."""
    return clip(constant(x, 0.2) * x + constant(x, 0.5), zero(x), one(x))


@register_jitable
def d_hard_sigmoid_keras2(y):
    """Return the derivative of hard_sigmoid_keras2."""
    return d_clip(y, constant(y, 0.2))


@register_jitable
def hard_sigmoid(x):
    """Compute clip(x / 6 + 0.5, 0, 1), as Keras 3 and PyTorch do."""
    return clip(x / constant(x, 6.0) + constant(x, 0.5), zero(x), one(x))


@register_jitable
def d_hard_sigmoid(y):
    """Return the derivative of hard_sigmoid."""
    return d_clip(y, one(y) / constant(y, 6.0))


@register_jitable
def softsign(x):
    """Compute x / (1 + |x|)."""
    return x / (one(x) + absolute(x))


@register_jitable
def d_softsign(y):
    """Return the derivative of softsign, (1 - |y|)^2."""
    m = one(y) - absolute(y)
    return m * m


@register_jitable
def elu(x):
    """Compute x where x > 0, and exp(x) - 1 elsewhere."""
    return where_less(zero(x), x, x, expm1(where_less(zero(x), x, zero(x), x)))


@register_jitable
def d_elu(y):
    """Return the derivative of elu, 1 where y > 0 and y + 1 elsewhere."""
    return where_less(zero(y), y, one(y), y + one(y))


@register_jitable
def leaky_relu(x):
    """Compute x where x > 0, and 0.2 x elsewhere, as TensorFlow and Keras do."""
    return where_less(zero(x), x, x, constant(x, 0.2) * x)


@register_jitable
def d_leaky_relu(y):
    """Return the derivative of leaky_relu, 1 where y > 0 and 0.2 elsewhere."""
    return where_less(zero(y), y, one(y), constant(y, 0.2))


ACTIVATIONS = {
    "tanh": (tanh, d_tanh),
    "sigmoid": (sigmoid, d_sigmoid),
    "relu": (relu, d_relu),
    "linear": (linear, d_linear),
    "hard_sigmoid_keras2": (hard_sigmoid_keras2, d_hard_sigmoid_keras2),
    "hard_sigmoid": (hard_sigmoid, d_hard_sigmoid),
    "softsign": (softsign, d_softsign),
    "elu": (elu, d_elu),
    "leaky_relu": (leaky_relu, d_leaky_relu),
}
