"""The mathematics of cells: one name for SIMD vectors and floats (compiled) and for NumPy arrays (plain Python).

Each primitive (constant, sqrt, exp, expm1, log1p, tanh, sigmoid, normal_cdf, absolute, where_less, straight_through)
has a form for each of them; everything else is written once in terms of the primitives. Constants come from `constant`,
`one` and `zero`: a compiled `1 - x` with a float32 x would be float64.
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


def log1p(x):
    """Compute log(1 + x), for 0 <= x <= 1 only."""
    return np.log1p(x)


def tanh(x):
    """Compute the hyperbolic tangent of x."""
    return np.tanh(x)


def sigmoid(x):
    """Compute the logistic function 1 / (1 + exp(-x))."""
    # exp may be infinite, which gives the zero that is right; with tanh all digits of small values would be lost
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def normal_cdf(x):
    """Compute the distribution function of the standard normal distribution."""
    from scipy.special import ndtr  # here: it takes long to import

    return x.normal_cdf() if hasattr(x, "normal_cdf") else ndtr(x)


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
# log1p(x) = 2 s + s^3 p(s^2) with s = x / (2 + x) <= 1/3; half the sum of atanh's series.
LOG1P = {
    types.float32: (0.23224329224, 0.21706575801, 0.28592357994, 0.39999706332, 0.66666667321),
    types.float64: (
        *(0.1616404561194353222, 0.08800738486144673882, 0.1200107280959071254, 0.1331414420965493615),
        *(0.153855700649586231, 0.1818178943613285817, 0.2222222271742786299, 0.2857142856710875716),
        *(0.4000000000001458267, 0.6666666666666665856),
    ),
}
# normal_cdf(-x) = exp(-x^2 / 2) p(x / (x + 4)) for 0 <= x <= FARTHEST, where it is zero.
NORMAL_CDF = {
    types.float32: (
        *(0.0072658990315, -0.065155266918, 0.16692374208, -0.10722290003, -0.17211249482, 0.094832246934),
        *(0.87369780387, -2.1067138286, 2.4042397959, -1.5957692971, 0.50000000057),
    ),
    types.float64: (
        *(0.000182955572767947516, -0.003462106643830171537, 0.02348375886111956169, -0.08646486995306995859),
        *(0.2027534941136329573, -0.3305643024699066263, 0.3979047576139918834, -0.3677612490286450176),
        *(0.2639421528340791649, -0.1486583369242955156, 0.07163118273608044618, -0.02513291195768765648),
        *(-0.002698400336031821571, -0.0130301335161281503, 0.0183989148509099106, 0.05393763871034997963),
        *(-0.02438313370596849877, -0.2090876598979086727, 0.105159330498648081, 0.8719249320054962745),
        *(-2.106537770153871624, 2.404230878394080728, -1.595769121605729816, 0.4999999999999999993),
    ),
}
FARTHEST = {types.float32: 14.5, types.float64: 39.0}


def _polynomial(coefficients):
    """Make `p(x, square)`, the polynomial of these coefficients, highest power first; `square` is x * x."""
    first, rest = coefficients[: 2 - len(coefficients) % 2], coefficients[2 - len(coefficients) % 2 :]
    rest = tuple(zip(rest[::2], rest[1::2], strict=True))
    if len(first) == 1:
        highest = register_jitable(lambda x: splat(x, first[0]))
    else:
        highest = register_jitable(lambda x: x * first[0] + first[1])

    @register_jitable
    def polynomial(x, square):
        p = highest(x)
        # Horner's rule in x^2, with pairs of coefficients: half as long a chain of dependent operations
        for odd, even in rest:
            p = p * square + (x * odd + even)
        return p

    return polynomial


def _typed(dtype, numbers):
    """Return the numbers in a type."""
    return tuple((np.float32 if dtype == types.float32 else np.float64)(number) for number in numbers)


def _split_exp(x):
    """Split exp(x) = 2^n (1 + e) into (shifted, e): n is in the low bits of `shifted`, e is accurate if x is small."""


@overload(_split_exp)
def _(x):
    shift, p = SHIFT[x.dtype], _polynomial(_typed(x.dtype, EXPM1[x.dtype]))

    def split_exp(x):
        shifted = x * LOG2_E + shift
        n = shifted - shift
        r = x - n * LN2_HIGH - n * LN2_LOW
        square = r * r
        return shifted, square * p(r, square) + r

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


def _vector_log1p(dtype):
    p = _polynomial(_typed(dtype, LOG1P[dtype]))

    def vector_log1p(x):
        s = x / (x + 2.0)
        square = s * s
        return s * 2.0 + s * square * p(square, square * square)

    return vector_log1p


def _vector_normal_cdf(dtype):
    p, most = _polynomial(_typed(dtype, NORMAL_CDF[dtype])), FARTHEST[dtype]

    def vector_normal_cdf(x):
        size = fabs(x)
        size = where_less(splat(x, most), size, splat(x, most), size)
        t = size / (size + 4.0)
        tail = exp(size * size * -0.5) * p(t, t * t)
        return where_less(x, zero(x), tail, one(x) - tail)

    return vector_normal_cdf


_vector_or(absolute, lambda x: abs(x), lambda dtype: lambda x: fabs(x))
_vector_or(sqrt, lambda x: math.sqrt(x), lambda dtype: lambda x: square_root(x))
_vector_or(exp, lambda x: math.exp(x), _vector_exp)
_vector_or(expm1, lambda x: math.expm1(x), _vector_expm1)
_vector_or(log1p, lambda x: math.log1p(x), _vector_log1p)
_vector_or(tanh, lambda x: math.tanh(x), _vector_tanh)
_vector_or(sigmoid, lambda x: one(x) / (one(x) + math.exp(-x)), _vector_sigmoid)
_vector_or(normal_cdf, lambda x: constant(x, 0.5) * math.erfc(-x * constant(x, math.sqrt(0.5))), _vector_normal_cdf)


@register_jitable
def one(x):
    """Return 1 in the type of x."""
    return constant(x, 1.0)


@register_jitable
def zero(x):
    """Return 0 in the type of x."""
    return constant(x, 0.0)


# Activations. Some have a derivative `d_...`, a function of the activation's value y, which is kept anyway; all others
# are differentiated operation by operation. Parameters are Python numbers.
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
def hard_sigmoid_keras2(x, alpha=0.2, beta=0.5):
    """Compute clip(alpha x + beta, 0, 1), as TensorFlow 1, Keras 2 and ONNX do."""
    return clip(constant(x, alpha) * x + constant(x, beta), zero(x), one(x))


@register_jitable
def d_hard_sigmoid_keras2(y, alpha=0.2, beta=0.5):
    """Return the derivative of hard_sigmoid_keras2."""
    return d_clip(y, constant(y, alpha))


@register_jitable
def hard_sigmoid(x):
    """Compute clip(x / 6 + 0.5, 0, 1), as Keras 3 and PyTorch do."""
    return clip(x / constant(x, 6.0) + constant(x, 0.5), zero(x), one(x))


@register_jitable
def d_hard_sigmoid(y):
    """Return the derivative of hard_sigmoid."""
    return d_clip(y, one(y) / constant(y, 6.0))


@register_jitable
def sparse_sigmoid(x):
    """Compute clip(0.5 x + 0.5, 0, 1)."""
    return clip(constant(x, 0.5) * x + constant(x, 0.5), zero(x), one(x))


@register_jitable
def d_sparse_sigmoid(y):
    """Return the derivative of sparse_sigmoid."""
    return d_clip(y, constant(y, 0.5))


@register_jitable
def relu6(x):
    """Compute clip(x, 0, 6)."""
    return clip(x, zero(x), constant(x, 6.0))


@register_jitable
def hard_tanh(x):
    """Compute clip(x, -1, 1)."""
    return clip(x, -one(x), one(x))


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
def elu(x, alpha=1.0):
    """Compute x where x > 0, and alpha (exp(x) - 1) elsewhere."""
    return where_less(zero(x), x, x, constant(x, alpha) * expm1(where_less(zero(x), x, zero(x), x)))


@register_jitable
def d_elu(y, alpha=1.0):
    """Return the derivative of elu, 1 where y > 0 and y + alpha elsewhere; alpha is not negative."""
    return where_less(zero(y), y, one(y), y + constant(y, alpha))


@register_jitable
def celu(x, alpha=1.0):
    """Compute x where x > 0, and alpha (exp(x / alpha) - 1) elsewhere (Barron 2017)."""
    a = constant(x, alpha)
    return where_less(zero(x), x, x, a * expm1(where_less(zero(x), x, zero(x), x) / a))


@register_jitable
def d_celu(y, alpha=1.0):
    """Return the derivative of celu, 1 where y > 0 and y / alpha + 1 elsewhere; alpha is positive."""
    return where_less(zero(y), y, one(y), y / constant(y, alpha) + one(y))


# the fixed point of mean 0 and variance 1 (Klambauer et al. 2017)
SELU_SCALE, SELU_ALPHA = 1.0507009873554804934, 1.6732632423543772848


@register_jitable
def selu(x):
    """Compute 1.0507 x where x > 0, and 1.0507 * 1.6733 (exp(x) - 1) elsewhere."""
    return constant(x, SELU_SCALE) * elu(x, SELU_ALPHA)


@register_jitable
def d_selu(y):
    """Return the derivative of selu, 1.0507 where y > 0 and y + 1.0507 * 1.6733 elsewhere."""
    return where_less(zero(y), y, constant(y, SELU_SCALE), y + constant(y, SELU_SCALE * SELU_ALPHA))


@register_jitable
def leaky_relu(x, negative_slope=0.2):
    """Compute x where x > 0, and negative_slope x elsewhere; its default is that of TensorFlow and Keras."""
    return where_less(zero(x), x, x, constant(x, negative_slope) * x)


@register_jitable
def d_leaky_relu(y, negative_slope=0.2):
    """Return the derivative of leaky_relu, 1 where y > 0 and negative_slope, which is not negative, elsewhere."""
    return where_less(zero(y), y, one(y), constant(y, negative_slope))


@register_jitable
def softplus(x):
    """Compute log(1 + exp(x))."""
    return relu(x) + log1p(exp(where_less(zero(x), x, -x, x)))


@register_jitable
def d_softplus(y):
    """Return the derivative of softplus, 1 - exp(-y)."""
    return -expm1(-y)


@register_jitable
def log_sigmoid(x):
    """Compute log(sigmoid(x))."""
    return -softplus(-x)


@register_jitable
def d_log_sigmoid(y):
    """Return the derivative of log_sigmoid, 1 - exp(y)."""
    return -expm1(y)


@register_jitable
def squareplus(x, b=4.0):
    """Compute (x + sqrt(x^2 + b)) / 2 (Barron 2021)."""
    size = absolute(x)
    # beyond, the square may be infinite, and b is lost in it
    root = where_less(constant(x, 1e9 * math.sqrt(b)), size, size, sqrt(x * x + constant(x, b)))
    y = constant(x, 0.5) * size + constant(x, 0.5) * root
    # where x < 0 the sum would lose digits; the values of x and -x have the product b / 4
    return where_less(x, zero(x), constant(x, 0.25 * b) / y, y)


@register_jitable
def d_squareplus(y, b=4.0):
    """Return the derivative of squareplus, 1 / (1 + b / (4 y^2))."""
    return one(y) / (one(y) + constant(y, 0.25 * b) / (y * y))


@register_jitable
def silu(x):
    """Compute x sigmoid(x), also known as swish (Elfwing et al. 2018)."""
    return x * sigmoid(x)


@register_jitable
def hard_silu(x):
    """Compute x hard_sigmoid(x), also known as hard swish (Howard et al. 2019)."""
    return x * hard_sigmoid(x)


@register_jitable
def gelu(x):
    """Compute x times the normal distribution function of x (Hendrycks and Gimpel 2016)."""
    return x * normal_cdf(x)


@register_jitable
def gelu_tanh(x):
    """Compute gelu's approximation 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))."""
    # (1 + tanh(u)) / 2 is sigmoid(2 u), which keeps its digits where tanh is close to -1
    return x * sigmoid(constant(x, math.sqrt(8 / math.pi)) * (x + constant(x, 0.044715) * (x * x * x)))


