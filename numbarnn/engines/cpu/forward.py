"""The forward pass of any cell over a sequence.

Stage 0 packs the weights, shared out by panels; stage 1 walks through all of time, shared out by rows of the batch,
with no barrier (see `helping`), or, where these are fewer than threads, by panels of units (see `together`). Per step:
products into z, then the cell's equations while z is in the cache.
"""

import functools
from typing import Any, NamedTuple

from ...runtime.compile import compiled
from ...runtime.invoke import invoke
from ...runtime.memory import BYTE, WHOLE, ahead, get, lanes, load, load_part, pointer, pointer_like, put, store
from ...runtime.simd import Static, has_nan, helper
from ...runtime.threads import KERNEL, share
from .barrier import try_join, wait
from .gemm import Place, Terms, multiply, width_of_next
from .kernel_arguments import POSITION, read
from .packing import matrices, pack
from .work_stealing import offer_rows, start, steal_rows

NOT_FINITE = POSITION["not_finite"]
FEW = 8  # rows; with fewer, products over all steps take their rows along time


class Rows(NamedTuple):
    """Rows of numbers: row m starts at data + m*row."""

    data: Any
    row: int


class PanelRows(NamedTuple):
    """Rows of panels: panel p of row m starts at data + m*row + p*panel."""

    data: Any
    row: int
    panel: int


class Steps(NamedTuple):
    """Rows of all steps, as an outer and an inner run over time and batch."""

    data: Any
    outer: int
    inner: int


class Panels(NamedTuple):
    """Packed weights [p, k, one of `of` slots, V]; `data` is at the first of those `slots` which feed slots of z from
    `slot` on."""

    data: Any
    K: int
    of: int
    slot: int
    slots: int


class Link(NamedTuple):
    """A product with one of the numbers of q: its first slot, its slots, and which number."""

    slot: int
    slots: int
    kind: int


@helper
def link(n, j):
    table = pointer(WHOLE, n.link_table)
    return Link(get(table, 3 * j), get(table, 3 * j + 1), get(table, 3 * j + 2))


@helper
def affine(n, p0, p1, rows, z, start, x, W):
    """z = start + x W for the slots that W feeds in panels p0..p1; `start` are rows like z, or z itself."""
    V = lanes(z.data)
    a = Terms(x.data, x.row, 1, 0)
    if W.slots == 1:  # a tile spans panels
        p = p0
        while p < p1:
            width = width_of_next(p1 - p, rows)
            out = Place(ahead(z.data, p * z.panel + W.slot * V), z.row, z.panel)
            begin = Place(ahead(start.data, p * start.panel + W.slot * V), start.row, start.panel)
            terms = Terms(ahead(W.data, p * W.K * W.of * V), W.K * W.of * V, W.of * V, 0)
            multiply(n.product, rows, width, out, begin, a, terms, W.K, 1)
            p += width
    else:
        for p in range(p0, p1):
            s = 0
            while s < W.slots:
                width = width_of_next(W.slots - s, rows)
                out = Place(ahead(z.data, p * z.panel + (W.slot + s) * V), z.row, V)
                begin = Place(ahead(start.data, p * start.panel + (W.slot + s) * V), start.row, V)
                terms = Terms(ahead(W.data, (p * W.K * W.of + s) * V), V, W.of * V, 0)
                multiply(n.product, rows, width, out, begin, a, terms, W.K, 1)
                s += width


@helper
def look_up(p0, p1, rows, z, start, tokens, W):
    """`affine` for rows x that are one at a token and zero elsewhere."""
    V = lanes(z.data)
    for p in range(p0, p1):
        for m in range(rows):
            row = (p * W.K + get(tokens.data, m * tokens.row)) * W.of
            for s in range(W.slots):
                at, b = m * z.row + p * z.panel + (W.slot + s) * V, start.panel * p + (W.slot + s) * V
                store(z.data, at, load(start.data, m * start.row + b) + load(W.data, (row + s) * V))


@helper
def input_part(n, p0, p1, rows, z, x, tokens, e):
    """z = b + x W; b alone in the slots that x does not feed, and what was given in those for which there is such."""
    V = lanes(z.data)
    bias = PanelRows(pointer_like(z.data, n.b), 0, n.gates * V)
    W = Panels(pointer_like(z.data, n.w), n.I, n.x_slots, n.x_slot, n.x_slots)
    if n.tokens:
        look_up(p0, p1, rows, z, bias, tokens, W)
    else:
        affine(n, p0, p1, rows, z, bias, x, W)
    for p in range(p0, p1):
        for s in range(n.gates):
            if s < n.x_slot or s >= n.x_slot + n.x_slots:
                draw = s - n.m_slot
                drawn = draw >= 0 and draw < n.draws
                b = load(bias.data, p * bias.panel + s * V)
                for m in range(rows):
                    if drawn:
                        b = load_part(e.data, m * e.row + draw * n.H + p * V, n.H - p * V)
                    store(z.data, m * z.row + p * z.panel + s * V, b)


