"""The functions of SIMD vectors, in units in the last place (ULP) of the exact result, over the whole range."""

import numpy as np

from numbarnn.engines.cpu.elementwise import elementwise
from numbarnn.maths import ACTIVATIONS

from .compare import DTYPES, Result

BOUND = 3.0  # ULP
COMPOSED = 4.0  # of products of two of these functions
STRIDE = {False: 1021, True: 16369}  # of a quick run or not: one in so many of the 2^32 float32 numbers
RANDOM = {False: 1_000_000, True: 50_000}  # float64 numbers: of any exponent, near 0, and where exp is finite
SATURATED = {"float32": 110.0, "float64": 750.0}  # beyond, tanh and the sigmoids are rounded to their limits


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def normal_cdf(x):
    """The series of Abramowitz and Stegun 26.2.11, all of whose terms are positive for x > 0."""
    size = np.clip(np.abs(x), 0, 12)
    term = total = size
    for k in range(3, 1000, 2):
        term = term * (size * size / k)
        if not np.any(term > total * 1e-20):
            break
        total = total + term
    share = total * np.exp(-size * size / 2) / np.sqrt(2 * np.longdouble("3.14159265358979323846264338327950288"))
    return np.where(x < -12, 0, np.longdouble(0.5) + np.where(x > 0, share, -share))


SELU = np.longdouble("1.0507009873554804934193349852946"), np.longdouble("1.6732632423543772848170429916717")
ROOT = np.sqrt(2 / np.longdouble("3.14159265358979323846264338327950288"))
TRUTH = {  # on np.longdouble
    "exp": np.exp,
    "expm1": np.expm1,
    "tanh": np.tanh,
    "sigmoid": lambda x: np.where(x > 0, 1, np.exp(-np.abs(x))) / (1 + np.exp(-np.abs(x))),
    "relu": lambda x: np.where(x <= 0, 0, x),
    "linear": lambda x: x,
    "hard_sigmoid_keras2": lambda x: np.clip(x / 5 + 0.5, 0, 1),
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "leaky_relu": lambda x: np.where(x > 0, x, x / 5),
    "log1p": np.log1p,
    "normal_cdf": normal_cdf,
    "celu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "selu": lambda x: SELU[0] * np.where(x > 0, x, SELU[1] * np.expm1(np.minimum(x, 0))),
    "softplus": softplus,
    "log_sigmoid": lambda x: -softplus(-x),
    "squareplus": lambda x: np.where(x > 0, x + np.sqrt(x * x + 4), 4 / (np.sqrt(x * x + 4) - x)) / 2,
    "sparse_sigmoid": lambda x: np.clip(x / 2 + 0.5, 0, 1),
    "exponential": np.exp,
    "silu": lambda x: x / (1 + np.exp(-x)),
    "hard_silu": lambda x: x * np.clip(x / 6 + np.longdouble(0.5), 0, 1),
    "gelu": lambda x: x * normal_cdf(x),
    "gelu_tanh": lambda x: x / 2 * (1 + np.tanh(ROOT * (x + np.longdouble("0.044715") * x * x * x))),
    "mish": lambda x: x * np.tanh(softplus(x)),
    "relu6": lambda x: np.clip(x, 0, 6),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "tanh_shrink": lambda x: x - np.tanh(x),
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
    "soft_shrink": lambda x: np.where(np.abs(x) > 0.5, x - np.copysign(np.longdouble(0.5), x), 0),
    "sparse_plus": lambda x: np.where(x <= -1, 0, np.where(x < 1, (x + 1) ** 2 / 4, x)),
}
HALVES = ("hard_sigmoid_keras2", "hard_sigmoid", "sparse_sigmoid")  # the sum with 1/2 cancels near zero
# far out, or near zero, the result is a difference or a product of almost nothing
SMALL = ("normal_cdf", "silu", "hard_silu", "gelu", "gelu_tanh", "mish", "tanh_shrink")
LEAST = dict.fromkeys(HALVES, 0.5) | dict.fromkeys(SMALL, 0.25)  # ULP of this at least
SATURATING = ("tanh", "sigmoid", *HALVES)
ODD = ("tanh", "softsign", "hard_tanh")
NOT_POSITIVE = ("expm1",)  # defined for x <= 0 only
UP_TO_ONE = ("log1p",)  # defined for 0 <= x <= 1 only
INFINITE = ("silu", "hard_silu", "gelu", "gelu_tanh", "mish", "tanh_shrink")  # infinity times zero, or less infinity
PRODUCTS = ("selu", "gelu", "mish")
SLOW = ("normal_cdf", "gelu")  # in extended precision: one in so many numbers


