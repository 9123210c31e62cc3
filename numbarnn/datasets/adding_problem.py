"""The adding problem: two numbers to find, to remember and to add."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from ..errors import InputError, checked
from ..utils.types import Seed
from .files import check_float


@checked
def adding_problem(n: int, steps: int, rng: Seed = 0, dtype: DTypeLike = "float32") -> tuple[np.ndarray, np.ndarray]:
    """Make sequences of random numbers of which two are marked, one in each half; the target is their sum.

    A model that predicts 1 each time has a mean squared error of 1/6 = 0.167.

    Parameters
    ----------
    n : int
        Number of sequences, zero allowed.
    steps : int
        Length of the sequences, at least 2.
    rng : Generator or int, default 0
        Random numbers, or a seed for them.
    dtype : {"float32", "float64"}, default "float32"
        Dtype of the inputs.

    Returns
    -------
    x : array (n, steps, 2)
        Numbers in [0, 1) beside marks 0 or 1, of `dtype`.
    y : array (n, 1)
        Sums of the two marked numbers, of `dtype`.

    Raises
    ------
    InputError
        `n`, `steps` or `dtype` is out of its range.

    References
    ----------
    Hochreiter, Schmidhuber (1997), "Long short-term memory"; in the form of Le, Jaitly, Hinton (2015), "A simple way to
    initialize recurrent networks of rectified linear units".
    """
    if n < 0 or steps < 2:
        raise InputError(f"adding_problem: expected n >= 0 and steps >= 2, got {n} and {steps}")
    rng = np.random.default_rng(rng)
    x = np.zeros((n, steps, 2), check_float("adding_problem", dtype))
    x[:, :, 0] = rng.random((n, steps), dtype=x.dtype)
    rows = np.arange(n)
    x[rows, rng.integers(0, steps // 2, n), 1] = 1
    x[rows, rng.integers(steps // 2, steps, n), 1] = 1
    return x, (x[:, :, 0] * x[:, :, 1]).sum(axis=1, keepdims=True)