@helper
def prepare(n, shard, shards, z):
    """Pack a share of the weights; with `ahead`, z = b + x W of all steps."""
    m = matrices(n, z, n.kernel, n.recurrent, n.feedback_kernel, n.projection, n.bias, n.scale, n.shift)
    doubt = pack(m.x, shard, shards, pointer_like(z, n.w)) + pack(m.h, shard, shards, pointer_like(z, n.rw))
    doubt = doubt + pack(m.q, shard, shards, pointer_like(z, n.rq)) + pack(m.bias, shard, shards, pointer_like(z, n.b))
    doubt = doubt + pack(m.projection, shard, shards, pointer_like(z, n.pw))
    doubt = doubt + pack(m.scale, shard, shards, pointer_like(z, n.scales))
    doubt = doubt + pack(m.shift, shard, shards, pointer_like(z, n.shifts))
    if has_nan(doubt):
        put(pointer(WHOLE, n.args_address), NOT_FINITE, 1)
    if n.ahead:
        p0, p1 = share(n.P, shard, shards)
        x, tokens, e = pointer_like(z, n.x), pointer(WHOLE, n.tokens), pointer_like(z, n.e)
        along_batch = n.B >= FEW or n.B >= n.T
        outer, inner = (n.T, n.B) if along_batch else (n.B, n.T)
        zo, zi = (n.z_t, n.z_b) if along_batch else (n.z_b, n.z_t)
        xo, xi = (n.x_t, n.x_b) if along_batch else (n.x_b, n.x_t)
        ko, ki = (n.tokens_t, n.tokens_b) if along_batch else (n.tokens_b, n.tokens_t)
        eo, ei = (n.e_t, n.e_b) if along_batch else (n.e_b, n.e_t)
        for o in range(outer):
            zs = PanelRows(ahead(z, o * zo), zi, n.z_p)
            ks = Rows(ahead(tokens, o * ko), ki)
            input_part(n, p0, p1, inner, zs, Rows(ahead(x, o * xo), xi), ks, Rows(ahead(e, o * eo), ei))


@helper
def output_states(n, k, z):
    """The k-th state that is put out, after all steps."""
    state = get(pointer(WHOLE, n.output_table), k)
    if state == 0:
        return Steps(pointer_like(z, n.v1), n.v_t, n.v_b)
    return Steps(ahead(pointer_like(z, n.c1), (state - 1) * n.P * lanes(z)), n.c_t, n.c_b)


@helper
def emit(n, t0, t1, lo, hi, z):
    """y[t] = the outputs of each step t, or zeros where masked."""
    y, mask = pointer_like(z, n.y), pointer(BYTE, n.mask)
    for t in range(t0, t1):
        for b in range(lo, hi):
            for k in range(n.outputs):
                o, to = output_states(n, k, z), ((t * n.B + b) * n.outputs + k) * n.F
                source = t * o.outer + b * o.inner
                if get(mask, t * n.mask_t + b * n.mask_b) != 0:
                    for j in range(n.F):
                        put(y, to + j, get(o.data, source + j))
                else:
                    for j in range(n.F):
                        put(y, to + j, 0)


@helper
def first_products(n, t, lo, hi, p0, p1, z):
    """Everything that the input and the outputs before give to z, for rows lo..hi."""
    rows, x, v, e = hi - lo, pointer_like(z, n.x), pointer_like(z, n.v), pointer_like(z, n.e)
    zs = PanelRows(ahead(z, t * n.z_t + lo * n.z_b), n.z_b, n.z_p)
    if not n.ahead:
        xs, es = Rows(ahead(x, t * n.x_t + lo * n.x_b), n.x_b), Rows(ahead(e, t * n.e_t + lo * n.e_b), n.e_b)
        ks = Rows(ahead(pointer(WHOLE, n.tokens), t * n.tokens_t + lo * n.tokens_b), n.tokens_b)
        input_part(n, p0, p1, rows, zs, xs, ks, es)
    vs = Rows(ahead(v, t * n.v_t + lo * n.v_b), n.v_b)
    affine(n, p0, p1, rows, zs, zs, vs, Panels(pointer_like(z, n.rw), n.F, n.h_slots, n.h_slot, n.h_slots))


