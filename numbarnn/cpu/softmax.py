"""Softmax of rows of scores, on all threads."""

import functools

import numpy as np
from numba import config, types

from ..maths import exp
from .arrays import address, name_of
from .compile import compiled
from .forward import KERNEL
from .memory import WHOLE, get, lanes, load_part, pointer, put, store_part
from .simd import Static, first_lanes, splat, sum_of_lanes
from .threads import run, threads_for_each
from .weights import share

MANY = 10_000  # scores from which threads pay


@functools.cache
def kernel(dtype):
    """Address of the kernel for rows of scores; it is told their number, the number of classes, and the addresses of
    scores, softmax, greatest scores and totals."""
    real, number = Static(dtype), getattr(types, dtype)

    def softmax(stage, shard, shards, here):
        n = pointer(WHOLE, here)
        classes, scores, out = get(n, 1), pointer(real, get(n, 2)), pointer(real, get(n, 3))
        greatest, totals = pointer(real, get(n, 4)), pointer(real, get(n, 5))
        first, last = share(get(n, 0), shard, shards)
        for row in range(first, last):
            at = row * classes
            most = get(scores, at)
            for k in range(1, classes):
                score = get(scores, at + k)
                most = score if score > most else most
            powers = splat(load_part(scores, at, classes), number(0))
            for k in range(0, classes, lanes(scores)):
                power = exp(load_part(scores, at + k, classes - k) - most)
                store_part(out, at + k, classes - k, power)
                powers = powers + first_lanes((power,), classes - k)[0]
            total = sum_of_lanes(powers)
            for k in range(0, classes, lanes(scores)):
                store_part(out, at + k, classes - k, load_part(out, at + k, classes - k) / total)
            put(greatest, row, most)
            put(totals, row, total)

    return compiled(KERNEL, softmax)


def softmax(scores):
    """(softmax, greatest, total) of each row of scores (rows, classes): exp(score - greatest) / total, the total being
    the sum of these powers; both (rows, 1)."""
    if config.DISABLE_JIT or scores.size == 0:
        greatest = scores.max(axis=-1, keepdims=True)
        powers = np.exp(scores - greatest)
        total = powers.sum(axis=-1, keepdims=True)
        return powers / total, greatest, total
    rows, classes = scores.shape
    scores, out = np.ascontiguousarray(scores), np.empty_like(scores, order="C")
    greatest, total = np.empty((rows, 1), scores.dtype), np.empty((rows, 1), scores.dtype)
    table = np.array([rows, classes, *map(address, (scores, out, greatest, total))])
    run(kernel(name_of(scores.dtype)), 1, threads_for_each(scores.size, MANY), address(table))
    return out, greatest, total
