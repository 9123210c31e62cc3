"""The copy problem: symbols to remember over a long pause."""

import numpy as np

from ..errors import InputError

PAUSE, GO = 0, 1  # the symbols to remember follow from 2


def copy_problem(n, delay, length=10, symbols=8, rng=0):
    """`n` sequences: `length` random symbols, a pause of `delay` steps, whose last says "go", and as many steps to
    repeat the symbols in.

    Symbols are 2 to `symbols` + 1; 0 is the pause, 1 is "go". Until the go the target is 0. Whoever knows when to
    repeat, but not what, has a cross-entropy of length ln(symbols) / (delay + 2 length). `rng`: a seed or a Generator.

    Returns
    -------
    x, y : (n, delay + 2 length) int64 each

    Source: Hochreiter, Schmidhuber 1997, in the form of Arjovsky, Shah, Bengio 2016.
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
