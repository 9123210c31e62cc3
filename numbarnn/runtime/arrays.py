"""Bring NumPy arrays into the form that kernels read."""

import ctypes
import functools

import numpy as np

HEAD = object.__basicsize__  # bytes
_pointer_at = ctypes.c_ssize_t.from_address


def address(array):
    """Return the address of the first number."""
    # It is read behind the object's head, as every extension does that is compiled for NumPy. The ways that Python
    # offers take seven times as long, and a call needs dozens of addresses.
    return _pointer_at(id(array) + HEAD).value


def readable(array):
    """Return the array, or a contiguous copy if kernels cannot step through it."""
    steps, size = array.strides, array.itemsize
    return array if steps[-1] == size and not any(s % size for s in steps) else np.ascontiguousarray(array)


def empty_like(array):
    """Return a fresh array of the layout of a readable one, through which kernels can step too."""
    # Under an axis that repeats one entry, or shares its numbers, NumPy would not put the last axis last in memory.
    fresh = np.empty_like(array)
    return fresh if fresh.strides[-1] == fresh.itemsize else np.empty(array.shape, array.dtype)


def steps(*arrays):
    """Return the outer and inner strides, in numbers, of arrays [outer, inner, width]; 0 for a missing axis."""
    return [s // array.itemsize for array in arrays for s in (0, 0, *array.strides)[-3:-1]]


@functools.cache
def name_of(dtype):
    """Return the name of a NumPy dtype, which NumPy would put together each time."""
    return dtype.name
