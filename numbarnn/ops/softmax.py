"""Softmax of rows of scores, and the cross-entropy of labels, on all threads."""

import functools

import numpy as np
from numba import config, types

from ..maths import exp
from ..runtime.arrays import address, empty_like, name_of, readable, steps
from ..runtime.compile import compiled
from ..runtime.memory import WHOLE, get, lanes, load_part, pointer, put, store_part
from ..runtime.simd import Static, first_lanes, splat, sum_of_lanes
from ..runtime.threads import KERNEL, run, share, threads_for_each

MANY = 10_000  # scores; threads pay from here on


@functools.cache
def kernel(dtype):
    """Compile the softmax of scores [outer, inner, classes]; returns the kernel's address.

    It reads a table: these sizes, the addresses of scores, softmax, greatest scores, totals and labels (0: none), and
    the outer and inner strides of scores, softmax and labels. With labels, it returns softmax - one_hot(labels) and
    max - score[label].
    """
    real, number = Static(dtype), getattr(types, dtype)

    def softmax(stage, shard, shards, args_address):
        n = pointer(WHOLE, args_address)
        inner, classes, scores, out = get(n, 1), get(n, 2), pointer(real, get(n, 3)), pointer(real, get(n, 4))
        greatest, totals, labels = pointer(real, get(n, 5)), pointer(real, get(n, 6)), pointer(WHOLE, get(n, 7))
        first, last = share(get(n, 0) * inner, shard, shards)
        for row in range(first, last):
            o, i = row // inner, row % inner
            at, to = o * get(n, 8) + i * get(n, 9), o * get(n, 10) + i * get(n, 11)
            most = get(scores, at)
            for k in range(1, classes):
                score = get(scores, at + k)
                most = score if score > most else most
            powers = splat(load_part(scores, at, classes), number(0))
            for k in range(0, classes, lanes(scores)):
                power = exp(load_part(scores, at + k, classes - k) - most)
                store_part(out, to + k, classes - k, power)
                powers = powers + first_lanes((power,), classes - k)[0]
            total = sum_of_lanes(powers)
            for k in range(0, classes, lanes(scores)):
                store_part(out, to + k, classes - k, load_part(out, to + k, classes - k) / total)
            if get(n, 7):
                label = get(labels, o * get(n, 12) + i * get(n, 13))
                put(out, to + label, get(out, to + label) - number(1))
                most -= get(scores, at + label)
            put(greatest, row, most)
            put(totals, row, total)

    return compiled(KERNEL, softmax)


def softmax(scores):
    """Compute (softmax, greatest, total) over the last axis of scores (..., classes).

    softmax = exp(score - greatest) / total, where total is the sum of these powers; the last two are (..., 1).
    """
    if config.DISABLE_JIT or scores.size == 0:
        greatest = scores.max(axis=-1, keepdims=True)
        powers = np.exp(scores - greatest)
        total = powers.sum(axis=-1, keepdims=True)
        return powers / total, greatest, total
    return _by_kernel(scores, None)


def cross_entropy(scores, labels):
    """Compute -ln softmax of scores (..., classes) at integer labels (...), and its gradient, which has the memory
    layout of scores of up to three axes."""
    if config.DISABLE_JIT or scores.size == 0:
        (gradient, greatest, total), at = softmax(scores), labels[..., None]
        difference = greatest - np.take_along_axis(scores, at, -1)
        np.put_along_axis(gradient, at, np.take_along_axis(gradient, at, -1) - 1, -1)
    else:
        gradient, difference, total = _by_kernel(scores, labels)
    return (np.log(total) + difference)[..., 0], gradient


def _by_kernel(scores, labels):
    shape = scores.shape
    source = readable(scores if scores.ndim <= 3 else scores.reshape(-1, shape[-1]))
    out = empty_like(source)
    greatest, total = np.empty((*shape[:-1], 1), scores.dtype), np.empty((*shape[:-1], 1), scores.dtype)
    places, strides = [*map(address, (source, out, greatest, total)), 0], steps(source, out)
    if labels is not None:
        labels = np.ascontiguousarray(labels, np.int64).reshape(*source.shape[:-1], 1)
        places[-1], strides = address(labels), strides + steps(labels)
    table = np.array([*(1, 1, *source.shape)[-3:], *places, *strides])
    run(kernel(name_of(scores.dtype)), 1, threads_for_each(scores.size, MANY), address(table))
    return out.reshape(shape), greatest, total
