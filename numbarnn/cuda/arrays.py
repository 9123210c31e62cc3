"""Arrays on the device.

Anything with `__cuda_array_interface__` (PyTorch, CuPy, numba-cuda) is used where it lies; NumPy arrays are copied.
What a pass gives back lives where its x lives.
"""

import functools

import numpy as np
from numba.extending import register_jitable

from ..device_arrays import is_on_device
from ..maths import zero
from .memory import empty
from .target import SIMULATOR, cuda, kernel

THREADS = 256  # of a block at most
# The simulator pays for each thread, and its threads quarrel over shared arrays.
FEWEST_THREADS, MOST_THREADS, MOST_BLOCKS = (1, 1, 1) if SIMULATOR else (32, THREADS, 1 << 16)


def as_device(value):
    """An array of numba-cuda over the memory of a device array; a copy of a NumPy array."""
    if not is_on_device(value):
        return cuda.to_device(np.ascontiguousarray(value))
    return value if hasattr(value, "__cuda_ndarray__") else cuda.as_cuda_array(value)


def contiguous(array):
    """A device array with its last axis fastest: this one, or a copy."""
    if array.is_c_contiguous():
        return array
    if array.ndim != 3:
        return as_device(to_host(array))
    result = empty(tuple(array.shape), array.dtype)
    launch(copy, array.size, array, result)
    return result


def zeros(shape, dtype):
    array = empty(shape, dtype)
    if array.size:
        launch(clear, array.size, array.reshape(array.size))
    return array


def turned(array):
    """The array with its first two axes exchanged, over the same memory."""
    if SIMULATOR:
        return type(array)(array._ary.swapaxes(0, 1))
    (a, b, *shape), (i, j, *strides) = array.shape, array.strides
    return type(array)((b, a, *shape), (j, i, *strides), array.dtype, gpu_data=array.gpu_data)


def address(array):
    return array.ctypes.data if SIMULATOR else array.device_ctypes_pointer.value or 0


def to_host(array):
    return array.copy_to_host()


def put(value, to, t):
    """A NumPy or device array (B, n) at time t of (T, B, n); zeros for None."""
    given = value is not None
    value = as_device(value) if given else to[t]
    launch(put_rows, to.shape[1] * to.shape[2], value, given, to, t)


def put_rows(value, given, to, t):
    n = to.shape[2]
    for i in everyone(to.shape[1] * n):
        to[t, i // n, i % n] = value[i // n, i % n] if given else zero(to[t, i // n, i % n])


def with_zeros(x, valid):
    """A copy of x (T, B, I) with zeros in the steps that are not valid (T, B)."""
    result = empty(tuple(x.shape), x.dtype)
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


def clear(array):
    for i in everyone(array.size):
        array[i] = 0


@register_jitable
def everyone(count):
    """This thread's share of `count` numbers."""
    return range(cuda.grid(1), count, cuda.gridsize(1))


@functools.cache
def compiled(function):
    return kernel(function)


def threads_for(count):
    """Threads of a block for `count` numbers side by side, a power of two."""
    return min(MOST_THREADS, max(1 << max(count - 1, 0).bit_length(), FEWEST_THREADS))


def launch(function, count, *arguments):
    """Run a kernel whose threads share `count` numbers."""
    threads = threads_for(count)
    compiled(function)[min(-(-count // threads), MOST_BLOCKS), threads](*arguments)
