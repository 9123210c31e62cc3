"""Running a kernel's stages on Numba's threads."""

import ctypes
import functools
import threading

import numpy as np
from numba import get_num_threads, prange, types

from .compile import compiled
from .invoke import invoke
from .simd import INTP, helper

KERNEL = types.void(*[INTP] * 4)  # stage, shard, shards, address of the call
WORTH_WAKING = 1_000_000  # multiply-adds of a pass from which threads pay
MANY = 50_000  # numbers, where each is read and written once

_one_at_a_time = threading.Lock()  # some threading layers end the process when two Python threads enter


def threads_for(multiply_adds):
    """Threads worth waking for a pass."""
    return get_num_threads() if multiply_adds > WORTH_WAKING else 1


def threads_for_each(numbers, many=MANY):
    """Threads worth waking for so many numbers, of which each takes little; `many` pay."""
    return get_num_threads() if numbers > many else 1


def in_parallel(kernel, stages, shards, args_address):
    """kernel(stage, shard, shards, here) for each stage, its shards on as many threads.

    One tiny parallel loop serves all kernels: whatever stands inside a parallel loop is compiled twice.
    """
    for stage in range(stages):
        for shard in prange(shards):
            invoke(kernel, (stage, np.intp(shard), shards, args_address))


def alone(kernel, stages, shards, args_address):
    """The same in this thread."""
    for stage in range(stages):
        invoke(kernel, (stage, 0, 1, args_address))


@functools.cache
def launcher(parallel):
    function, options = (in_parallel, {"parallel": True}) if parallel else (alone, {})
    address = compiled(types.void(*[INTP] * 4), function, **options)
    return ctypes.CFUNCTYPE(None, *[ctypes.c_ssize_t] * 4)(address)


def run(kernel, stages, shards, args_address):
    """All stages of a kernel, one after the other, on `shards` threads."""
    if shards == 1:
        launcher(False)(kernel, stages, 1, args_address)
    else:
        with _one_at_a_time:
            launcher(True)(kernel, stages, shards, args_address)


@helper
def share(panels, shard, shards):
    return panels * shard // shards, panels * (shard + 1) // shards
