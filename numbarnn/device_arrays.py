"""Arrays on a GPU, as far as those must know them who check arguments. Without such an array nothing here imports CUDA.

`device="cuda"` takes anything with `__cuda_array_interface__` (PyTorch, CuPy, numba-cuda) and gives back arrays that
have it too.
"""

import numpy as np

from .cells.base import Cell
from .errors import InputError


def is_on_device(value):
    if type(value) is np.ndarray:
        return False
    return hasattr(value, "__cuda_array_interface__") or hasattr(value, "__cuda_ndarray__")  # the simulator's has this


def check_can_stay(cell, device, arrays):
    """Raises `InputError` where one of the arrays is on a GPU and the cell must have NumPy arrays."""
    if not any(map(is_on_device, arrays)):
        return
    who, plain = type(cell).__name__, isinstance(cell, Cell)
    if not device.startswith("cuda"):
        raise InputError(f"{who}: expected NumPy arrays on device {device!r}, got one on the GPU")
    if not plain or (type(cell).unroll, type(cell).engine_params) != (Cell.unroll, Cell.engine_params):
        raise InputError(f"{who}: expected NumPy arrays, as its parts meet there; got one on the GPU")


def as_array(value):
    """A NumPy array, or a `DeviceArray` over the memory of one on the device."""
    if not is_on_device(value):
        return np.asarray(value)
    from .cuda.arrays import as_device

    return as_device(value)


def turned(array):
    """With its first two axes exchanged, over the same memory."""
    if not is_on_device(array):
        return np.swapaxes(array, 0, 1)
    return as_array(array).turned()


def with_zeros(x, valid):
    """x with zeros in the steps that are not valid."""
    if not is_on_device(x):
        return np.where(valid.reshape(valid.shape + (1,) * (x.ndim - 2)), x, x.dtype.type(0))
    from .cuda.arrays import with_zeros

    return with_zeros(x, valid)
