"""Recognise arrays on a GPU without importing CUDA."""

import numpy as np


def is_on_device(value):
    """Say whether a value is an array on a GPU."""
    if type(value) is np.ndarray:
        return False
    return hasattr(value, "__cuda_array_interface__") or hasattr(value, "__cuda_ndarray__")  # the simulator's has this