@register_jitable
def mish(x):
    """Compute x tanh(softplus(x)) (Misra 2019)."""
    return x * tanh(softplus(x))


@register_jitable
def tanh_shrink(x):
    """Compute x - tanh(x)."""
    return x - tanh(x)


@register_jitable
def hard_shrink(x, threshold=0.5):
    """Compute x where |x| > threshold, and 0 elsewhere."""
    return where_less(constant(x, threshold), absolute(x), x, zero(x))


@register_jitable
def soft_shrink(x, threshold=0.5):
    """Compute x, made smaller in size by the threshold, and 0 where |x| is not above it."""
    t = constant(x, threshold)
    return where_less(t, x, x - t, where_less(x, -t, x + t, zero(x)))


@register_jitable
def sparse_plus(x):
    """Compute 0 where x <= -1, (x + 1)^2 / 4 up to x = 1, and x from there on."""
    m = relu(x + one(x))
    return where_less(x, one(x), constant(x, 0.25) * (m * m), x)


@register_jitable
def threshold(x, threshold, default_value):
    """Compute x where x > threshold, and default_value elsewhere."""
    return where_less(constant(x, threshold), x, x, constant(x, default_value))


@register_jitable
def thresholded_relu(x, alpha=1.0):
    """Compute x where x > alpha, and 0 elsewhere."""
    return where_less(constant(x, alpha), x, x, zero(x))


@register_jitable
def affine(x, alpha, beta):
    """Compute alpha x + beta."""
    return constant(x, alpha) * x + constant(x, beta)


@register_jitable
def scaled_tanh(x, alpha, beta):
    """Compute alpha tanh(beta x)."""
    return constant(x, alpha) * tanh(constant(x, beta) * x)


# by name: the function, with its default parameters, and its derivative as a function of its value, if it has one
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
    "celu": (celu, d_celu),
    "selu": (selu, d_selu),
    "softplus": (softplus, d_softplus),
    "log_sigmoid": (log_sigmoid, d_log_sigmoid),
    "squareplus": (squareplus, d_squareplus),
    "sparse_sigmoid": (sparse_sigmoid, d_sparse_sigmoid),
    "exponential": (exp, None),
    "silu": (silu, None),
    "hard_silu": (hard_silu, None),
    "gelu": (gelu, None),
    "gelu_tanh": (gelu_tanh, None),
    "mish": (mish, None),
    "relu6": (relu6, None),
    "hard_tanh": (hard_tanh, None),
    "tanh_shrink": (tanh_shrink, None),
    "hard_shrink": (hard_shrink, None),
    "soft_shrink": (soft_shrink, None),
    "sparse_plus": (sparse_plus, None),
}
