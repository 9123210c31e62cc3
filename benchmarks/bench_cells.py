"""Speed of the cells: outputs only, and the training step (forward, full BPTT, all gradients)."""

from functools import cache

import numpy as np

import numbarnn as nr
from numbarnn.cells import CELLS

from .workloads import SHAPES


@cache
def steps(cell, shape_name, dtype):
    """(forward, train) without arguments, compiled by a first call; kept, as asv repeats `setup` before every call."""
    T, B, I, H = SHAPES[shape_name]
    cell = CELLS[cell](H)
    params = cell.init_params(I, dtype=dtype)
    rng = np.random.default_rng(0)
    x, d_outputs = (rng.standard_normal((T, B, size)).astype(dtype) for size in (I, H))

    def forward():
        return nr.forward(cell, params, x, time_major=True, save="minimal").outputs

    def train():
        return nr.forward(cell, params, x, time_major=True).backward(d_outputs)

    forward(), train()
    return forward, train


class Timing:
    number = 1  # with a setup asv times every call by itself
    repeat = (5, 200, 1.0)  # at least 5, at most 200 samples, no new one after a second
    timeout = 300


class Shapes(Timing):
    """The cells that PyTorch and JAX have too, at every shape."""

    params = (("SimpleRNNCell", "LSTMCell", "ResetAfterGRUCell"), tuple(SHAPES))
    param_names = ("cell", "shape")

    def setup(self, cell, shape):
        self.forward, self.train = steps(cell, shape, "float32")

    def time_forward(self, cell, shape):
        self.forward()

    def time_train(self, cell, shape):
        self.train()


class Cells(Timing):
    """Every cell there is, in both dtypes, at one shape."""

    params = (tuple(CELLS), ("float32", "float64"))
    param_names = ("cell", "dtype")

    def setup(self, cell, dtype):
        self.forward, self.train = steps(cell, "mnist", dtype)

    def time_forward(self, cell, dtype):
        self.forward()

    def time_train(self, cell, dtype):
        self.train()
