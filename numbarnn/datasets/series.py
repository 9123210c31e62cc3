"""Time series, and windows cut out of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, checked
from ..utils.types import Seed


@checked
def sine_mixture(n: int = 800, stop: float = 30.0) -> np.ndarray:
    """Compute the series sin(t)/3 + 2 sin(5t) at equally spaced times.

    Parameters
    ----------
    n : int, default 800
        Number of times.
    stop : float, default 30.0
        Last time; the first is 0.

    Returns
    -------
    array (n,)
        Values, float64.

    Raises
    ------
    InputError
        ``n`` is below 0.
    """
    if n < 0:
        raise InputError(f"sine_mixture: expected n of at least 0, got {n}")
    t = np.linspace(0.0, stop, n)
    return np.sin(t) / 3.0 + 2.0 * np.sin(5.0 * t)


@checked
def make_windows(
    series: ArrayLike, n: int, *, stride: int | None = None, count: int | None = None, rng: Seed = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Cut windows out of a series and, as their targets, the same windows one step later.

    Parameters
    ----------
    series : array_like
        Values (L,) or (L, F), L > n.
    n : int
        Number of steps of a window.
    stride : int, optional
        Number of steps between the starts of windows; by default `n`, so that they do not overlap.
    count : int, optional
        Number of windows at random places instead.
    rng : Generator or int, default 0
        Random numbers, or a seed for them.

    Returns
    -------
    x, y : array (windows, n, F)
        Windows and targets of the dtype of `series`, F = 1 for a series (L,); y[:, t] follows x[:, t].

    Raises
    ------
    InputError
        The series is too short, a number is out of its range, or both `stride` and `count` are given.
    """
    series = np.asarray(series)
    if series.ndim not in (1, 2) or n < 1 or len(series) <= n:
        raise InputError(f"make_windows: expected a series (L,) or (L, F) with L > n = {n} >= 1, got {series.shape}")
    if stride is not None and count is not None:
        raise InputError(f"make_windows: expected stride or count, got both: {stride} and {count}")
    stride = n if stride is None else stride
    if stride < 1 or (count is not None and count < 0):
        raise InputError(f"make_windows: expected stride >= 1 and count >= 0, got {stride} and {count}")
    last_start = len(series) - n - 1
    if count is None:
        starts = np.arange(0, last_start + 1, stride)
    else:
        starts = np.random.default_rng(rng).integers(0, last_start, count, endpoint=True)
    columns = series.reshape(len(series), -1)
    steps = starts[:, None] + np.arange(n)
    return columns[steps], columns[steps + 1]
