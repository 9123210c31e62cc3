"""Arrays on the device, and kernels that do something to each of their numbers.

Anything with `__cuda_array_interface__` (PyTorch, CuPy, numba-cuda) is used where it lies; NumPy arrays are copied.
What a pass gives back lives where its x lives.
"""

import functools

import numpy as np
from numba.extending import register_jitable

from ...maths import zero
from ..on_device import is_on_device
from .device_array import DeviceArray, over, upload
from .memory import empty
from .memory import zero as clear
from .target import SIMULATOR, Kernel, copy_on_device, cuda

THREADS = 256  # of a block at most
# The simulator pays for each thread, and its threads quarrel over shared arrays.
FEWEST_THREADS, MOST_THREADS, MOST_BLOCKS = (1, 1, 1) if SIMULATOR else (32, THREADS, 1 << 16)


def as_device(value):
    """A `DeviceArray` over the memory of a device array; a copy of a NumPy array."""
    if type(value) is DeviceArray:
        return value
    if is_on_device(value):
        return over(value)
    value = np.asarray(value)
    array = empty(value.shape, value.dtype)
    upload(value, array)
    return array


def contiguous(array):
    """A device array with its last axis fastest: this one, or a copy."""
    if array.is_contiguous:
        return array
    if array.ndim != 3:
        return as_device(array.copy_to_host())
    result = empty(array.shape, array.dtype)
    launch(copy, array.size, array, result)
    return result


def put(value, to):
    """A NumPy or device array to a contiguous one of its shape; zeros for None."""
    if value is None:
        clear(to)
    elif is_on_device(value):
        copy_on_device(to.address, contiguous(as_device(value)).address, to.nbytes)
    else:
        upload(value, to)


def with_zeros(x, valid):
    """A copy of x (T, B, I) with zeros in the steps that are not valid (T, B)."""
    result = empty(x.shape, x.dtype)
    launch(copy_valid, x.size, x, as_device(valid), result)
    return result


def copy(source, to):
    B, n = source.shape[1:]
    for i in everyone(source.size):
        t, b, u = i // (B * n), i // n % B, i % n
        to[t, b, u] = source[t, b, u]


def copy_valid(source, valid, to):
    B, n = source.shape[1:]
    for i in everyone(source.size):
        t, b, u = i // (B * n), i // n % B, i % n
        to[t, b, u] = source[t, b, u] if valid[t, b] else zero(source[t, b, u])


@register_jitable
def everyone(count):
    """This thread's share of `count` numbers."""
    return range(cuda.grid(1), count, cuda.gridsize(1))


def kind(argument):
    """What a kernel must be compiled for."""
    if type(argument) is DeviceArray:
        return argument.kind
    return tuple(map(kind, argument)) if type(argument) is tuple else type(argument)


@functools.cache
def compiled(function, kinds):
    return Kernel(function, kinds)


def kernel(function, arguments):
    """The function as kernel for arguments of these kinds."""
    return compiled(function, tuple(map(kind, arguments)))


def threads_for(count):
    """Threads of a block for `count` numbers side by side, a power of two."""
    return min(MOST_THREADS, max(1 << max(count - 1, 0).bit_length(), FEWEST_THREADS))


def launch(function, count, *arguments):
    """Run a kernel whose threads share `count` numbers."""
    threads = threads_for(count)
    kernel(function, arguments).start((min(-(-count // threads), MOST_BLOCKS), 1), threads, *arguments)
