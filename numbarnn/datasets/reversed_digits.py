"""Strings of digits to read and to write back to front."""

import numpy as np

from ..errors import InputError

START, STOP = 0, 11  # digits are 1 to 10


def reversed_digits(n, longest, rng=0):
    """`n` strings of 1 to `longest` random digits, and the same back to front with a sign for the end.

    A digit d is the token d + 1; 11 ends a target; 0 is free for the start and for padding. `rng`: a seed or a
    Generator.

    Returns
    -------
    x, y : lists of n arrays (length,) and (length + 1,) int64
    """
    if n < 0 or longest < 1:
        raise InputError(f"reversed_digits: expected n >= 0 and longest >= 1, got {n} and {longest}")
    rng = np.random.default_rng(rng)
    strings = [rng.integers(1, 11, length) for length in rng.integers(1, longest, n, endpoint=True)]
    return strings, [np.append(string[::-1], STOP) for string in strings]