@helper
def second_products(n, t, lo, hi, p0, p1, z):
    """What q gives to z."""
    V = lanes(z)
    zs = PanelRows(ahead(z, t * n.z_t + lo * n.z_b), n.z_b, n.z_p)
    for j in range(n.links):
        l = link(n, j)
        qs = Rows(ahead(pointer_like(z, n.q), t * n.q_t + lo * n.q_b + l.kind * n.q_kind), n.q_b)
        R = Panels(ahead(pointer_like(z, n.rq), (l.slot - n.q_slot) * V), n.H, n.q_slots, l.slot, l.slots)
        affine(n, p0, p1, hi - lo, zs, zs, qs, R)


@helper
def hand_on(n, t, lo, hi, first, last, like):
    """The states after step t become those before the next one, zeros in rows that are reset: panels first..last."""
    V, resets = lanes(like), pointer(BYTE, n.resets)
    for b in range(lo, hi):
        keep = get(resets, (t + 1) * n.resets_t + b * n.resets_b) == 0
        at = t * n.h_t + b * n.h_b
        copy(n, first, last, keep, pointer_like(like, n.h1), at, pointer_like(like, n.h), at + n.h_t)
        for c in range(t * n.c_t + b * n.c_b, t * n.c_t + (b + 1) * n.c_b, n.P * V):
            copy(n, first, last, keep, pointer_like(like, n.c1), c, pointer_like(like, n.c), c + n.c_t)
        if n.project:
            at = t * n.v_t + b * n.v_b
            copy(n, 0, n.PF, keep, pointer_like(like, n.v1), at, pointer_like(like, n.v), at + n.v_t)


@helper
def copy(n, first, last, keep, source, source_at, out, at):
    """Vectors first..last, or zeros where not `keep`."""
    V = lanes(out)
    for p in range(first, last):
        value = load(pointer_like(out, n.zeros), 0)
        if keep:
            value = load(source, source_at + p * V)
        store(out, at + p * V, value)


@helper
def walk(n, t0, lo, hi, first, last, team_size, z):
    """The steps from t0 on for rows lo..hi and panels first..last; returns the last + 1 of the rows that were not given
    away."""
    met = 0
    for t in range(t0, n.T):
        hi = offer_rows(n.helping, t, lo, hi)
        for p0 in range(first, last, n.group):
            p1 = min(last, p0 + n.group)
            first_products(n, t, lo, hi, p0, p1, z)
            if n.later:
                invoke(n.normalise, (t, lo, hi, 0, n.later, n.args_address))
            invoke(n.feedback if n.feedback else n.equations, (t, lo, hi, p0, p1, n.args_address))
        if n.feedback:
            met += 1
            wait(n.gates_at, team_size, met)
            for p0 in range(first, last, n.group):
                p1 = min(last, p0 + n.group)
                second_products(n, t, lo, hi, p0, p1, z)
                if n.groups > n.later:
                    invoke(n.normalise, (t, lo, hi, n.later, n.groups, n.args_address))
                invoke(n.equations, (t, lo, hi, p0, p1, n.args_address))
        if n.project:
            invoke(n.project, (t, lo, hi, 0, n.PF, n.args_address))
        if n.resets and t + 1 < n.T:
            hand_on(n, t, lo, hi, first, last, z)
        met += 1
        wait(n.gates_at, team_size, met)
    return hi


@functools.cache
def forward_kernel(dtype):
    """Address of the kernel for a dtype; it serves every cell."""
    real = Static(dtype)

    def forward(stage, shard, shards, args_address):
        n = read(args_address)
        z = pointer(real, n.z)
        if stage == 0:
            prepare(n, shard, shards, z)
        elif n.gates_at:  # each thread takes some panels of all rows
            team_size = try_join(n.gates_at, shards)
            if team_size:
                me = shard if team_size > 1 else 0
                first, last = share(n.P, me, team_size)
                walk(n, 0, 0, n.B, first, last, team_size, z)
                if n.y:
                    t0, t1 = share(n.T, me, team_size)
                    emit(n, t0, t1, 0, n.B, z)
        else:
            start(n.helping)
            t, (lo, hi) = 0, share(n.B, shard, shards)
            while lo < hi:
                hi = walk(n, t, lo, hi, 0, n.P, 1, z)
                if n.y:
                    emit(n, 0, n.T, lo, hi, z)
                t, lo, hi = steal_rows(n.helping)

    return compiled(KERNEL, forward)
