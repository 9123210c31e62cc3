"""Vector functions over arrays, to measure what kernels compute for each number."""

import ctypes
import functools

import numpy as np
from numba import types

from ... import maths
from ...runtime.arrays import address, name_of
from ...runtime.compile import compiled
from ...runtime.memory import lanes, load_part, pointer, store_part
from ...runtime.simd import INTP, Static


@functools.cache
def kernel(name, dtype):
    """Compile a function of `maths` for arrays: f(address of arguments, address of results, count)."""
    function, real = getattr(maths, name), Static(dtype)

    def elementwise(arguments, results, count):
        x, y = pointer(real, arguments), pointer(real, results)
        for i in range(0, count, lanes(x)):
            store_part(y, i, count - i, function(load_part(x, i, count - i)))

    address = compiled(types.void(*[INTP] * 3), elementwise)
    return ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 3)(address)


def elementwise(name, array):
    """Apply the SIMD form of a function of `maths` to a float32 or float64 array."""
    array = np.ascontiguousarray(array)
    result = np.empty_like(array)
    kernel(name, name_of(array.dtype))(address(array), address(result), array.size)
    return result
