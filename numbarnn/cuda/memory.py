"""Device memory that is used again once nobody looks at it: the driver's own takes long, and waits for the GPU when it
is given back.

All work is on one stream, so what was asked of the GPU before a piece came back is done before it is used again.
"""

import math
import threading

import numpy as np

from ..cpu.workspace import rounded
from .target import SIMULATOR, cuda

KEEP = 4 << 30  # bytes of free pieces that are kept

_free = {}  # size: pieces
_lock = threading.RLock()  # a piece may come back while the pool is at work, in the same thread
_kept = 0


class Lease:
    """Memory for an array, until the last array over it is gone."""

    def __init__(self, shape, dtype):
        self.size = rounded(math.prod(shape) * dtype.itemsize)
        self.piece = take(self.size)
        data = self.piece.device_ctypes_pointer.value, False
        self.__cuda_array_interface__ = {"shape": shape, "typestr": dtype.str, "data": data, "version": 3}

    def __del__(self):
        global _kept
        with _lock:
            if _kept + self.size <= KEEP:
                _free.setdefault(self.size, []).append(self.piece)
                _kept += self.size


def take(size):
    """A free piece of memory, or a new one."""
    global _kept
    with _lock:
        if _free.get(size):
            _kept -= size
            return _free[size].pop()
    try:
        return cuda.device_array(size, np.uint8)
    except cuda.cudadrv.driver.CudaAPIError:  # there may be no memory but for free pieces
        clear()
        return cuda.device_array(size, np.uint8)


def clear():
    """Give all free memory back to the driver."""
    global _kept
    with _lock:
        _free.clear()
        _kept = 0


def empty(shape, dtype):
    """A device array; contents are whatever was there."""
    if SIMULATOR:
        return cuda.device_array(shape, dtype)
    return cuda.as_cuda_array(Lease(shape, np.dtype(dtype)), sync=False)


def nothing(axes, dtype):
    """A device array without elements. It has an address all the same: numba-cuda does not hand on one that is null."""
    array = cuda.device_array((0,) + (1,) * (axes - 1), dtype)
    if not SIMULATOR:
        array.gpu_data = cuda.device_array(1, dtype).gpu_data
    return array
