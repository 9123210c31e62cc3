"""The copy problem: symbols to remember over a long pause."""

from __future__ import annotations

import numpy as np

from ..errors import InputError, checked
from ..utils.types import Seed

# the symbols to remember follow from 2
PAUSE, GO = 0, 1


@checked
def copy_problem(
    n: int, delay: int, length: int = 10, symbols: int = 8, rng: Seed = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Make sequences of random symbols to remember over a pause, and to repeat after the sign "go" in its last step.

    Symbols are 2 to `symbols` + 1; 0 is the pause, 1 is "go". Before the symbols are due the target is 0. A model that
    knows when to repeat, but not what, has a cross-entropy of length ln(symbols) / (delay + 2 length).

    Parameters
    ----------
    n : int
        Number of sequences, zero allowed.
    delay : int
        Number of steps in the pause, at least 1.
    length : int, default 10
        Number of symbols to remember, at least 1.
    symbols : int, default 8
        Number of different symbols, at least 1.
    rng : Generator or int, default 0
        Random numbers, or a seed for them.

    Returns
    -------
    x, y : array (n, delay + 2 length)
        Inputs and targets, int64.

    Raises
    ------
    InputError
        A number is out of its range.

    References
    ----------
    Hochreiter, Schmidhuber (1997), "Long short-term memory"; in the form of Arjovsky, Shah, Bengio (2016), "Unitary
    evolution recurrent neural networks".
    """
    if n < 0 or min(delay, length, symbols) < 1:
        raise InputError(
            "copy_problem: expected n >= 0, and delay, length and symbols from 1, "
            f"got {n}, {delay}, {length}, {symbols}"
        )
    remembered = np.random.default_rng(rng).integers(2, symbols + 2, (n, length))
    x = np.full((n, delay + 2 * length), PAUSE)
    y = x.copy()
    x[:, :length] = remembered
    x[:, length + delay - 1] = GO
    y[:, length + delay :] = remembered
    return x, y
