"""Device memory that is used again once nobody looks at it: the driver's own takes long, and waits for the GPU when it
is given back.

All work is on one stream, so what was asked of the GPU before a piece came back is done before it is used again.
"""

import math
import threading

import numpy as np

from ...runtime.workspace import rounded
from .device_array import DeviceArray
from .target import allocate, release, zero_bytes

KEEP = 4 << 30  # bytes of free pieces that are kept

_free = {}  # size: addresses
_lock = threading.RLock()  # memory may come back while the pool is at work, in the same thread
_kept = 0


class Lease:
    """Memory for an array, until the last array over it is gone.

    It holds a number and no object: what finalises garbage in cycles finalises all of it, also what lives on.
    """

    __slots__ = ("address", "size")

    def __init__(self, size):
        self.size = size
        self.address = take(size)

    def __del__(self):
        global _kept
        if not hasattr(self, "address"):
            return
        with _lock:
            if _kept + self.size <= KEEP:
                _free.setdefault(self.size, []).append(self.address)
                _kept += self.size
            else:
                release(self.address)


def take(size):
    """The address of free memory, or of new."""
    global _kept
    with _lock:
        if _free.get(size):
            _kept -= size
            return _free[size].pop()
    try:
        return allocate(size)
    except MemoryError:  # there may be no memory but for free pieces
        clear()
        return allocate(size)


def clear():
    """Give all free memory back to the driver."""
    global _kept
    with _lock:
        for addresses in _free.values():
            while addresses:
                release(addresses.pop())
        _kept = 0


def empty(shape, dtype):
    """A device array; contents are whatever was there."""
    dtype = np.dtype(dtype)
    lease = Lease(rounded(max(math.prod(shape), 1) * dtype.itemsize))  # the driver gives no memory of no size
    return DeviceArray(lease.address, shape, dtype, lease)


def zeros(shape, dtype):
    return zero(empty(shape, dtype))


def zero(array):
    """A contiguous device array, now full of zeros."""
    if array.size:
        zero_bytes(array.address, array.nbytes)
    return array


def nothing(axes, dtype):
    """A device array without elements."""
    return DeviceArray(0, (0,) + (1,) * (axes - 1), np.dtype(dtype), None)
