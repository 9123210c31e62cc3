"""Layer normalisation of pre-activations (Ba, Kiros and Hinton 2016).

Each row of a group of slots, over all of its units, becomes scale * (z - mean) / sqrt(variance + epsilon) + shift. The
normalised rows before scale and shift are kept for the gradient, and so is 1 / sqrt(variance + epsilon).
"""

import functools
import math

from numba import types

from ...runtime.compile import compiled
from ...runtime.memory import WHOLE, get, lanes, load, pointer, put, store, store_part
from ...runtime.simd import Static, first_lanes, helper, sum_of_lanes
from ...runtime.threads import share
from .cell_kernels import EQUATIONS, valid, z_at
from .kernel_arguments import read


@helper
def group(n, g):
    """Read the first slot of a group, its number of slots, and the index of the first among the normalised slots."""
    table = pointer(WHOLE, n.group_table)
    return get(table, 3 * g), get(table, 3 * g + 1), get(table, 3 * g + 2)


@helper
def mean_of(total, n, slots):
    """Divide a sum, held in the lanes of a vector, by the numbers in a row of so many slots."""
    return float(sum_of_lanes(total)) / (n.H * slots)


@functools.cache
def normalise_kernel(dtype, epsilon):
    """Compile the normalisation of a step's rows lo..hi, groups g0..g1; returns the kernel's address."""
    real, number = Static(dtype), getattr(types, dtype)
    epsilon = float(epsilon)

    def normalise(t, lo, hi, g0, g1, args_address):
        n = read(args_address)
        z, u, i = pointer(real, n.z), pointer(real, n.u), pointer(real, n.i)
        scales, shifts = pointer(real, n.scales), pointer(real, n.shifts)
        V = lanes(z)
        for g in range(g0, g1):
            slot, slots, place = group(n, g)
            for b in range(lo, hi):
                total = load(pointer(real, n.zeros), 0)
                square = total
                for p in range(n.P):
                    for s in range(slots):
                        at = z_at(n, t, b, p) + (slot + s) * V
                        # Lanes beyond the units are not zero in z: an activation of 0 may be any number.
                        total = total + first_lanes((load(z, at),), n.H - p * V)[0]
                mean = number(mean_of(total, n, slots))
                for p in range(n.P):
                    for s in range(slots):
                        d = first_lanes((load(z, z_at(n, t, b, p) + (slot + s) * V) - mean,), n.H - p * V)[0]
                        square = square + d * d
                inverse = number(1.0 / math.sqrt(mean_of(square, n, slots) + epsilon))
                put(i, t * n.i_t + b * n.groups + g, inverse)
                for p in range(n.P):
                    for s in range(slots):
                        at, j = z_at(n, t, b, p) + (slot + s) * V, place + s
                        unit = first_lanes(((load(z, at) - mean) * inverse,), n.H - p * V)[0]
                        store(u, t * n.u_t + p * n.u_p + b * n.u_b + j * V, unit)
                        store(z, at, unit * load(scales, (p * n.normed + j) * V) + load(shifts, (p * n.normed + j) * V))

    return compiled(EQUATIONS, normalise)


@functools.cache
def normalise_backward_kernel(dtype):
    """Compile the gradient of the normalisation; returns the kernel's address.

    dz of the normalised values becomes dz of the values before. Each row sums its gradients of scale and shift.
    """
    real, number = Static(dtype), getattr(types, dtype)

    def normalise_backward(t, lo, hi, g0, g1, args_address):
        n = read(args_address)
        z, u, i, dn = pointer(real, n.z), pointer(real, n.u), pointer(real, n.i), pointer(real, n.dn)
        scales = pointer(real, n.scales)
        V = lanes(z)
        for g in range(g0, g1):
            slot, slots, place = group(n, g)
            for b in range(lo, hi):
                if valid(n, t, b):
                    total = load(pointer(real, n.zeros), 0)
                    along = total
                    for p in range(n.P):
                        for s in range(slots):
                            at, j = z_at(n, t, b, p) + (slot + s) * V, place + s
                            dz, unit = load(z, at), load(u, t * n.u_t + p * n.u_p + b * n.u_b + j * V)
                            d_scale = ((b * n.P + p) * n.normed + j) * 2 * V
                            store(dn, d_scale, load(dn, d_scale) + dz * unit)
                            store(dn, d_scale + V, load(dn, d_scale + V) + dz)
                            d = dz * load(scales, (p * n.normed + j) * V)
                            total, along = total + d, along + d * unit
                    mean, mean_along = number(mean_of(total, n, slots)), number(mean_of(along, n, slots))
                    inverse = get(i, t * n.i_t + b * n.groups + g)
                    for p in range(n.P):
                        for s in range(slots):
                            at, j = z_at(n, t, b, p) + (slot + s) * V, place + s
                            d = load(z, at) * load(scales, (p * n.normed + j) * V)
                            unit = load(u, t * n.u_t + p * n.u_p + b * n.u_b + j * V)
                            d = (d - mean - unit * mean_along) * inverse
                            store(z, at, first_lanes((d,), n.H - p * V)[0])

    return compiled(EQUATIONS, normalise_backward)


@functools.cache
def sum_rows_kernel(dtype):
    """Compile the sum over the rows of the gradients of scale and shift, in the order of the rows; returns the kernel's
    address."""
    real = Static(dtype)

    def sum_rows(shard, shards, unused_hi, unused_p0, unused_p1, args_address):
        n = read(args_address)
        dn, d_scale, d_shift = pointer(real, n.dn), pointer(real, n.d_scale), pointer(real, n.d_shift)
        V = lanes(dn)
        p0, p1 = share(n.P, shard, shards)
        for p in range(p0, p1):
            for j in range(n.normed):
                scale = shift = load(pointer(real, n.zeros), 0)
                for b in range(n.B):
                    at = ((b * n.P + p) * n.normed + j) * 2 * V
                    scale, shift = scale + load(dn, at), shift + load(dn, at + V)
                store_part(d_scale, j * n.H + p * V, n.H - p * V, scale)
                store_part(d_shift, j * n.H + p * V, n.H - p * V, shift)

    return compiled(EQUATIONS, sum_rows)
