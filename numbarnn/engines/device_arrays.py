"""What callers of engines need to know of arrays on a GPU. CUDA is imported only if there is such an array.

`device="cuda"` accepts anything with `__cuda_array_interface__` (PyTorch, CuPy, numba-cuda), and returns arrays that
have it too.
"""

import numpy as np

from .on_device import is_on_device


def as_array(value):
    """Return a NumPy array, or a `DeviceArray` over the memory of an array on the device."""
    if not is_on_device(value):
        return np.asarray(value)
    from .cuda.arrays import as_device

    return as_device(value)


def swap_time_batch(array):
    """Return a view with the first two axes swapped."""
    if not is_on_device(array):
        return array.swapaxes(0, 1)
    return as_array(array).swap_time_batch()


def with_zeros(x, valid):
    """Return x with zeros in the steps that are not valid."""
    if not is_on_device(x):
        return np.where(valid.reshape(valid.shape + (1,) * (x.ndim - 2)), x, x.dtype.type(0))
    from .cuda.arrays import with_zeros

    return with_zeros(x, valid)
