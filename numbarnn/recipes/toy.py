"""The toy batch: 4 rows of 2 steps, unrolled by hand, statically and dynamically (no training).

The second row has one step only. Outputs past its end are zero, and its final state is the one after that step.
"""

import numpy as np

from ..cells import BasicRNNCell
from ..rnn import unroll

X = np.array(
    [
        [[0, 1, 2], [9, 8, 7]],
        [[3, 4, 5], [0, 0, 0]],
        [[6, 7, 8], [6, 5, 4]],
        [[9, 0, 1], [3, 2, 1]],
    ]
)
LENGTHS = np.array([2, 1, 2, 2])


def weights(seed: int, dtype: str) -> dict[str, np.ndarray]:
    """Draw the parameters of BasicRNNCell(5): matrices of N(0, 1), bias zero."""
    rng = np.random.default_rng(seed)
    matrices = {"kernel": rng.standard_normal((3, 5)), "recurrent_kernel": rng.standard_normal((5, 5))}
    return {name: w.astype(dtype) for name, w in (matrices | {"bias": np.zeros(5)}).items()}


def by_hand(params: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """Compute the outputs (batch, 2, units) in NumPy."""
    kernel, recurrent_kernel, bias = params.values()
    y0 = np.tanh(x[:, 0] @ kernel + bias)
    y1 = np.tanh(y0 @ recurrent_kernel + x[:, 1] @ kernel + bias)
    return np.stack([y0, y1], axis=1)


def outputs(seed: int, dtype: str) -> dict[str, np.ndarray]:
    """Run the batch in each way; return {name: array}."""
    cell, params, x = BasicRNNCell(5), weights(seed, dtype), X.astype(dtype)
    steps, _ = unroll.static_rnn(cell, params, unroll.unstack_time(x))
    whole, _ = unroll.dynamic_rnn(cell, params, x)
    with_lengths, state = unroll.dynamic_rnn(cell, params, x, lengths=LENGTHS)
    return {
        "by hand": by_hand(params, x),
        "static_rnn": unroll.stack_time(steps),
        "dynamic_rnn": whole,
        f"dynamic_rnn with lengths {LENGTHS.tolist()}": with_lengths,
        "its state": state.h,
    }


def show(seed: int, dtype: str) -> str:
    """Write the outputs of each way as text."""
    with np.printoptions(precision=6, suppress=True):
        return "\n\n".join(f"{name}\n{values}" for name, values in outputs(seed, dtype).items())
