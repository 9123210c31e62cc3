"""Random masks of dropout."""

from typing import NamedTuple

import numpy as np

from ..ops.random import bernoulli


class Sharing(NamedTuple):
    """Say whether all steps share one mask, and whether all rows do."""

    steps: bool
    rows: bool

    def shape(self, T: int, B: int, n: int) -> tuple[int, int, int]:
        """Return the shape of a mask for arrays (T, B, n)."""
        return 1 if self.steps else T, 1 if self.rows else B, n


def draw(rng: np.random.Generator, keep_prob: float, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """Draw 1 / keep_prob with probability keep_prob, else 0; the same choices in float32 and float64."""
    return bernoulli(rng, keep_prob, shape) * dtype.type(1 / keep_prob)


def apply_mask(array, mask):
    """Multiply an array by a mask; either may be None."""
    return array if array is None or mask is None else array * mask
