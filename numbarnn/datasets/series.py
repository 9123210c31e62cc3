"""Time series, and windows cut out of them."""

import numpy as np

from ..errors import InputError


def sine_mixture(n=800, stop=30.0):
    """sin(t)/3 + 2 sin(5t) at `n` equally spaced times t from 0 to `stop`: (n,) float64."""
    t = np.linspace(0.0, stop, n)
    return np.sin(t) / 3.0 + 2.0 * np.sin(5.0 * t)


def make_windows(series, n, *, stride=None, count=None, rng=0):
    """Cut windows of `n` steps and, as their targets, the same windows one step later.

    Windows start every `stride` steps (default: every `n`, so that they do not overlap), or, with `count`, at that
    many random places drawn from `rng` (a seed or a numpy Generator).

    Parameters
    ----------
    series : (L,) or (L, F), L > n

    Returns
    -------
    x, y : (W, n, F) each, of the dtype of `series`, F = 1 for a series of shape (L,); y[:, t] is what follows x[:, t]
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
