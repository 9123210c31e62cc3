"""Running a kernel's stages on Numba's threads."""

import ctypes
import functools
import threading

import numpy as np
from numba import get_num_threads, prange, types

from .call import invoke
from .compile import compiled
from .simd import INTP

WORTH_WAKING = 1_000_000  # multiply-adds of a pass from which threads pay

_one_at_a_time = threading.Lock()  # some threading layers end the process when two Python threads enter


def threads_for(multiply_adds):
    """Threads worth waking for a pass."""
    return get_num_threads() if multiply_adds > WORTH_WAKING else 1


@functools.cache
def _launcher():
    """kernel(stage, shard, shards, here) for each shard, on as many threads. One tiny parallel loop serves all kernels:
    whatever stands inside a parallel loop is compiled twice."""

    def launch(kernel, stage, shards, here):
        for shard in prange(shards):
            invoke(kernel, (stage, np.intp(shard), shards, here))

    address = compiled(types.void(*[INTP] * 4), launch, parallel=True)
    return ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 4)(address)


@functools.cache
def _direct(kernel):
    return ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 4)(kernel)


def run(kernel, here, *shards):
    """All stages of a kernel, one parallel loop each; a stage of one shard stays in this thread."""
    direct = _direct(kernel)
    for stage, count in enumerate(shards):
        if count == 1:
            direct(stage, 0, 1, here)
            continue
        launch = _launcher()
        with _one_at_a_time:
            launch(kernel, stage, count, here)
