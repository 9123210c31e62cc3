"""The forward pass of any cell over a sequence.

Stage 0 packs the weights, shared out by panels; stage 1 walks rows of the batch through all of time, shared out by
rows, with no barrier. Per step: products into z, then the cell's equations while z is in the cache.
"""

import functools
from typing import Any, NamedTuple

from numba import types

from .call import POSITION, invoke, read
from .compile import compiled
from .memory import BYTE, WHOLE, ahead, get, lanes, load, pointer, pointer_like, put, store
from .products import Place, Terms, multiply, width_of_next
from .simd import INTP, Static, has_nan, helper
from .weights import matrices, pack

KERNEL = types.void(*[INTP] * 4)  # stage, shard, shards, address of the call
NOT_FINITE = POSITION["not_finite"]
FEW = 8  # rows; with fewer, products over all steps take their rows along time


class Rows(NamedTuple):
    """Rows of numbers: row m starts at data + m*row."""

    data: Any
    row: int


class Panels(NamedTuple):
    """Packed weights [p, k, slot, V] that feed `slots` slots of z from `slot` on."""

    data: Any
    K: int
    slot: int
    slots: int


@helper
def affine(n, p0, p1, rows, z, from_bias, x, W):
    """z (+)= x W for the slots that W feeds in panels p0..p1: starting from the bias, or from z itself."""
    V = lanes(z.data)
    b, a = pointer_like(z.data, n.b), Terms(x.data, x.row, 1, 0)
    if W.slots == 1:  # a tile spans panels
        p = p0
        while p < p1:
            width = width_of_next(p1 - p)
            out = Place(ahead(z.data, p * n.z_p + W.slot * V), z.row, n.z_p)
            bias = Place(ahead(b, (p * n.gates + W.slot) * V), 0, n.gates * V)
            terms = Terms(ahead(W.data, p * W.K * V), W.K * V, V, 0)
            multiply(n.product, rows, width, out, bias if from_bias else out, a, terms, W.K, 1)
            p += width
    else:
        for p in range(p0, p1):
            s = 0
            while s < W.slots:
                width = width_of_next(W.slots - s)
                out = Place(ahead(z.data, p * n.z_p + (W.slot + s) * V), z.row, V)
                bias = Place(ahead(b, (p * n.gates + W.slot + s) * V), 0, V)
                terms = Terms(ahead(W.data, (p * W.K * W.slots + s) * V), V, W.slots * V, 0)
                multiply(n.product, rows, width, out, bias if from_bias else out, a, terms, W.K, 1)
                s += width


@helper
def input_part(n, p0, p1, rows, z, x):
    """z = b + x W, or b alone in the slots that x does not feed."""
    V = lanes(z.data)
    affine(n, p0, p1, rows, z, True, x, Panels(pointer_like(z.data, n.w), n.I, n.x_slot, n.x_slots))
    for p in range(p0, p1):
        for s in range(n.gates):
            if s < n.x_slot or s >= n.x_slot + n.x_slots:
                b = load(pointer_like(z.data, n.b), (p * n.gates + s) * V)
                for m in range(rows):
                    store(z.data, m * z.row + p * n.z_p + s * V, b)


@helper
def prepare(n, p0, p1, z):
    """Pack the weights of panels p0..p1; with `ahead`, z = b + x W of all steps."""
    W, R, Rq, b = matrices(n, z, n.kernel, n.recurrent, n.bias)
    doubt = pack(W, n, p0, p1, pointer_like(z, n.w)) + pack(R, n, p0, p1, pointer_like(z, n.r))
    doubt = doubt + pack(Rq, n, p0, p1, pointer_like(z, n.rq)) + pack(b, n, p0, p1, pointer_like(z, n.b))
    if has_nan(doubt):
        put(pointer(WHOLE, n.here), NOT_FINITE, 1)
    if n.ahead:
        x = pointer_like(z, n.x)
        if n.B >= FEW or n.B >= n.T:
            for t in range(n.T):
                input_part(n, p0, p1, n.B, Rows(ahead(z, t * n.z_t), n.z_b), Rows(ahead(x, t * n.x_t), n.x_b))
        else:
            for b in range(n.B):
                input_part(n, p0, p1, n.T, Rows(ahead(z, b * n.z_b), n.z_t), Rows(ahead(x, b * n.x_b), n.x_t))


@helper
def emit(n, t, lo, hi, h):
    """y[t] = the output of step t, or zero where masked."""
    y, mask = pointer_like(h, n.y), pointer(BYTE, n.mask)
    for b in range(lo, hi):
        to, source = (t * n.B + b) * n.H, (t + 1) * n.h_t + b * n.h_b
        if get(mask, t * n.mask_t + b * n.mask_b) != 0:
            for j in range(n.H):
                put(y, to + j, get(h, source + j))
        else:
            for j in range(n.H):
                put(y, to + j, 0)


@helper
def walk(n, lo, hi, z, h):
    """All steps for rows lo..hi."""
    x, q = pointer_like(z, n.x), pointer_like(z, n.q)
    R = Panels(pointer_like(z, n.r), n.H, n.h_slot, n.h_slots)
    Rq = Panels(pointer_like(z, n.rq), n.H, n.q_slot, n.q_slots)
    rows = hi - lo
    for t in range(n.T):
        zs = Rows(ahead(z, t * n.z_t + lo * n.z_b), n.z_b)
        hs = Rows(ahead(h, t * n.h_t + lo * n.h_b), n.h_b)
        for p0 in range(0, n.P, n.group):
            p1 = min(n.P, p0 + n.group)
            if not n.ahead:
                input_part(n, p0, p1, rows, zs, Rows(ahead(x, t * n.x_t + lo * n.x_b), n.x_b))
            affine(n, p0, p1, rows, zs, False, hs, R)
            invoke(n.feedback if n.q_slots else n.equations, (t, lo, hi, p0, p1, n.here))
        if n.q_slots:
            qs = Rows(ahead(q, t * n.q_t + lo * n.q_b), n.q_b)
            for p0 in range(0, n.P, n.group):
                p1 = min(n.P, p0 + n.group)
                affine(n, p0, p1, rows, zs, False, qs, Rq)
                invoke(n.equations, (t, lo, hi, p0, p1, n.here))
        if n.y:
            emit(n, t, lo, hi, h)


@functools.cache
def forward_kernel(dtype):
    """Address of the kernel for a dtype; it serves every cell."""
    real = Static(dtype)

    def forward(stage, shard, shards, here):
        n = read(here)
        z, h = pointer(real, n.z), pointer(real, n.h)
        if stage == 0:
            prepare(n, n.P * shard // shards, n.P * (shard + 1) // shards, z)
        else:
            walk(n, n.B * shard // shards, n.B * (shard + 1) // shards, z, h)

    return compiled(KERNEL, forward)
