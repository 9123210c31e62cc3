"""Back-propagation through time for any cell.

Stage 0 transposes the weights. Then come two stages for each block of steps, the last block first: one walks rows
of the batch back through the steps, where the cell's equations turn what was saved into dz, in place, and dz R^T
goes on to the step before; the other adds what the block gives to the gradients of the parameters, while dz is
still in the cache. The last stage brings these into their canonical form (and makes dx, where few rows ran at a
time).
No sum is ever shared out between threads, so results do not depend on their number.
"""

import functools
from typing import Any, NamedTuple

from .call import invoke, read
from .compile import compiled
from .forward import FEW, KERNEL, Rows
from .memory import ahead, lanes, load, pointer, pointer_like, store_part
from .products import Place, Terms, even_part, multiply, width_of_next
from .simd import Static, helper
from .weights import matrices, turn, unpack

CHUNK = 128  # terms of a weight gradient summed on their own: what they need fits the cache, and rounding stays small


class Turned(NamedTuple):
    """Transposed weights [panel, p, slot, k, V] of `slots` slots of z from `slot` on."""

    data: Any
    slot: int
    slots: int


class Steps(NamedTuple):
    """Rows of all steps, as an outer and an inner run over time and batch."""

    data: Any
    outer: int
    inner: int


class Factor(NamedTuple):
    """What dz is multiplied with for a weight gradient: K numbers, `each` apart, in `steps`; they feed `slots` from
    `slot` on."""

    steps: Any
    each: int
    K: int
    slot: int
    slots: int


class Sum(NamedTuple):
    """Terms of a weight gradient that are summed on their own; the `first` ones found it."""

    outer: int
    inner: int
    first: bool


@helper
def transposed(n, panels, rows, out, accumulate, dz, R):
    """out (+)= dz R^T: `panels` vectors of each row."""
    V = lanes(out.data)
    size = n.P * R.slots * V * V
    p = 0
    while p < panels:
        width = width_of_next(panels - p)
        place = Place(ahead(out.data, p * V), out.row, V)
        start = place if accumulate else Place(pointer_like(out.data, n.zeros), 0, 0)
        a = Terms(ahead(dz.data, R.slot * V), dz.row, 1, n.z_p)
        b = Terms(ahead(R.data, p * size), size, V, R.slots * V * V)
        multiply(n.product, rows, width, place, start, a, b, R.slots * V, n.P)
        p += width


@helper
def input_gradient(n, rows, dz, dx, scratch):
    """dx = dz W^T, by way of rows of whole vectors."""
    V = lanes(scratch)
    W = Turned(pointer_like(scratch, n.wt), n.x_slot, n.x_slots)
    transposed(n, n.Q, rows, Rows(scratch, n.Q * V), False, dz, W)
    for m in range(rows):
        for i in range(0, n.I, V):
            store_part(dx.data, m * dx.row + i, n.I - i, load(scratch, m * n.Q * V + i))


@helper
def walk_back(n, t0, t1, lo, hi, z):
    """Steps t0..t1 for rows lo..hi, from the last; dh and dc become the gradients of the states before t0."""
    dh, dq, dx = pointer_like(z, n.dh), pointer_like(z, n.dq), pointer_like(z, n.dx)
    R = Turned(pointer_like(z, n.rt), n.h_slot, n.h_slots)
    Rq = Turned(pointer_like(z, n.rqt), n.q_slot, n.q_slots)
    rows = hi - lo
    dhs, dqs = Rows(ahead(dh, lo * n.h_b), n.h_b), Rows(ahead(dq, lo * n.h_b), n.h_b)
    scratch = ahead(pointer_like(z, n.dx_rows), lo * n.Q * lanes(z))
    for t in range(t1 - 1, t0 - 1, -1):
        dz = Rows(ahead(z, t * n.z_t + lo * n.z_b), n.z_b)
        invoke(n.equations_backward, (t, lo, hi, 0, n.P, n.here))
        if n.q_slots:
            transposed(n, n.P, rows, dqs, False, dz, Rq)
            invoke(n.feedback_backward, (t, lo, hi, 0, n.P, n.here))
        transposed(n, n.P, rows, dhs, True, dz, R)
        if not n.ahead:
            input_gradient(n, rows, dz, Rows(ahead(dx, t * n.dx_t + lo * n.dx_b), n.dx_b), scratch)


