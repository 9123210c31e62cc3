"""Compile kernels ahead of their first use, into the cache on disk."""

import time

import numpy as np

from ..cells import CELLS
from ..errors import InputError
from ..rnn.run import forward


def warm_up(names=(), dtypes=("float32",)):
    """Compile what a training step of the cells `names` (all by default, with their default options) needs.

    Yields (name, dtype, seconds) as each is done; a kernel that the cache holds takes a fraction of a second.
    """
    for name in names:
        if name not in CELLS:
            raise InputError(f"warmup: expected cells of {', '.join(CELLS)}, got {name!r}")
    for name in names or CELLS:
        for dtype in dtypes:
            start = time.perf_counter()
            cell = CELLS[name](32)  # large enough for the threads: their loop is compiled too
            run = forward(cell, cell.init_params(32, dtype=dtype), np.zeros((64, 16, 32), dtype))
            run.backward(run.outputs)
            yield name, dtype, time.perf_counter() - start
