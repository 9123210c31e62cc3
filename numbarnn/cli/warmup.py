"""Compile kernels ahead of their first use, into the cache on disk."""

import time
from collections.abc import Iterator, Sequence

import numpy as np

from ..cells import CELLS
from ..errors import InputError
from ..rnn.run import forward


def warm_up(names: Sequence[str] = (), dtypes: Sequence[str] = ("float32",)) -> Iterator[tuple[str, str, float]]:
    """Compile the kernels of a training step of each cell, with its default options.

    Parameters
    ----------
    names : sequence of str
        Names of plain cells, such as "LSTMCell"; all by default.
    dtypes : sequence of str
        "float32", "float64" or both.

    Yields
    ------
    name, dtype : str
        The cell that is compiled.
    seconds : float
        The time it took; a fraction of a second if the cache had the kernel.

    Raises
    ------
    InputError
        If there is no cell of a name.
    """
    for name in names:
        if name not in CELLS:
            raise InputError(f"warmup: expected cells of {', '.join(CELLS)}, got {name!r}")
    for name in names or CELLS:
        for dtype in dtypes:
            start = time.perf_counter()
            # large enough for the threads: their loop is compiled too
            cell = CELLS[name](32)
            run = forward(cell, cell.init_params(32, dtype=dtype), np.zeros((64, 16, 32), dtype))
            run.backward(run.outputs)
            yield name, dtype, time.perf_counter() - start
