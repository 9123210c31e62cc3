"""What the sets of images share."""

import numpy as np

from .files import check_float


def scaled(name, pixels, largest, dtype):
    """Bytes from 0 to `largest` as numbers from 0 to 1."""
    return np.divide(pixels, largest, dtype=check_float(name, dtype))
