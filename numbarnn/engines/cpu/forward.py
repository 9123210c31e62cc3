"""The forward pass of any cell over a sequence.

Stage 0 packs the weights, unless that has been done; threads share the panels. Stage 1 runs all steps. Threads share
the rows of the batch, with no barrier (see `work_stealing`), or teams of threads share them, and the threads of a team
the panels of units (see `teams` and `barrier`). A step adds up the products in z, then applies the cell's equations
while z is in the cache.
"""

import functools
from typing import Any, NamedTuple

from ...runtime.compile import compiled
from ...runtime.invoke import invoke
from ...runtime.memory import BYTE, WHOLE, ahead, get, lanes, load, load_part, pointer, pointer_like, put, store
from ...runtime.simd import Static, has_nan, helper
from ...runtime.threads import KERNEL, share
from .barrier import BARRIER, WORD, finish, invite, meet, share_of_team, try_join
from .gemm import Operand, TileView, multiply, tile_width
from .kernel_arguments import POSITION, read
from .packing import matrices, pack
from .work_stealing import offer_rows, start, steal_rows

NOT_FINITE = POSITION["not_finite"]
FEW = 8  # rows of the batch; with fewer, products over all steps take their rows along time


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
    """Rows of all steps: time and batch are the outer and the inner axis, or the other way round."""

    data: Any
    outer: int
    inner: int


class PackedWeights(NamedTuple):
    """Packed weights [p, k, `of` slots, V]; from `data` on, `slots` of them feed the slots of z from `slot` on."""

    data: Any
    K: int
    of: int
    slot: int
    slots: int


class QProduct(NamedTuple):
    """A product with one q: the first slot that it feeds, the number of slots, and which q."""

    slot: int
    slots: int
    kind: int


@helper
def q_product(n, j):
    """Read the j-th product with a q."""
    table = pointer(WHOLE, n.q_product_table)
    return QProduct(get(table, 3 * j), get(table, 3 * j + 1), get(table, 3 * j + 2))


@helper
def affine(n, p0, p1, rows, z, start, x, W):
    """Compute z = start + x W in the slots that W feeds, for panels p0..p1; `start` may be z."""
    V = lanes(z.data)
    a = Operand(x.data, x.row, 1, 0)
    if W.slots == 1:  # a register tile then spans several panels
        p = p0
        while p < p1:
            width = tile_width(p1 - p, rows)
            out = TileView(ahead(z.data, p * z.panel + W.slot * V), z.row, z.panel)
            begin = TileView(ahead(start.data, p * start.panel + W.slot * V), start.row, start.panel)
            terms = Operand(ahead(W.data, p * W.K * W.of * V), W.K * W.of * V, W.of * V, 0)
            multiply(n.product, rows, width, out, begin, a, terms, W.K, 1)
            p += width
    else:
        for p in range(p0, p1):
            s = 0
            while s < W.slots:
                width = tile_width(W.slots - s, rows)
                out = TileView(ahead(z.data, p * z.panel + (W.slot + s) * V), z.row, V)
                begin = TileView(ahead(start.data, p * start.panel + (W.slot + s) * V), start.row, V)
                terms = Operand(ahead(W.data, (p * W.K * W.of + s) * V), V, W.of * V, 0)
                multiply(n.product, rows, width, out, begin, a, terms, W.K, 1)
                s += width


@helper
def one_hot_affine(p0, p1, rows, z, start, tokens, W):
    """Compute `affine` for one-hot rows x, given by their indices: gather rows of W."""
    V = lanes(z.data)
    for p in range(p0, p1):
        for m in range(rows):
            row = (p * W.K + get(tokens.data, m * tokens.row)) * W.of
            for s in range(W.slots):
                at, b = m * z.row + p * z.panel + (W.slot + s) * V, start.panel * p + (W.slot + s) * V
                store(z.data, at, load(start.data, m * start.row + b) + load(W.data, (row + s) * V))


