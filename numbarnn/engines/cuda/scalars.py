"""Float32 forms of sigmoid and tanh for the GPU: no branches, and no division but the reciprocal that the GPU has.

exp stays NVIDIA's, which is as short. They are off by 3 units in the last place at most; results that are no normal
numbers may be zero. Compiled kernels find them under the names in `maths`; of float64 the forms there are used.
"""

import math

import numpy as np
from numba.core import types
from numba.extending import register_jitable

from ... import maths
from .target import SIMULATOR, power_of_two, reciprocal

ONE, TWO = np.float32(1), np.float32(2)
TO_POWER = np.float32(2 / math.log(2))  # exp(2 x) = 2 ** (TO_POWER * x)
SMALL = np.float32(0.6)
P = (-0.0058951552, 0.02079597, -0.05378383, 0.13331924, -0.33333298)  # below it tanh(x) = x + x^3 p(x^2), near-minimax
P = tuple(map(np.float32, P))


@register_jitable
def sigmoid(x):
    return reciprocal(ONE + maths.exp(-x))


@register_jitable
def tanh(x):
    size, square = maths.absolute(x), x * x
    p = (((P[0] * square + P[1]) * square + P[2]) * square + P[3]) * square + P[4]
    large = ONE - TWO * reciprocal(power_of_two(TO_POWER * size) + ONE)
    return x + x * (square * p) if size < SMALL else math.copysign(large, x)


if not SIMULATOR:
    from numba.cuda.extending import overload

    @overload(maths.sigmoid, target="cuda")
    def _(x):
        return (lambda x: sigmoid(x)) if x == types.float32 else None

    @overload(maths.tanh, target="cuda")
    def _(x):
        return (lambda x: tanh(x)) if x == types.float32 else None
