"""Strings of digits to read and to write back to front."""

from __future__ import annotations

import numpy as np

from ..errors import InputError, checked
from ..utils.types import Seed

# digits are 1 to 10
START, STOP = 0, 11


@checked
def reversed_digits(n: int, longest: int, rng: Seed = 0) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Make strings of random digits, and the same strings back to front with a sign for the end.

    A digit d is the token d + 1; 11 ends a target; 0 is free for the start and for padding.

    Parameters
    ----------
    n : int
        Number of strings, zero allowed.
    longest : int
        Greatest length of a string; lengths from 1 are equally likely.
    rng : Generator or int, default 0
        Random numbers, or a seed for them.

    Returns
    -------
    x : list of array (length,)
        The `n` strings, int64.
    y : list of array (length + 1,)
        Their targets, int64.

    Raises
    ------
    InputError
        A number is out of its range.
    """
    if n < 0 or longest < 1:
        raise InputError(f"reversed_digits: expected n >= 0 and longest >= 1, got {n} and {longest}")
    rng = np.random.default_rng(rng)
    strings = [rng.integers(1, 11, length) for length in rng.integers(1, longest, n, endpoint=True)]
    return strings, [np.append(string[::-1], STOP) for string in strings]
