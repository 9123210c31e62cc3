"""How far truncated BPTT is from the whole gradient, for a run of a cell, plain or composite, at hand."""

from typing import NamedTuple

import numpy as np

from ..errors import InputError
from .truncation import check_truncate

ALL = "all parameters"
ROW = "{:>14}  {:<32} {:>14} {:>10}"


class Bias(NamedTuple):
    """Of one ``truncate`` (k1, k2), by parameter and for "all parameters" as one vector: |g' - g| / |g| and the cosine
    of the angle between the truncated gradient g' and that of full BPTT, g; NaN where g is zero."""

    truncate: tuple
    relative_error: dict
    cosine: dict


class TruncationBias(tuple):
    """A `Bias` for each ``truncate``; as text, a table."""

    def __str__(self):
        lines = [ROW.format("truncate", "parameter", "relative error", "cosine")]
        for bias in self:
            for name, error in bias.relative_error.items():
                lines.append(ROW.format(str(bias.truncate), name, f"{error:.2e}", f"{bias.cosine[name]:.4f}"))
        return "\n".join(lines)


def truncation_bias(run, d_outputs=None, d_state=None, *, truncates=None, loss_scope="new"):
    """The bias of truncated BPTT against full BPTT, a `TruncationBias`, for some pairs (k1, k2).

        print(nr.truncation_bias(run, d_outputs, truncates=[(10, 10), (10, 50), (1, 50)]))

    `run` is what `nr.forward` gave; `d_outputs`, `d_state`, `loss_scope` and each of `truncates` are those of
    `Run.backward`. By default (k, k) for k = 1, 2, 4, ... below the number of steps. With `loss_scope` "window" losses
    count several times, so the gradient is longer too. Raises `InputError`.
    """
    steps = len(run.result.outputs)
    if truncates is None:
        truncates = [(1 << i, 1 << i) for i in range(max(0, steps - 1).bit_length())]
    truncates = [check_truncate("truncation_bias", pair, loss_scope) for pair in truncates]
    if not truncates:
        raise InputError(f"truncation_bias: expected truncates to be pairs (k1, k2), got none for {steps} steps")
    full = with_all(run.backward(d_outputs, d_state).params)
    found = []
    for truncate in truncates:
        cut = with_all(run.backward(d_outputs, d_state, truncate=truncate, loss_scope=loss_scope).params)
        pairs = {name: (cut[name], g) for name, g in full.items()}
        errors = {name: ratio(norm(a - g), norm(g)) for name, (a, g) in pairs.items()}
        cosines = {name: ratio(float(a @ g), norm(a) * norm(g)) for name, (a, g) in pairs.items()}
        found.append(Bias(truncate, errors, cosines))
    return TruncationBias(found)


def with_all(gradients):
    """Each gradient as a vector of float64, and behind them all of them as one."""
    vectors = {name: np.ravel(g).astype(np.float64) for name, g in gradients.items()}
    return vectors | {ALL: np.concatenate([*vectors.values()])}


def norm(vector):
    return float(np.linalg.norm(vector))


def ratio(a, b):
    return a / b if b else np.nan
