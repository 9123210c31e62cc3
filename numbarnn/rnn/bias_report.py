"""Measure how far truncated BPTT is from the full gradient, for a run of any cell."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError
from .run import Run
from .truncation import check_truncate

ALL = "all parameters"
ROW = "{:>14}  {:<32} {:>14} {:>10}"


class Bias(NamedTuple):
    """The bias of truncated BPTT for one pair (k1, k2), by parameter and for "all parameters" as one vector.

    Attributes
    ----------
    truncate : tuple of int
        The pair (k1, k2).
    relative_error : dict of str to float
        ``|g' - g| / |g|``, with the truncated gradient g' and the gradient g of full BPTT; NaN if g is zero.
    cosine : dict of str to float
        Cosine of the angle between g' and g; NaN if either is zero.
    """

    truncate: tuple[int, int]
    relative_error: dict[str, float]
    cosine: dict[str, float]


class TruncationBias(tuple[Bias, ...]):
    """A `Bias` for each pair (k1, k2); prints as a table."""

    def __str__(self):
        lines = [ROW.format("truncate", "parameter", "relative error", "cosine")]
        for bias in self:
            for name, error in bias.relative_error.items():
                lines.append(ROW.format(str(bias.truncate), name, f"{error:.2e}", f"{bias.cosine[name]:.4f}"))
        return "\n".join(lines)


def truncation_bias(
    run: Run,
    d_outputs: ArrayLike | None = None,
    d_state: Any = None,
    *,
    truncates: Iterable[tuple[int, int]] | None = None,
    loss_scope: str = "new",
) -> TruncationBias:
    """Compare the gradient of truncated BPTT with that of full BPTT.

    Parameters
    ----------
    run : Run
        The result of `forward`.
    d_outputs : ndarray, optional
        Gradient of the loss with respect to the outputs, of their shape and dtype; None: zero.
    d_state : State of (ndarray or None), optional
        Gradient of the loss with respect to the final state, nested like it; None: zero.
    truncates : iterable of (k1, k2), optional
        The truncations of `Run.backward` to measure; by default (k, k) for k = 1, 2, 4, ... below the number of steps.
    loss_scope : {"new", "window"}
        As in `Run.backward`. With "window" losses count several times, so the gradient is longer too.

    Returns
    -------
    TruncationBias
        A tuple with a `Bias` for each pair: relative error and cosine for each parameter and for all of them.

    Raises
    ------
    InputError
        If a gradient does not fit the run, a pair is not k2 >= k1 > 0, or there are no pairs.

    References
    ----------
    Williams and Peng 1990, "An efficient gradient-based algorithm for on-line training of recurrent network
    trajectories"; Tallec and Ollivier 2017, "Unbiasing truncated backpropagation through time".

    Examples
    --------
    >>> import numpy as np
    >>> import numbarnn as nr
    >>> cell = nr.GRUCell(5)
    >>> run = nr.forward(cell, cell.init_params(3), np.ones((2, 8, 3), "float32"))
    >>> bias = nr.truncation_bias(run, np.ones_like(run.outputs), truncates=[(1, 1), (2, 4), (8, 8)])
    >>> [b.truncate for b in bias]
    [(1, 1), (2, 4), (8, 8)]
    >>> bias[2].relative_error["all parameters"]
    0.0
    """
    steps = run.outputs.shape[0 if run.time_major else 1]
    if truncates is None:
        truncates = [(1 << i, 1 << i) for i in range(max(0, steps - 1).bit_length())]
    truncates = [check_truncate("truncation_bias", pair, loss_scope) for pair in truncates]
    if not truncates:
        raise InputError(f"truncation_bias: expected truncates to be pairs (k1, k2), got none for {steps} steps")
    full = as_vectors(run.backward(d_outputs, d_state).params)
    found = []
    for truncate in truncates:
        cut = as_vectors(run.backward(d_outputs, d_state, truncate=truncate, loss_scope=loss_scope).params)
        pairs = {name: (cut[name], g) for name, g in full.items()}
        errors = {name: ratio(norm(a - g), norm(g)) for name, (a, g) in pairs.items()}
        cosines = {name: ratio(float(a @ g), norm(a) * norm(g)) for name, (a, g) in pairs.items()}
        found.append(Bias(truncate, errors, cosines))
    return TruncationBias(found)


def as_vectors(gradients: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Flatten each gradient to a vector of float64, and add all of them as one vector."""
    vectors = {name: np.ravel(g).astype(np.float64) for name, g in gradients.items()}
    return vectors | {ALL: np.concatenate([*vectors.values()])}


def norm(vector: np.ndarray) -> float:
    """Return the Euclidean norm."""
    return float(np.linalg.norm(vector))


def ratio(a: float, b: float) -> float:
    """Return a / b, NaN if b is zero."""
    return a / b if b else np.nan
