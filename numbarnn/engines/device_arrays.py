"""Arrays on a GPU, as far as those must know them who check arguments. Without such an array nothing here imports CUDA.

`device="cuda"` takes anything with `__cuda_array_interface__` (PyTorch, CuPy, numba-cuda) and gives back arrays that
have it too.
"""

import numpy as np

from .on_device import is_on_device


def as_array(value):
    """A NumPy array, or a `DeviceArray` over the memory of one on the device."""
    if not is_on_device(value):
        return np.asarray(value)
    from .cuda.arrays import as_device

    return as_device(value)


def swap_time_batch(array):
    """With its first two axes exchanged, over the same memory."""
    if not is_on_device(array):
        return np.swapaxes(array, 0, 1)
    return as_array(array).swap_time_batch()


def with_zeros(x, valid):
    """x with zeros in the steps that are not valid."""
    if not is_on_device(x):
        return np.where(valid.reshape(valid.shape + (1,) * (x.ndim - 2)), x, x.dtype.type(0))
    from .cuda.arrays import with_zeros

    return with_zeros(x, valid)