@helper
def input_products(n, p0, p1, rows, z, x, tokens, e):
    """Compute z = b + x W; slots that x does not feed become b, or the values of `e` if they are m slots."""
    V = lanes(z.data)
    bias = PanelRows(pointer_like(z.data, n.b), 0, n.gates * V)
    W = PackedWeights(pointer_like(z.data, n.w), n.I, n.x_slots, n.x_slot, n.x_slots)
    if n.tokens:
        one_hot_affine(p0, p1, rows, z, bias, tokens, W)
    else:
        affine(n, p0, p1, rows, z, bias, x, W)
    for p in range(p0, p1):
        for s in range(n.gates):
            if s < n.x_slot or s >= n.x_slot + n.x_slots:
                m_slot = s - n.m_slot
                from_e = m_slot >= 0 and m_slot < n.m_slots
                b = load(bias.data, p * bias.panel + s * V)
                for m in range(rows):
                    if from_e:
                        b = load_part(e.data, m * e.row + m_slot * n.H + p * V, n.H - p * V)
                    store(z.data, m * z.row + p * z.panel + s * V, b)


@helper
def pack_parameters(n, shard, shards, z):
    """Pack a share of the parameters."""
    m = matrices(n, z, n.kernel, n.recurrent, n.feedback_kernel, n.projection, n.bias, n.scale, n.shift)
    check = pack(m.x, shard, shards, pointer_like(z, n.w)) + pack(m.h, shard, shards, pointer_like(z, n.rw))
    check = check + pack(m.q, shard, shards, pointer_like(z, n.rq)) + pack(m.bias, shard, shards, pointer_like(z, n.b))
    check = check + pack(m.projection, shard, shards, pointer_like(z, n.pw))
    check = check + pack(m.scale, shard, shards, pointer_like(z, n.scales))
    check = check + pack(m.shift, shard, shards, pointer_like(z, n.shifts))
    if has_nan(check):
        put(pointer(WHOLE, n.args_address), NOT_FINITE, 1)


@helper
def prepare(n, shard, shards, z):
    """Pack a share of the parameters, unless they are; if `hoisted`, compute z = b + x W of all steps."""
    if n.is_packed == 0:
        pack_parameters(n, shard, shards, z)
    if n.hoisted:
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
            input_products(n, p0, p1, inner, zs, Rows(ahead(x, o * xo), xi), ks, Rows(ahead(e, o * eo), ei))


@helper
def output_states(n, k, z):
    """Return the k-th state of the outputs, after all steps."""
    state = get(pointer(WHOLE, n.output_table), k)
    if state == 0:
        return Steps(pointer_like(z, n.v1), n.v_t, n.v_b)
    return Steps(ahead(pointer_like(z, n.c1), (state - 1) * n.P * lanes(z)), n.c_t, n.c_b)


@helper
def write_outputs(n, t0, t1, lo, hi, z):
    """Write y, the outputs of steps t0..t1 and rows lo..hi: zeros at padding."""
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
def input_and_recurrent_products(n, t, lo, hi, p0, p1, z):
    """Add the products with x and with the last output to z, for rows lo..hi."""
    rows, x, v, e = hi - lo, pointer_like(z, n.x), pointer_like(z, n.v), pointer_like(z, n.e)
    zs = PanelRows(ahead(z, t * n.z_t + lo * n.z_b), n.z_b, n.z_p)
    if not n.hoisted:
        xs, es = Rows(ahead(x, t * n.x_t + lo * n.x_b), n.x_b), Rows(ahead(e, t * n.e_t + lo * n.e_b), n.e_b)
        ks = Rows(ahead(pointer(WHOLE, n.tokens), t * n.tokens_t + lo * n.tokens_b), n.tokens_b)
        input_products(n, p0, p1, rows, zs, xs, ks, es)
    vs = Rows(ahead(v, t * n.v_t + lo * n.v_b), n.v_b)
    affine(n, p0, p1, rows, zs, zs, vs, PackedWeights(pointer_like(z, n.rw), n.F, n.h_slots, n.h_slot, n.h_slots))


@helper
def feedback_products(n, t, lo, hi, p0, p1, z):
    """Add the products with q to z, for rows lo..hi."""
    V = lanes(z)
    zs = PanelRows(ahead(z, t * n.z_t + lo * n.z_b), n.z_b, n.z_p)
    for j in range(n.q_products):
        product = q_product(n, j)
        qs = Rows(ahead(pointer_like(z, n.q), t * n.q_t + lo * n.q_b + product.kind * n.q_kind), n.q_b)
        R = PackedWeights(
            ahead(pointer_like(z, n.rq), (product.slot - n.q_slot) * V), n.H, n.q_slots, product.slot, product.slots
        )
        affine(n, p0, p1, hi - lo, zs, zs, qs, R)


