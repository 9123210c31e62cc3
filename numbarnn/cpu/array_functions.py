"""A vector function over an array: the way to see what kernels compute for a number."""

import functools

import numpy as np
from numba.extending import register_jitable

from .. import maths
from . import apply as kernels


@functools.cache
def of_tuples(name):
    function = getattr(maths, name)

    @register_jitable
    def of_tuple(x):
        return ((function(x[0]),),)

    return of_tuple


def apply(name, array):
    array = np.asarray(array)
    row, result = array.reshape(1, -1), np.empty((1, array.size), array.dtype)
    kernels.apply(of_tuples(name), ((np.ascontiguousarray(row),),), ((result,),))
    return result.reshape(array.shape)
