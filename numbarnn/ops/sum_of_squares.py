"""Sums of squares of whole arrays, on all threads."""

import functools

import numpy as np
from numba import config, types

from ..runtime.arrays import address, name_of
from ..runtime.compile import compiled
from ..runtime.memory import WHOLE, get, pointer, put
from ..runtime.simd import Static
from ..runtime.threads import KERNEL, run, share, threads_for_each
from ..utils.arrays import FLOATS

BLOCK = 1 << 14  # numbers in a partial sum, so that a result does not depend on the number of threads


@functools.cache
def kernel(dtype):
    """Compile the sums of squares of blocks, in float64; returns the kernel's address.

    It reads a table: the number of blocks, the address of their sums, and for each block its address and size.
    """
    real, double = Static(dtype), Static("float64")

    def squares(stage, shard, shards, args_address):
        table = pointer(WHOLE, args_address)
        sums = pointer(double, get(table, 1))
        first, last = share(get(table, 0), shard, shards)
        for block in range(first, last):
            numbers, total = pointer(real, get(table, 2 + 2 * block)), 0.0
            for i in range(get(table, 3 + 2 * block)):
                number = types.float64(get(numbers, i))
                total += number * number
            put(sums, block, total)

    return compiled(KERNEL, squares, fastmath={"reassoc", "contract"})


def square_sums(arrays):
    """Compute the sum of squares of each array, float64 (arrays,); NaN and infinity propagate."""
    dtypes = {array.dtype for array in arrays}
    if config.DISABLE_JIT or len(dtypes) != 1 or not dtypes.issubset(FLOATS):
        return np.array([np.square(array, dtype=np.float64).sum() for array in arrays])
    arrays = [np.ascontiguousarray(array) for array in arrays]
    blocks = [max(1, -(-array.size // BLOCK)) for array in arrays]
    sums = np.zeros(sum(blocks))
    table = [sum(blocks), address(sums)]
    for array in arrays:
        at, size = address(array), array.size
        for first in range(0, max(1, size), BLOCK):
            table += [at + first * array.itemsize, min(BLOCK, size - first)]
    table = np.array(table)
    threads = threads_for_each(sum(array.size for array in arrays))
    run(kernel(name_of(dtypes.pop())), 1, threads, address(table))
    return sums if len(sums) == len(arrays) else np.add.reduceat(sums, np.cumsum([0, *blocks[:-1]]))


def squares_by_name(arrays):
    """Compute {name: sum of squares} of {name: array}, as floats."""
    return dict(zip(arrays, square_sums([*arrays.values()]).tolist(), strict=True))