@helper
def carry_states(n, t, lo, hi, first, last, like):
    """Copy the states after step t to those before the next one, zeros in rows that are reset; panels first..last."""
    V, resets = lanes(like), pointer(BYTE, n.resets)
    for b in range(lo, hi):
        keep = get(resets, (t + 1) * n.resets_t + b * n.resets_b) == 0
        at = t * n.h_t + b * n.h_b
        copy_or_clear(n, first, last, keep, pointer_like(like, n.h1), at, pointer_like(like, n.h), at + n.h_t)
        for c in range(t * n.c_t + b * n.c_b, t * n.c_t + (b + 1) * n.c_b, n.P * V):
            copy_or_clear(n, first, last, keep, pointer_like(like, n.c1), c, pointer_like(like, n.c), c + n.c_t)
        if n.project:
            at = t * n.v_t + b * n.v_b
            copy_or_clear(n, 0, n.PF, keep, pointer_like(like, n.v1), at, pointer_like(like, n.v), at + n.v_t)


@helper
def copy_or_clear(n, first, last, keep, source, source_at, out, at):
    """Copy the vectors first..last, or store zeros if not `keep`."""
    V = lanes(out)
    for p in range(first, last):
        value = load(pointer_like(out, n.zeros), 0)
        if keep:
            value = load(source, source_at + p * V)
        store(out, at + p * V, value)


@helper
def forward_steps(n, t0, lo, hi, barrier, member, team, z):
    """Run the steps from t0 on for rows lo..hi and a member's share of the panels; returns the last + 1 of the rows
    that this thread kept to the end, and the size of the team at the end."""
    times, (first, last) = 0, share_of_team(n.P, member, team)
    for t in range(t0, n.T):
        hi = offer_rows(n.stealing, t, lo, hi)
        for p0 in range(first, last, n.panel_block):
            p1 = min(last, p0 + n.panel_block)
            input_and_recurrent_products(n, t, lo, hi, p0, p1, z)
            if n.early_groups:
                invoke(n.normalise, (t, lo, hi, 0, n.early_groups, n.args_address))
            invoke(n.feedback if n.feedback else n.equations, (t, lo, hi, p0, p1, n.args_address))
        if n.feedback:
            times = meet(barrier, team, times)
            for p0 in range(first, last, n.panel_block):
                p1 = min(last, p0 + n.panel_block)
                feedback_products(n, t, lo, hi, p0, p1, z)
                if n.groups > n.early_groups:
                    invoke(n.normalise, (t, lo, hi, n.early_groups, n.groups, n.args_address))
                invoke(n.equations, (t, lo, hi, p0, p1, n.args_address))
        if n.project:
            invoke(n.project, (t, lo, hi, 0, n.PF, n.args_address))
        if n.resets and t + 1 < n.T:
            carry_states(n, t, lo, hi, first, last, z)
        times = meet(barrier, team, times)
        joined = invite(barrier, team, n.team, t + 1)
        if joined != team:
            team, (first, last) = joined, share_of_team(n.P, member, joined)
    return hi, team


@helper
def team_forward(n, shard, shards, z):
    """Run all steps as a member of the team of some rows."""
    group, member = shard // n.team, shard % n.team
    barrier = n.barriers + group * WORD * BARRIER
    team, invitation = try_join(barrier, n.team)
    if team:
        lo, hi = share(n.B, group, shards // n.team)
        hi, team = forward_steps(n, max(0, invitation - 1), lo, hi, barrier, member, team, z)
        finish(barrier, team)
        if n.y:
            t0, t1 = share_of_team(n.T, member, team)
            write_outputs(n, t0, t1, lo, hi, z)


@functools.cache
def forward_kernel(dtype):
    """Compile the forward pass for a dtype, which serves every cell; returns the kernel's address."""
    real = Static(dtype)

    def forward(stage, shard, shards, args_address):
        n = read(args_address)
        z = pointer(real, n.z)
        if stage == 0:
            prepare(n, shard, shards, z)
        elif n.barriers:
            team_forward(n, shard, shards, z)
        else:
            start(n.stealing)
            t, (lo, hi) = 0, share(n.B, shard, shards)
            while lo < hi:
                hi, _ = forward_steps(n, t, lo, hi, 0, 0, 1, z)
                if n.y:
                    write_outputs(n, 0, n.T, lo, hi, z)
                t, lo, hi = steal_rows(n.stealing)

    return compiled(KERNEL, forward)
