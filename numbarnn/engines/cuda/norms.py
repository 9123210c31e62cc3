"""Layer norm of pre-activations, a block for each row: `reference.normalise` and its gradient, in place in z.

Sums are taken by each thread over its units, then over the threads in a fixed tree: the same bits in every run.
"""

import functools
import math

import numpy as np
from numba import float32, float64
from numba.extending import register_jitable

from .arrays import THREADS
from .target import cuda


@register_jitable
def total(value, parts):
    """The sum over all threads of the block, whose number is a power of two; `parts`: a shared array."""
    i, half = cuda.threadIdx.x, cuda.blockDim.x // 2
    parts[i] = value
    cuda.syncthreads()
    while half > 0:
        if i < half:
            parts[i] += parts[i + half]
        cuda.syncthreads()
        half //= 2
    result = parts[0]
    cuda.syncthreads()
    return result


def groups_of(cell, slots):
    """(number of the group, its slots, their places among the normalised ones) of each group in these slots."""
    names = list(cell.inputs)
    found = []
    for g, group in enumerate(cell.norms):
        if names.index(group[0]) in slots:
            found.append((g, tuple(map(names.index, group)), tuple(map(cell.normed.index, group))))
    return found


def normaliser(cell, slots, dtype, make):
    """The device function (z, norms, t, b) that does one group after the other; `make`: that of a group."""
    groups, real = groups_of(cell, slots), float32 if dtype == "float32" else float64
    if not groups:
        return register_jitable(lambda z, norms, t, b: None)
    each = register_jitable(lambda z, norms, t, b, parts: None)
    for group in groups:
        each = after(each, make(*group, float(cell.norm_epsilon), dtype))

    @register_jitable
    def all_groups(z, norms, t, b):
        parts = cuda.shared.array(THREADS, real)
        each(z, norms, t, b, parts)

    return all_groups


def after(first, then):
    @register_jitable
    def both(z, norms, t, b, parts):
        first(z, norms, t, b, parts)
        then(z, norms, t, b, parts)

    return both


@functools.cache
def normalise(g, slots, places, epsilon, dtype):
    """z = scale * unit + shift, unit = (z - mean) / sqrt(variance + epsilon); norms = units, inverse, scale, shift."""
    count, real = len(slots), np.dtype(dtype).type
    one, nil, epsilon = real(1), real(0), real(epsilon)

    @register_jitable
    def normalise_group(z, norms, t, b, parts):
        units, inverses, scale, shift = norms
        i, threads, H = cuda.threadIdx.x, cuda.blockDim.x, z.shape[3]
        share = one / real(count * H)
        sums = nil
        for k in range(count):
            for u in range(i, H, threads):
                sums += z[t, b, slots[k], u]
        mean = total(sums, parts) * share
        sums = nil
        for k in range(count):
            for u in range(i, H, threads):
                d = z[t, b, slots[k], u] - mean
                sums += d * d
        inverse = one / math.sqrt(total(sums, parts) * share + epsilon)
        if i == 0:
            inverses[t, b, g] = inverse
        for k in range(count):
            for u in range(i, H, threads):
                unit = (z[t, b, slots[k], u] - mean) * inverse
                units[t, b, places[k], u] = unit
                z[t, b, slots[k], u] = scale[places[k], u] * unit + shift[places[k], u]

    return normalise_group


@functools.cache
def normalise_backward(g, slots, places, epsilon, dtype):
    """dz of what was normalised becomes dz of what was there before; d_norm[b, 0 and 1, place, u] adds up the gradients
    of scale and shift for each row; norms = units, inverse, scale, d_norm."""
    count, real = len(slots), np.dtype(dtype).type
    one, nil = real(1), real(0)

    @register_jitable
    def normalise_group_backward(z, norms, t, b, parts):
        units, inverses, scale, d_norm = norms
        i, threads, H = cuda.threadIdx.x, cuda.blockDim.x, z.shape[3]
        share = one / real(count * H)
        sums, along = nil, nil
        for k in range(count):
            for u in range(i, H, threads):
                dz, unit = z[t, b, slots[k], u], units[t, b, places[k], u]
                d_norm[b, 0, places[k], u] += dz * unit
                d_norm[b, 1, places[k], u] += dz
                d = dz * scale[places[k], u]
                sums += d
                along += d * unit
        mean, mean_along = total(sums, parts) * share, total(along, parts) * share
        for k in range(count):
            for u in range(i, H, threads):
                d = z[t, b, slots[k], u] * scale[places[k], u]
                z[t, b, slots[k], u] = (d - mean - units[t, b, places[k], u] * mean_along) * inverses[t, b, g]

    return normalise_group_backward
