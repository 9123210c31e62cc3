"""What the sets of images share."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from .files import check_float

# (x, y) to train on, to test on
Split: TypeAlias = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def scaled(name: str, pixels: np.ndarray, largest: int, dtype: DTypeLike) -> np.ndarray:
    """Scale bytes from 0 to `largest` to numbers from 0 to 1."""
    return np.divide(pixels, largest, dtype=check_float(name, dtype))