@helper
def all_input_gradients(n, shard, shards, z):
    """dx of all steps, after all of them; the longer run in a product."""
    dx = pointer_like(z, n.dx)
    along_batch = n.B >= FEW or n.B >= n.T
    outer, inner = (n.T, n.B) if along_batch else (n.B, n.T)
    z_outer, z_inner, x_outer, x_inner = (
        (n.z_t, n.z_b, n.dx_t, n.dx_b) if along_batch else (n.z_b, n.z_t, n.dx_b, n.dx_t)
    )
    lo, hi = (0, inner) if along_batch else (inner * shard // shards, inner * (shard + 1) // shards)
    first, last = (outer * shard // shards, outer * (shard + 1) // shards) if along_batch else (0, outer)
    scratch = ahead(pointer_like(z, n.dx_rows), shard * max(n.B, n.T) * n.Q * lanes(z))
    for o in range(first, last):
        dz = Rows(ahead(z, o * z_outer + lo * z_inner), z_inner)
        input_gradient(n, hi - lo, dz, Rows(ahead(dx, o * x_outer + lo * x_inner), x_inner), scratch)


@helper
def weight_gradient(n, p0, p1, k0, k1, a, dz, terms, out):
    """out[p, k, slot, V] (+)= sum over terms of a[k] dz[slot] for panels p0..p1 and rows k0..k1 of a's K."""
    V = lanes(out)
    zeros = Place(pointer_like(out, n.zeros), 0, 0)
    left = Terms(ahead(a.steps.data, k0 * a.each), a.each, a.steps.inner, a.steps.outer)
    p, s = p0, 0
    while p < p1:
        width = width_of_next(p1 - p if a.slots == 1 else a.slots - s)
        step = a.K * V if a.slots == 1 else V
        place = Place(ahead(out, ((p * a.K + k0) * a.slots + s) * V), a.slots * V, step)
        start = ahead(dz.data, p * n.z_p + (a.slot + s) * V)
        right = Terms(start, n.z_p if a.slots == 1 else V, dz.inner, dz.outer)
        multiply(
            n.product, k1 - k0, width, place, zeros if terms.first else place, left, right, terms.inner, terms.outer
        )
        if a.slots == 1:
            p += width
        else:
            s += width
            if s == a.slots:
                p, s = p + 1, 0


@helper
def gradients_of_terms(n, shard, shards, x, h, q, ones, dz, terms):
    """Add some terms to a share of the parameters' gradients: whole panels, and at both ends a fraction of a
    panel's rows."""
    z = dz.data
    dw, dr, drq, db = pointer_like(z, n.dw), pointer_like(z, n.dr), pointer_like(z, n.drq), pointer_like(z, n.db)
    begin, end = n.P * shard, n.P * (shard + 1)  # in fractions 1/shards of a panel
    while begin < end:
        p0, p1, f0, f1 = begin // shards, end // shards, begin % shards, shards
        if f0 != 0 or p1 == p0:
            p1, f1 = p0 + 1, min(shards, end - p0 * shards)
        weight_gradient(n, p0, p1, n.I * f0 // shards, n.I * f1 // shards, x, dz, terms, dw)
        weight_gradient(n, p0, p1, n.H * f0 // shards, n.H * f1 // shards, h, dz, terms, dr)
        if n.q_slots:
            weight_gradient(n, p0, p1, n.H * f0 // shards, n.H * f1 // shards, q, dz, terms, drq)
        if f0 == 0:
            weight_gradient(n, p0, p1, 0, 1, ones, dz, terms, db)
        begin = (p1 - 1) * shards + f1


@helper
def parameter_gradients(n, t0, t1, shard, shards, z):
    """Add steps t0..t1, of all rows, to a share of the parameters' gradients."""
    along_batch = n.B >= FEW or n.B >= n.T
    O, N = (t1 - t0, n.B) if along_batch else (n.B, t1 - t0)
    zo, zn = (n.z_t, n.z_b) if along_batch else (n.z_b, n.z_t)
    xo, xn = (n.x_t, n.x_b) if along_batch else (n.x_b, n.x_t)
    ho, hn = (n.h_t, n.h_b) if along_batch else (n.h_b, n.h_t)  # and those of q
    part, steps = even_part(N, CHUNK), max(1, CHUNK // N)
    for o in range(0, O, steps):
        for i in range(0, N, part):
            x = Steps(ahead(pointer_like(z, n.x), t0 * n.x_t + o * xo + i * xn), xo, xn)
            h = Steps(ahead(pointer_like(z, n.h), t0 * n.h_t + o * ho + i * hn), ho, hn)
            q = Steps(ahead(pointer_like(z, n.q), t0 * n.h_t + o * ho + i * hn), ho, hn)
            ones = Steps(pointer_like(z, n.ones), 0, 0)
            gradients_of_terms(
                n,
                shard,
                shards,
                Factor(x, 1, n.I, n.x_slot, n.x_slots),
                Factor(h, 1, n.H, n.h_slot, n.h_slots),
                Factor(q, 1, n.H, n.q_slot, n.q_slots),
                Factor(ones, 0, 1, 0, n.gates),
                Steps(ahead(z, t0 * n.z_t + o * zo + i * zn), zo, zn),
                Sum(min(steps, O - o), min(part, N - i), t1 == n.T and o + i == 0),
            )


@functools.cache
def backward_kernel(dtype):
    """Address of the kernel for a dtype; it serves every cell."""
    real = Static(dtype)

    def backward(stage, shard, shards, here):
        n = read(here)
        z = pointer(real, n.z)
        p0, p1 = n.P * shard // shards, n.P * (shard + 1) // shards
        if stage == 0:
            W, R, Rq, _ = matrices(n, z, n.kernel, n.recurrent, n.bias)
            turn(W, n, n.Q * shard // shards, n.Q * (shard + 1) // shards, pointer_like(z, n.wt))
            turn(R, n, p0, p1, pointer_like(z, n.rt))
            turn(Rq, n, p0, p1, pointer_like(z, n.rqt))
        elif stage <= 2 * n.blocks:  # two stages for each block of steps, the last block first
            t1 = n.T - (stage - 1) // 2 * n.block
            t0 = max(0, t1 - n.block)
            if stage % 2:
                walk_back(n, t0, t1, n.B * shard // shards, n.B * (shard + 1) // shards, z)
            else:
                parameter_gradients(n, t0, t1, shard, shards, z)
        else:
            if n.ahead:
                all_input_gradients(n, shard, shards, z)
            W, R, Rq, b = matrices(n, z, n.d_kernel, n.d_recurrent, n.d_bias)
            unpack(pointer_like(z, n.dw), n, p0, p1, W)
            unpack(pointer_like(z, n.dr), n, p0, p1, R)
            unpack(pointer_like(z, n.drq), n, p0, p1, Rq)
            unpack(pointer_like(z, n.db), n, p0, p1, b)

    return compiled(KERNEL, backward)
