"""What is measured: cells, shapes, and the same weights and inputs for every library."""

from typing import NamedTuple

import numpy as np

# Blocks of H columns in kernel, in recurrent_kernel and in bias.
BLOCKS = {"SimpleRNN": (1, 1, 1), "LSTM": (4, 4, 4), "GRU": (3, 3, 4)}

# Steps, batch, input features, units.
SHAPES = {
    "mnist": (28, 150, 28, 150),
    "series": (20, 50, 1, 100),
    "imdb": (500, 128, 32, 32),
    "ptb": (35, 20, 200, 200),
    "mid": (50, 64, 512, 512),
    "b1": (100, 1, 64, 128),
}


def shape(name):
    """The sizes (T, B, I, H) of a name in `SHAPES`, or of a text such as 28x150x28x150."""
    if name in SHAPES:
        return SHAPES[name]
    sizes = tuple(int(size) if size.isdecimal() else 0 for size in name.split("x"))
    if len(sizes) != 4 or min(sizes) < 1:
        raise ValueError(f"no shape {name!r}; there are {', '.join(SHAPES)}, or sizes as TxBxIxH")
    return sizes


class Workload(NamedTuple):
    """One cell over one batch, time-major: x (T, B, I), d_outputs (T, B, H), params in numbarnn's order."""

    cell: str
    shape: tuple
    dtype: str
    params: dict
    x: np.ndarray
    d_outputs: np.ndarray


def make(cell, shape, dtype="float32", seed=0):
    """A workload with uniform weights in +-1/sqrt(H) (biases too) and normal inputs and gradients."""
    T, B, I, H = shape
    kernel, recurrent_kernel, bias = BLOCKS[cell]
    rng = np.random.default_rng(seed)

    def weights(*size):
        return rng.uniform(-(H**-0.5), H**-0.5, size).astype(dtype)

    params = {
        "kernel": weights(I, kernel * H),
        "recurrent_kernel": weights(H, recurrent_kernel * H),
        "bias": weights(bias * H),
    }
    x, d_outputs = (rng.standard_normal((T, B, size)).astype(dtype) for size in (I, H))
    return Workload(cell, shape, dtype, params, x, d_outputs)


def flops(cell, shape, kind):
    """Floating point operations of the products with both kernels; backward has twice as many as forward."""
    T, B, I, H = shape
    return (3 if kind == "train" else 1) * 2 * T * B * BLOCKS[cell][0] * H * (I + H)
