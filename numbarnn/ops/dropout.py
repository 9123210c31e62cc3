"""Dropout by a mask: scale the kept elements and zero the others, in one pass over memory on all threads."""

import functools

import numpy as np
from numba import config, types

from ..runtime.arrays import address, empty_like, name_of, readable, steps
from ..runtime.compile import compiled
from ..runtime.memory import BYTE, WHOLE, get, pointer, put
from ..runtime.simd import Static
from ..runtime.threads import KERNEL, run, share, threads_for_each


@functools.cache
def kernel(dtype):
    """Compile out = x * (kept * scale) for arrays [outer, inner, width]; returns the kernel's address.

    It reads a table: the sizes, the addresses of scale, x, out and kept, and the outer and inner strides of the last
    three.
    """
    real, number = Static(dtype), getattr(types, dtype)

    def keep(stage, shard, shards, args_address):
        n = pointer(WHOLE, args_address)
        inner, width, scale = get(n, 1), get(n, 2), get(pointer(real, get(n, 3)), 0)
        x, out, kept = pointer(real, get(n, 4)), pointer(real, get(n, 5)), pointer(BYTE, get(n, 6))
        first, last = share(get(n, 0) * inner, shard, shards)
        for row in range(first, last):
            o, i = row // inner, row % inner
            x_at, to = o * get(n, 7) + i * get(n, 8), o * get(n, 9) + i * get(n, 10)
            kept_at = o * get(n, 11) + i * get(n, 12)
            for k in range(width):
                put(out, to + k, get(x, x_at + k) * (number(get(kept, kept_at + k)) * scale))

    return compiled(KERNEL, keep)


def keep(x, kept, scale):
    """Compute x * (kept * scale) for booleans of the shape of x; the result has the memory layout of x."""
    scale = x.dtype.type(scale)
    if config.DISABLE_JIT or not x.dtype.isnative or x.size == 0 or not 0 < x.ndim <= 3:
        return x * (kept * scale)
    given, kept = readable(x), np.ascontiguousarray(kept)
    out, factor = empty_like(given), np.array(scale)
    places = map(address, (factor, given, out, kept))
    table = np.array([*(1, 1, *x.shape)[-3:], *places, *steps(given, out, kept)])
    run(kernel(name_of(x.dtype)), 1, threads_for_each(x.size), address(table))
    return out
