"""A vector function over an array: the way to see what kernels compute for a number."""

import ctypes
import functools

import numpy as np
from numba import types

from .. import maths
from .compile import compiled
from .memory import lanes, load, pointer, store
from .simd import INTP, Static


@functools.cache
def kernel(name, dtype):
    """compiled(address of the input, of the output, count): count is a multiple of the lanes."""
    function, real = getattr(maths, name), Static(dtype)

    def elementwise(source, target, count):
        x, y = pointer(real, source), pointer(real, target)
        for i in range(0, count, lanes(x)):
            store(y, i, function(load(x, i)))

    return ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 3)(compiled(types.void(INTP, INTP, INTP), elementwise))


def apply(name, array):
    array = np.asarray(array)
    padded = np.zeros(-(-array.size // 16) * 16, array.dtype)
    padded[: array.size] = array.ravel()
    result = np.empty_like(padded)
    kernel(name, array.dtype.name)(padded.ctypes.data, result.ctypes.data, len(padded))
    return result[: array.size].reshape(array.shape)
