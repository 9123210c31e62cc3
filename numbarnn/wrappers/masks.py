"""Random masks of dropout."""

from typing import NamedTuple

from ..ops.random import chosen


class Sharing(NamedTuple):
    """Whether one mask holds for all steps, and for all rows."""

    steps: bool
    rows: bool

    def shape(self, T, B, n):
        """Of a mask for arrays (T, B, n)."""
        return 1 if self.steps else T, 1 if self.rows else B, n


def draw(rng, keep_prob, shape, dtype):
    """1 / keep_prob with probability keep_prob, else 0; the same choice in float32 and float64."""
    return chosen(rng, keep_prob, shape) * dtype.type(1 / keep_prob)


def masked(array, mask):
    """The product; either may be None."""
    return array if array is None or mask is None else array * mask
