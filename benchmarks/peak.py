"""The FMA peak of this machine, measured: the engine's largest tile over data that stays in the first-level cache."""

import ctypes
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from numbarnn.cpu.products import product_kernel
from numbarnn.cpu.simd import BYTES
from numbarnn.cpu.tiles import HEIGHTS, WIDEST

TERMS, REPEATS = 64, 20_000


def peak_gflops(threads, dtype="float32", rounds=9):
    """Billions of floating point operations a second on so many threads, the best of some rounds."""
    kernel = ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 18)(product_kernel(dtype))
    rows, lanes = HEIGHTS[WIDEST][0], BYTES // np.dtype(dtype).itemsize
    sizes = rows * WIDEST * lanes, rows * TERMS, WIDEST * TERMS * lanes
    data = [[np.zeros(size, dtype) for size in sizes] for _ in range(threads)]

    def multiply(arrays):
        out, a, b = (array.ctypes.data for array in arrays)
        sums = out, WIDEST * lanes, lanes
        kernel(*sums, *sums, a, TERMS, 1, 0, b, TERMS * lanes, lanes, 0, TERMS, REPEATS, rows, WIDEST)

    seconds = []
    with ThreadPoolExecutor(threads) as pool:  # a call through ctypes lets other Python threads run
        for _ in range(rounds):
            start = time.perf_counter()
            list(pool.map(multiply, data))
            seconds.append(time.perf_counter() - start)
    return threads * rows * WIDEST * lanes * 2 * TERMS * REPEATS / min(seconds) / 1e9
