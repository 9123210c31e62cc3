"""What a training asks of its communicator, and the answers where there is one process."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from ..utils.types import Arrays


class Sums:
    """Sums of named arrays over all processes."""

    def __init__(self):
        self.found: Arrays = {}

    def add(self, arrays: Arrays) -> None:
        """Begin to add up arrays, of the same names and shapes and in the same order in all processes."""
        self.found |= arrays

    def results(self) -> Arrays:
        """Return the sums of all arrays, when they are there."""
        return self.found


class Alone:
    """One process: it has all rows, and what it would share it has."""

    rank = 0
    size = 1

    def sum(self, array: np.ndarray) -> np.ndarray:
        """Add up the arrays of all processes, in place."""
        return array

    def sum_by_name(self, arrays: Arrays) -> Arrays:
        """Add up the arrays of all processes by their names, which are the same in all."""
        return arrays

    def sums(self) -> Sums:
        """Return what adds up arrays of all processes, each as soon as it is there."""
        return Sums()

    def join(self, array: np.ndarray) -> np.ndarray:
        """Put the rows of all processes behind one another."""
        return array

    def share(self, value: Any) -> Any:
        """Return the value that the first process has."""
        return value

    def is_due(self, step: int) -> bool:
        """Say whether parameters are to be compared after this many steps."""
        return False

    def expect_same(self, what: str, digest: bytes) -> None:
        """Raise `RuntimeError` unless all processes have the same digest."""

    def guard(self) -> AbstractContextManager[None]:
        """Return a context in which an error of one process ends all."""
        return nullcontext()