def results(quick=False, dtypes=DTYPES):
    """A `Result` for each function, dtype and kind of argument; errors in ULP."""
    for name in ["exp", "expm1", "log1p", "normal_cdf", *ACTIVATIONS]:
        for dtype in dtypes:
            for kind, x, bound in arguments(name, dtype, quick):
                value = elementwise("exp" if name == "exponential" else name, x)
                with np.errstate(all="ignore"):
                    error = ulp_error(value, TRUTH[name](x.astype(np.longdouble)), LEAST.get(name, 0.0))
                if kind == "signed zero" and not np.array_equal(np.signbit(value), np.signbit(x)):
                    error = np.inf
                where = (f"vector {name}", {}, dtype, "cpu", {"numbers": x.size})
                yield Result(*where, "extended precision", kind, None, error, bound)


def arguments(name, dtype, quick):
    """(what they are, arguments, bound in ULP)."""
    finite = finite_float32(STRIDE[quick]) if dtype == "float32" else finite_float64(RANDOM[quick])
    if name in NOT_POSITIVE:
        finite = finite[finite <= 0]
    if name in UP_TO_ONE:
        finite = finite[(finite >= 0) & (finite <= 1)]
    if name in SLOW:
        finite = finite[::50]
    yield "finite numbers", finite, COMPOSED if name in PRODUCTS else BOUND
    if name not in (*INFINITE, *UP_TO_ONE, "selu", "normal_cdf"):  # those of selu are no floats
        yield "infinities", np.array([-np.inf] if name in NOT_POSITIVE else [-np.inf, np.inf], dtype), 0.0
    yield "NaN", np.array([np.nan, -np.nan], dtype), 0.0
    if name in ODD:
        yield "signed zero", np.array([-0.0, 0.0], dtype), 0.0
    if name in SATURATING:
        yield "saturation", finite[np.abs(finite) > SATURATED[dtype]], 0.0


def finite_float32(stride):
    x = np.arange(0, 2**32, stride, dtype=np.uint64).astype(np.uint32).view(np.float32)
    return x[np.isfinite(x)]


def finite_float64(n):
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**64, n, dtype=np.uint64).view(np.float64)
    x = np.concatenate([bits, rng.normal(0, 2, n), rng.uniform(-750, 715, n)])
    return x[np.isfinite(x)]


def ulp_error(value, truth, least):
    """Largest error in spacings of the exact result (or of `least`, if that is larger).

    NaN must meet NaN and infinity infinity. A result below twice the smallest normal number may be flushed to zero.
    """
    rounded, tiny = truth.astype(value.dtype), np.finfo(value.dtype).tiny
    spacing = np.spacing(np.maximum(np.abs(rounded), value.dtype.type(least))).astype(np.longdouble)
    error = np.abs(value - truth) / spacing
    same = (value == rounded) | (np.isnan(value) & np.isnan(rounded))
    error = np.where(np.isfinite(rounded), error, np.where(same, 0, np.inf))
    error = np.where((np.abs(truth) < 2 * tiny) & (value == 0), 0, error)
    return float(np.where(np.isnan(error), np.inf, error).max(initial=0.0))
