"""Some rows of a larger batch: what is drawn for them is their share of what is drawn for the whole batch."""

from typing import NamedTuple

import numpy as np


class Rows(NamedTuple):
    """``count`` rows from ``first`` on, of a batch of ``total`` rows.

    An array may have several entries for each row, one after another.
    """

    first: int
    count: int
    total: int

    def whole(self, shape: tuple[int, ...], axis: int = 0) -> tuple[int, ...]:
        """Return the shape that an array has for the whole batch."""
        each = shape[axis] // self.count if self.count else 1
        return (*shape[:axis], self.total * each, *shape[axis + 1 :])

    def own(self, array: np.ndarray, axis: int = 0) -> np.ndarray:
        """Return what belongs to these rows of an array for the whole batch; what all rows share stays."""
        if array.ndim <= axis or array.shape[axis] == 1:
            return array
        each = array.shape[axis] // max(1, self.total)
        part = slice(self.first * each, (self.first + self.count) * each)
        return np.ascontiguousarray(array[(slice(None),) * axis + (part,)])


# of a batch that is no part of another
EVERY = Rows(0, 1, 1)


class RowGenerator(np.random.Generator):
    """A random generator for some rows of a larger batch; it moves on as that of the whole batch does."""

    def __init__(self, generator: np.random.Generator, rows: Rows):
        super().__init__(generator.bit_generator)
        self.rows = rows


def rows_of(rng: object) -> Rows:
    """Return the rows that a generator is for."""
    return getattr(rng, "rows", EVERY)
