"""Workloads: cells, shapes, and the same weights and inputs for every library."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import numbarnn as nr

if TYPE_CHECKING:
    from numbarnn.cells.rnn_cell import RNNCell

# The cells that PyTorch and JAX have too, by the names of PyTorch's modules.
CELLS = {"SimpleRNN": nr.SimpleRNNCell, "LSTM": nr.LSTMCell, "GRU": nr.ResetAfterGRUCell}

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
    """Return the sizes (T, B, I, H) of a name in `SHAPES`, or of a text such as 28x150x28x150."""
    if name in SHAPES:
        return SHAPES[name]
    sizes = tuple(int(size) if size.isdecimal() else 0 for size in name.split("x"))
    if len(sizes) != 4 or min(sizes) < 1:
        raise ValueError(f"no shape {name!r}; there are {', '.join(SHAPES)}, or sizes as TxBxIxH")
    return sizes


class Workload(NamedTuple):
    """One cell over one batch, time-major: x (T, B, I), d_outputs (T, B, output size), params in numbarnn's order."""

    name: str
    cell: RNNCell
    shape: tuple
    dtype: str
    params: dict
    x: np.ndarray
    d_outputs: np.ndarray


def make(name, cell, shape, dtype="float32", seed=0):
    """Make a workload: uniform weights in +-1/sqrt(H) (biases too; scales of a norm around 1), normal inputs and
    gradients."""
    T, B, I, H = shape
    rng = np.random.default_rng(seed)
    params = {
        key: (key.endswith("scale") + rng.uniform(-(H**-0.5), H**-0.5, size)).astype(dtype)
        for key, size in cell.param_shapes(I).items()
    }
    x, d_outputs = (rng.standard_normal((T, B, size)).astype(dtype) for size in (I, cell.output_size))
    return Workload(name, cell, shape, dtype, params, x, d_outputs)


def flops(cell, shape, kind):
    """Count the floating point operations of the matrix products; backward has twice as many as forward."""
    T, B, I, _ = shape
    weights = sum(uses(cell, name) * np.prod(size) for name, size in cell.param_shapes(I).items() if "kernel" in name)
    return (3 if kind == "train" else 1) * 2 * T * B * int(weights)


def uses(cell, kernel):
    """Count the products with a kernel in a time step; a grid has one in each frequency step of its block."""
    blocks = getattr(cell, "num_frequency_blocks", None)
    return blocks[int(kernel.split("_")[-1])] if blocks else 1
