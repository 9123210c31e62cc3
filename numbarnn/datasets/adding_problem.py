"""The adding problem: two numbers to find, to remember and to add."""

import numpy as np

from ..errors import InputError
from .files import check_float


def adding_problem(n, steps, rng=0, dtype="float32"):
    """`n` sequences of random numbers, two of them marked, one in each half; the target is the sum of these two.

    Whoever says 1 each time has a mean squared error of 1/6 = 0.167. `rng`: a seed or a Generator.

    Returns
    -------
    x, y : (n, steps, 2), numbers in [0, 1) beside marks 0 or 1, and (n, 1), of `dtype`

    Source: Hochreiter, Schmidhuber 1997, in the form of Le, Jaitly, Hinton 2015.
    """
    if n < 0 or steps < 2:
        raise InputError(f"adding_problem: expected n >= 0 and steps >= 2, got {n} and {steps}")
    rng = np.random.default_rng(rng)
    x = np.zeros((n, steps, 2), check_float("adding_problem", dtype))
    x[:, :, 0] = rng.random((n, steps), dtype=dtype)
    rows = np.arange(n)
    x[rows, rng.integers(0, steps // 2, n), 1] = 1
    x[rows, rng.integers(steps // 2, steps, n), 1] = 1
    return x, (x[:, :, 0] * x[:, :, 1]).sum(axis=1, keepdims=True)
