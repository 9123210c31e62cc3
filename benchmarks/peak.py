"""The measured FMA peak of this machine: the engine's largest tile over data that stays in the first-level cache."""

import ctypes
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from numbarnn.engines.cpu.gemm import product_kernel
from numbarnn.engines.cpu.gemm_tiles import HEIGHTS, WIDEST
from numbarnn.runtime.simd import BYTES

TERMS = 64


class MultiplyAdds:
    """A runner of so many floating point operations at the peak of so many threads: `run()`."""

    def __init__(self, operations, threads, dtype="float32"):
        self.kernel = ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 18)(product_kernel(dtype))
        lanes = BYTES // np.dtype(dtype).itemsize
        self.rows, self.columns = HEIGHTS[WIDEST][0], WIDEST * lanes
        sizes = self.rows * self.columns, self.rows * TERMS, self.columns * TERMS
        self.data = [[np.zeros(size, dtype) for size in sizes] for _ in range(threads)]
        a_time = 2 * threads * self.rows * self.columns * TERMS
        self.repeats = max(1, round(operations / a_time))
        self.operations, self.lanes = self.repeats * a_time, lanes
        self.pool = ThreadPoolExecutor(threads)  # a call through ctypes lets other Python threads run

    def run(self):
        list(self.pool.map(self._multiply, self.data))

    def _multiply(self, arrays):
        out, a, b = (array.ctypes.data for array in arrays)
        sums = out, self.columns, self.lanes
        b = b, TERMS * self.lanes, self.lanes, 0
        self.kernel(*sums, *sums, a, TERMS, 1, 0, *b, TERMS, self.repeats, self.rows, WIDEST)


def peak_gflops(threads, dtype="float32", rounds=9):
    """Measure billions of floating point operations a second on so many threads, the best of some rounds."""
    work, seconds = MultiplyAdds(2e10, threads, dtype), []
    for _ in range(rounds):
        start = time.perf_counter()
        work.run()
        seconds.append(time.perf_counter() - start)
    return work.operations / min(seconds) / 1e9
